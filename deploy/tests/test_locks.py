"""The locks name versions and hashes, and no place to get them from."""

import re
from pathlib import Path

import pytest

LOCKS = sorted((Path(__file__).parents[2] / "locks").glob("*.txt"))


def _pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", lock.read_text(), re.MULTILINE))


def test_there_is_a_lock_for_each_use() -> None:
    """Two for the checkout, one for the build of images, one a service, one for the benchmark's peers."""
    assert [lock.stem for lock in LOCKS] == ["api", "bench", "build", "dev", "mock-upstream", "realtime", "run"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_holds_no_address_and_no_path(lock: Path) -> None:
    """Whoever installs decides where from."""
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash)|^[./]|/home|@ ", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_has_a_version_and_hashes(lock: Path) -> None:
    """So that `--require-hashes` holds."""
    for requirement in re.split(r"\n(?=\S)", lock.read_text().strip()):
        assert re.match(r"[a-z0-9][a-z0-9._-]*==[^\s;]+( ; .+?)? \\\n", requirement), requirement[:80]
        assert "--hash=sha256:" in requirement


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_locks_agree(lock: Path) -> None:
    """What is tested (dev) is what runs; only the benchmark's peers have packages of their own."""
    tested = _pins(Path(LOCKS[0]).with_name("dev.txt"))
    pins = {name: version for name, version in _pins(lock).items() if lock.stem != "bench" or name in tested}
    differing = {name: version for name, version in pins.items() if tested.get(name) != version}
    assert differing == {}
