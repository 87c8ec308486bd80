"""The deployer without a cluster: what it refuses, what it generates, and what it says about a rollout."""

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubernetes import deploy, images, overlay, progress, secret_files
from kubernetes.kubectl import ROOT, Failed
from kubernetes.target import Target, check_version

TAGS = dict.fromkeys(images.SERVICES, "0123456789ab")
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
    "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("kind-a", "shop-prod", "alive")],
}


def run(tmp_path: Path, current: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line as `make` runs it, with a kubeconfig whose cluster does not answer."""
    config = tmp_path / "kubeconfig"
    config.write_text(yaml.safe_dump(KUBECONFIG | {"current-context": current}))
    return subprocess.run(
        [sys.executable, "-m", "kubernetes", *words],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": "deploy", "KUBECONFIG": str(config), "BUILD": "0", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("current", "environment", "said"),
    [
        ("kind-a", {"KUBECTL": "kubectl-that-is-missing"}, "no program kubectl-that-is-missing: install kubectl 1.34"),
        ("kind-a", {}, "the cluster of the context 'kind-a' does not answer"),
        ("", {}, "kubectl has no current context"),
        ("kind-a", {"K8S_CONTEXT": "other"}, "K8S_CONTEXT: kubectl knows no context 'other'"),
        ("shop-prod", {}, "the context 'shop-prod' looks like production: set K8S_CONTEXT=shop-prod"),
        ("shop-prod", {"K8S_CONTEXT": "shop-prod"}, "the cluster of the context 'shop-prod' does not answer"),
        # A word that only contains another one.
        ("alive", {}, "the cluster of the context 'alive' does not answer"),
        ("kind-a", {"K8S_COMPONENTS": "postgers"}, "K8S_COMPONENTS: there is no k8s/components/postgers"),
        ("kind-a", {"K8S_URL": "localhost:8080"}, "K8S_URL: 'localhost:8080' is not an origin"),
        ("kind-a", {"K8S_SECONDS": "soon"}, "K8S_SECONDS: 'soon' is not a number of seconds"),
        ("kind-a", {"K8S_OVERLAY": "k8s/base/none"}, "has no kustomization.yaml"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, current: str, environment: dict[str, str], said: str) -> None:
    ran = run(tmp_path, current, "up", **environment)
    assert ran.returncode == 1
    assert said in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert not ran.stdout


@pytest.mark.parametrize("command", [["down"], ["backup"], ["restore", "no-such.dump"], ["rotate-key", "next"]])
def test_every_command_says_that_the_cluster_does_not_answer(tmp_path: Path, command: list[str]) -> None:
    ran = run(tmp_path, "kind-a", *command)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert ran.stderr.startswith(f"k8s-{command[0]}: ")


@pytest.mark.parametrize(("version", "fine"), [("1.33.9", False), ("1.34.0", True), ("1.36.3", True), ("2.0.0", True)])
def test_a_cluster_older_than_the_manifests_is_refused(version: str, fine: bool) -> None:
    answer = f'{{"clientVersion": {{"gitVersion": "v1.37.0"}}, "serverVersion": {{"gitVersion": "v{version}"}}}}'
    if fine:
        check_version(answer)
        return
    with pytest.raises(Failed, match=r"has Kubernetes 1\.33; these manifests need 1\.34"):
        check_version(answer)


class Offline:
    """In place of a cluster that has nothing: every question gets an empty answer."""

    def __init__(
        self,
        *,
        secrets: list[dict[str, Any]] | None = None,
        workloads: list[dict[str, Any]] | None = None,
        dns: str = "",
    ) -> None:
        self.secrets, self.workloads, self.dns = secrets or [], workloads or [], dns

    def items(self, kinds: str, *_arguments: str) -> list[dict[str, Any]]:
        return self.secrets if kinds == "secrets" else self.workloads

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(arguments, 0, self.dns.encode(), b"")


def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Offline, *components: str) -> Target:
    monkeypatch.setattr(Target, "kubectl", cluster)
    return Target("kind-a", "http://localhost:8080", 1, list(components), folder=tmp_path / "k8s")


def test_the_generated_overlay_renders_with_tags_release_and_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Inside the checkout: kustomize takes bases by relative paths.
    here = target(tmp_path, monkeypatch, Offline(dns="10.43.0.10"), "testing", "tls")
    secret_files.prepare(here)
    objects = {(one["kind"], one["metadata"]["name"]): one for one in overlay.rendered(overlay.write(here, TAGS))}
    release = overlay.release(TAGS)
    assert ("Job", f"migrate-{release}") in objects
    assert ("Job", f"demo-seed-{release}") in objects
    api = objects["Deployment", "api"]["spec"]["template"]["spec"]
    assert api["containers"][0]["image"] == "docker.io/millrace/api:0123456789ab"
    (name,) = [one["secret"]["secretName"] for one in api["volumes"] if "secret" in one]
    data = objects["Secret", name]["data"]
    password = (here.folder / "secrets" / "database-password").read_text()
    assert base64.b64decode(data["database-url"]).decode() == f"postgresql://millrace:{password}@postgres:5432/millrace"
    assert objects["Service", "gateway"]["spec"]["ports"][0]["nodePort"] == 30443
    blocks = objects["NetworkPolicy", "names"]["spec"]["egress"][2]["to"]
    assert blocks[2] == {"ipBlock": {"cidr": "10.43.0.10/32"}}


def test_the_release_changes_with_the_apis_image_only() -> None:
    other = {**TAGS, "gateway": "other"}
    assert overlay.release(TAGS) == overlay.release(other)
    assert overlay.release(TAGS) != overlay.release({**TAGS, "api": "other"})


def test_secrets_are_made_once_and_readable_by_their_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = target(tmp_path, monkeypatch, Offline())
    secret_files.prepare(here)
    before = {path.name: path.read_text() for path in (here.folder / "secrets").iterdir()}
    secret_files.prepare(here)
    assert {path.name: path.read_text() for path in (here.folder / "secrets").iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in (here.folder / "secrets").iterdir()} == {0o600}
    assert len(before["secret-key"]) == 64
    assert before["secret-key-fallbacks"] == ""


def live_secret(name: str, day: int, **values: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "creationTimestamp": f"2026-01-{day:02}T00:00:00Z"},
        "data": {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def test_the_cluster_has_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of an older checkout would lock the services out, or bring a former signing key back."""
    secret_files.prepare(target(tmp_path, monkeypatch, Offline()))
    theirs = live_secret("postgres-secrets-a1", 1, database_password="theirs")
    here = target(tmp_path, monkeypatch, Offline(secrets=[theirs]))
    secret_files.prepare(here)
    assert (here.folder / "secrets" / "database-password").read_text() == "theirs"
    assert ":theirs@postgres" in (here.folder / "secrets" / "database-url").read_text()


def test_the_mounted_secret_counts_and_not_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback mounts an older one again."""
    both = [live_secret("app-secrets-a1", 1, secret_key="old"), live_secret("app-secrets-b2", 2, secret_key="new")]
    pod = {"spec": {"volumes": [{"name": "app-secrets", "secret": {"secretName": "app-secrets-a1"}}]}}
    here = target(tmp_path, monkeypatch, Offline(secrets=both, workloads=[{"spec": {"template": pod}}]))
    secret_files.prepare(here)
    assert (here.folder / "secrets" / "secret-key").read_text() == "old"


def test_the_signing_key_changes_in_two_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = target(tmp_path, monkeypatch, Offline())
    secret_files.prepare(here)
    folder = here.folder / "secrets"

    def keys() -> tuple[str, list[str]]:
        return (folder / "secret-key").read_text(), (folder / "secret-key-fallbacks").read_text().split(",")

    first = keys()[0]
    with pytest.raises(Failed, match="there is no next key"):
        secret_files.rotate(here, "use")
    secret_files.rotate(here, "next")
    signing, (following,) = keys()
    assert signing == first
    # Again, after a rollout that did not become ready.
    secret_files.rotate(here, "next")
    assert keys() == (first, [following])
    secret_files.rotate(here, "use")
    assert keys() == (following, [first])
    # A second time, for example after a rollout that was interrupted, would go back to the former key.
    with pytest.raises(Failed, match="there is no next key"):
        secret_files.rotate(here, "use")
    assert keys() == (following, [first])


def test_former_keys_are_accepted_for_three_rotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = target(tmp_path, monkeypatch, Offline())
    secret_files.prepare(here)
    folder = here.folder / "secrets"
    signed = []
    for _ in range(5):
        signed.append((folder / "secret-key").read_text())
        secret_files.rotate(here, "next")
        secret_files.rotate(here, "use")
    assert (folder / "secret-key-fallbacks").read_text().split(",") == signed[:1:-1]


@pytest.mark.parametrize(
    ("context", "environment", "command"),
    [
        ("kind-dev", {}, ["kind", "load", "docker-image", "--name", "dev", "a", "b"]),
        ("k3d-dev", {}, ["k3d", "image", "import", "--cluster", "dev", "a", "b"]),
        ("minikube", {}, ["minikube", "image", "load", "a"]),
        ("other", {"K8S_LOAD": "copy 'to all'"}, ["copy", "to all", "a", "b"]),
    ],
)
def test_images_reach_each_kind_of_cluster(
    context: str, environment: dict[str, str], command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("K8S_LOAD", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert images.loaders(context, ["a", "b"])[0] == command


def test_an_unknown_cluster_needs_to_be_told_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("K8S_LOAD", raising=False)
    with pytest.raises(Failed, match="set REGISTRY="):
        images.loaders("other", ["a"])


def deployment(**status: int) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "api", "generation": 2},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 2, **status},
    }


@pytest.mark.parametrize(
    ("workload", "lacks"),
    [
        (deployment(observedGeneration=1), "not seen by its controller yet"),
        (deployment(updatedReplicas=1, replicas=3), "1 of 2 pods are of this version"),
        (deployment(updatedReplicas=2, replicas=3), "1 pods of the former version are left"),
        (deployment(updatedReplicas=2, replicas=2, availableReplicas=1), "1 of 2 pods are available"),
        (deployment(updatedReplicas=2, replicas=2, availableReplicas=2), ""),
        ({"kind": "Job", "metadata": {}, "spec": {}, "status": {"succeeded": 1}}, ""),
        ({"kind": "Job", "metadata": {}, "spec": {}, "status": {}}, "runs"),
        (
            {
                "kind": "Job",
                "metadata": {},
                "spec": {},
                "status": {"conditions": [{"type": "Failed", "status": "True", "message": "too often"}]},
            },
            "failed: too often",
        ),
    ],
)
def test_what_a_rollout_lacks_is_said(workload: dict[str, Any], lacks: str) -> None:
    assert progress.missing(workload) == lacks


def test_the_number_of_pods_that_an_autoscaler_chose_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = {"metadata": {"name": "api"}, "spec": {"replicas": 5}}
    objects: list[dict[str, Any]] = [
        {"kind": "Deployment", "metadata": {"name": "api"}, "spec": {}},
        {"kind": "Deployment", "metadata": {"name": "new"}, "spec": {}},
    ]
    deploy.keep_replicas(target(tmp_path, monkeypatch, Offline(workloads=[live])), objects)
    assert [one["spec"]["replicas"] for one in objects] == [5, 2]


def test_a_copy_of_images_is_tried_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A busy engine fails now and then; one that fails twice is an error."""
    tries = tmp_path / "tries"
    images.copy(["sh", "-c", f"echo >>{tries}; [ $(wc -l <{tries}) = 2 ]"])
    assert "trying once more" in capsys.readouterr().err
    with pytest.raises(Failed, match="failed with 3"):
        images.copy(["sh", "-c", f"echo >>{tries}; exit 3"])
    assert len(tries.read_text().splitlines()) == 4


class Unsteady(Offline):
    """A cluster whose API server answers `kubectl apply` with the next of these lines; an empty one is a success."""

    def __init__(self, *said: str) -> None:
        super().__init__()
        self.said = list(said)

    def run(self, *arguments: str, **_: Any) -> subprocess.CompletedProcess[bytes]:
        said = self.said.pop(0)
        return subprocess.CompletedProcess(arguments, 1 if said else 0, b"", said.encode())


def test_an_api_server_that_is_away_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same objects are applied once more; what the server refuses is not."""
    monkeypatch.setattr(progress, "INTERVAL", 0)
    cluster = Unsteady("Error: dial tcp 10.0.0.1:6443: connect: connection refused", "")
    deploy.apply(target(tmp_path, monkeypatch, cluster), [])
    assert cluster.said == []
    cluster = Unsteady('The Deployment "api" is invalid: spec.selector: field is immutable', "")
    with pytest.raises(Failed, match="field is immutable"):
        deploy.apply(target(tmp_path, monkeypatch, cluster), [])
    assert cluster.said == [""]
