"""New versions, good and bad: the old one serves until the new one does."""

import asyncio
import hashlib
import io
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.kubernetes.cluster import call, kubectl, names, pods, rolled_out, sql
from tests.kubernetes.conftest import UnderLoad
from tests.kubernetes.report import Figures
from tests.kubernetes.sessions import Sessions, sessions
from tests.kubernetes.stack import ROOT, build, image_of, millrace, succeed

from kubernetes.removal import KINDS, OURS

BAD = "millrace-suite-bad"
FAILS = 'CMD ["python", "-c", "raise SystemExit(3)"]'
# A name that sorts after every real one, in the folder that the image has it in.
MIGRATION = "9999_suite"
_LATER = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"


async def up(**variables: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(lambda: millrace("up", **variables))


@pytest.mark.ci
@pytest.mark.row("rollback of an image that fails at start")
@pytest.mark.timeout(400)
async def test_a_rollback(under_load: UnderLoad, tmp_path: Path) -> None:
    """`make k8s-up` says what is wrong, the old pods serve, `kubectl rollout undo` goes back."""
    former, image = names("api"), image_of("api")
    build("api", BAD, tmp_path, [FAILS])
    async with under_load() as load:
        ran = await up(K8S_IMAGES=BAD, K8S_SECONDS="40")
        left = names("api") & former
        new = [pod for pod in pods("api") if pod.name not in former]
        assert "ended with 3" in ran.stderr, ran.stderr[-3000:]
        await call("rollout", "undo", "deployment/api")
        await rolled_out("api")
    assert ran.returncode == 1
    assert "deployment/api" in ran.stderr
    assert left == former
    assert [pod.ready for pod in new] == [False]
    assert image_of("api") == image
    load.nothing_failed()
    succeed("up")


@pytest.fixture
def unrecorded() -> Iterator[None]:
    """The migration that a test adds is forgotten afterwards, or the next run would depend on it."""
    yield
    sql("DELETE FROM django_migrations WHERE name = '9999_suite'")


@pytest.mark.ci
@pytest.mark.row("bad migration, then a fixed one")
@pytest.mark.timeout(500)
async def test_a_bad_migration(under_load: UnderLoad, unrecorded: None, tmp_path: Path) -> None:
    """The Job fails, so no new pod becomes ready and the old ones serve; the fixed image goes through."""
    former = names("api")
    latest = newest_migration()
    body = f'    dependencies = [("rooms", "{latest}")]\n    operations = [migrations.RunSQL("{{}}")]\n'
    folder = kubectl("exec", "deployment/api", "--", "python", "-c", "import rooms; print(rooms.__path__[0])").strip()
    copied = [f"COPY --chmod=644 {MIGRATION}.py {folder}/migrations/"]
    async with under_load() as load:
        (tmp_path / f"{MIGRATION}.py").write_text(_LATER + body.format("SELECT 1 / 0"))
        await asyncio.to_thread(build, "api", BAD, tmp_path, copied)
        ran = await up(K8S_IMAGES=BAD, K8S_SECONDS="40")
        left, new = names("api") & former, [pod for pod in pods("api") if pod.name not in former]
        (tmp_path / f"{MIGRATION}.py").write_text(_LATER + body.format("SELECT 1"))
        await asyncio.to_thread(build, "api", BAD, tmp_path, copied)
        fixed = await up(K8S_IMAGES=BAD)
        applied = sql("SELECT name FROM django_migrations").split().count(MIGRATION)
    # The former image again.
    succeed("up")
    assert ran.returncode == 1
    assert "job/migrate-" in ran.stderr
    assert "division by zero" in ran.stderr
    assert left == former
    assert [pod.ready for pod in new] == [False]
    assert fixed.returncode == 0, fixed.stderr
    assert applied == 1
    load.nothing_failed()


def newest_migration() -> str:
    return sql("SELECT name FROM django_migrations WHERE app = 'rooms' ORDER BY name DESC LIMIT 1").strip()


@pytest.mark.row("image that no node can pull")
@pytest.mark.timeout(400)
async def test_a_missing_image(under_load: UnderLoad, tmp_path: Path) -> None:
    """It was not loaded: the old pods serve, and the pod that waits for it is named."""
    former = names("api")
    build("api", BAD, tmp_path, [f"LABEL suite={tmp_path.name}"])
    async with under_load() as load:
        ran = await up(K8S_IMAGES=BAD, K8S_LOAD="true", K8S_SECONDS="30")
        left = names("api") & former
        await call("rollout", "undo", "deployment/api")
        await rolled_out("api")
    succeed("up")
    assert ran.returncode == 1
    assert "ImagePull" in ran.stderr
    assert left == former
    load.nothing_failed()


@pytest.fixture
async def signed_in() -> AsyncIterator[Sessions]:
    """Eight browsers that go on asking, each several things at once."""
    async with sessions(8, at_once=4) as found:
        yield found


@pytest.mark.ci
@pytest.mark.row("rotation of the signing key, 8 sessions")
@pytest.mark.timeout(500)
async def test_rotation(under_load: UnderLoad, signed_in: Sessions) -> None:
    """Next key, roll, use it, roll: no session ends, although each has requests under way all the time."""
    before = key()
    async with under_load() as load:
        for step in ("next", "use"):
            ran = await asyncio.to_thread(partial(millrace, "rotate-key", step))
            assert ran.returncode == 0, ran.stderr
    assert key() != before
    assert signed_in.asked > 8 * 10
    assert signed_in.signed_out == []
    load.nothing_failed()


def key() -> str:
    """The digest of the key that new pods sign with: a failed assertion would print the key itself."""
    secret = kubectl(
        "get",
        "deployment",
        "api",
        "-o",
        "jsonpath={.spec.template.spec.volumes[?(@.name=='app-secrets')].secret.secretName}",
    )
    return hashlib.sha256(kubectl("get", "secret", secret, "-o", "jsonpath={.data.secret-key}").encode()).hexdigest()


@pytest.mark.ci
@pytest.mark.row("`make k8s-up` again")
@pytest.mark.timeout(300)
def test_up_again_changes_nothing() -> None:
    """No object of ours has another version afterwards, and no pod is another one."""
    succeed("up")
    before = versions()
    succeed("up")
    assert versions() == before


def versions() -> dict[str, str]:
    """The resource version of each object that the manifests make, and each pod's name."""
    found = kubectl.items(KINDS, "--selector", OURS)
    every = {f"{one['kind']}/{one['metadata']['name']}": str(one["metadata"]["resourceVersion"]) for one in found}
    return every | {
        name: "" for service in ("api", "realtime", "gateway", "postgres", "valkey") for name in names(service)
    }


@pytest.mark.row("upgrade from the former manifests")
@pytest.mark.timeout(600)
async def test_an_upgrade_of_the_manifests(under_load: UnderLoad, figures: Figures, tmp_path: Path) -> None:
    """The manifests before the last commit that changed them, then these: finds fields that cannot be changed."""
    commits = git("log", "--format=%H", "-2", "--", "k8s").decode().split()
    if len(commits) < 2:
        figures.note = "no former manifests in this clone"
    overlay = manifests_of(commits[-1], tmp_path)
    succeed("up", K8S_OVERLAY=str(overlay))
    async with under_load() as load:
        ran = await up()
    assert ran.returncode == 0, ran.stderr
    load.nothing_failed()


def manifests_of(commit: str, folder: Path) -> Path:
    """The overlay `local` as a commit has it."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit, "k8s"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "k8s" / "overlays" / "local"


def git(*arguments: str) -> bytes:
    return subprocess.run([shutil.which("git") or "git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout
