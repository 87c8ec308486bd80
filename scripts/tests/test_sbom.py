"""`make sbom`: what the bills of materials say."""

import json
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SERVICES = ("api", "realtime", "mock-upstream")


def bills(folder: Path) -> dict[str, str]:
    """By service, as they are in the folder."""
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{service}.cdx.json" for service in SERVICES)
    return {service: (folder / f"{service}.cdx.json").read_text() for service in SERVICES}


@pytest.mark.timeout(300)
def test_bills_name_what_the_locks_pin(tmp_path: Path) -> None:
    """Every package for Linux with its version and hashes, none for another system, and the same each time."""
    # What writes them also validates them against the standard's schema.
    writing = [
        subprocess.Popen([ROOT / "scripts" / "sbom", tmp_path / name], stdout=subprocess.DEVNULL) for name in ("1", "2")
    ]
    assert [process.wait(250) for process in writing] == [0, 0]
    first, second = bills(tmp_path / "1"), bills(tmp_path / "2")
    assert first == second
    for service, text in first.items():
        bill = json.loads(text)
        assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
        assert bill["metadata"]["component"]["name"] == service
        lock = (ROOT / "locks" / f"{service}.txt").read_text()
        pinned = dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)(?: \\| *$)", lock, re.MULTILINE))
        named = {one["name"]: one["version"] for one in bill["components"]}
        assert named.items() >= pinned.items()
        assert "tzdata" not in named
        hashed = [one for one in bill["components"] if "SHA-256" in json.dumps(one)]
        assert len(hashed) == len(named)
