"""A change of what users depend on shows in a diff: `make snapshots` writes it, and its reviewer sees it."""

from pathlib import Path

import pytest
from tests.snapshots.snapshots import FOLDER, SERVICES, of_code, write


@pytest.mark.parametrize("service", SERVICES)
def test_the_code_is_as_written(service: str) -> None:
    """Paths, documents, metrics, variables, commands, tables and events are those of the files, and no more."""
    written = {file.name: file.read_text() for file in (FOLDER / service).iterdir()}
    found = of_code(service)
    assert found.keys() == written.keys()
    for name, text in found.items():
        assert text.splitlines() == written[name].splitlines(), f"{service}/{name}: `make snapshots` writes it"


def test_written_again(tmp_path: Path) -> None:
    """What is written is what is read; a file of something that is gone goes too."""
    stale = tmp_path / "realtime" / "gone.txt"
    stale.parent.mkdir()
    stale.write_text("")
    write("realtime", tmp_path)
    assert not stale.exists()
    names = {file.name for file in stale.parent.iterdir()}
    assert names == {file.name for file in (FOLDER / "realtime").iterdir()}
    assert "/health/live\n" in (stale.parent / "paths.txt").read_text()
