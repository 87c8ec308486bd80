"""`make k8s-backup` and `make k8s-restore`: there and back."""

import uuid
from pathlib import Path

import pytest
from tests.kubernetes.cluster import sql
from tests.kubernetes.stack import login, say, stored, succeed


@pytest.mark.row("backup and restore")
@pytest.mark.timeout(400)
def test_a_backup_brings_back_what_was_and_nothing_later(tmp_path: Path) -> None:
    """What was said before is there, what was said afterwards is not, and clients learn that numbers start over."""
    file, epoch = tmp_path / "one.dump", "SELECT epoch FROM rooms_room WHERE name = 'lobby'"
    before, after, again = (f"{when} {uuid.uuid4()}" for when in ("before", "after", "again"))
    token = login()
    say(before, token)
    former = sql(epoch)
    succeed("backup", str(file))
    say(after, token)
    succeed("restore", str(file))
    assert (stored(before), stored(after)) == (1, 0)
    assert sql(epoch) not in {former, ""}
    say(again, token)
    assert stored(again) == 1
