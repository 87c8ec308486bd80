"""`make backup` and `make restore`: there and back."""

import subprocess
import uuid
from pathlib import Path

import httpx
import pytest
from tests.containers.engine import of

ROOT = Path(__file__).parents[2]


def script(name: str, file: Path, *, fails: bool = False) -> None:
    command = [str(ROOT / "deploy" / "containers" / name), str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert (ran.returncode != 0) == fails, ran.stderr


def scalar(query: str) -> str:
    return of("postgres")[0].run("psql", "-U", "postgres", "-d", "millrace", "-Atc", query).stdout.strip()


def say(gateway: httpx.Client, message: str) -> None:
    assert gateway.post("/api/rooms/lobby/messages/", json={"message": message}).status_code == 201


def stored() -> list[str]:
    return scalar("SELECT body FROM rooms_message").splitlines()


@pytest.mark.timeout(240)
def test_a_backup_brings_back_what_was_and_nothing_later(gateway: httpx.Client, tmp_path: Path) -> None:
    """What was said before is there, what was said afterwards is not, and clients learn that numbers start over."""
    file, epoch = tmp_path / "one.dump", "SELECT epoch FROM rooms_room WHERE name = 'lobby'"
    before, after, again = (f"{when} {uuid.uuid4()}" for when in ("before", "after", "again"))
    login = gateway.post("/api/login/", json={"username": "ada", "password": "millrace-ada"})
    gateway.cookies.clear()
    gateway.headers["Authorization"] = f"Bearer {login.json()['token']}"
    say(gateway, before)
    old_epoch = scalar(epoch)
    script("backup", file)
    say(gateway, after)
    script("restore", file)
    assert (stored().count(before), stored().count(after)) == (1, 0)
    assert scalar(epoch) not in {old_epoch, ""}
    # The services work with it, as its owner, and know whoever was signed in.
    say(gateway, again)
    assert stored().count(again) == 1


@pytest.mark.timeout(240)
def test_a_backup_that_was_cut_off_changes_nothing(tmp_path: Path) -> None:
    """It ends within the rows of a table: nothing of it is restored, no epoch is new, and the services run."""
    whole, half = tmp_path / "whole.dump", tmp_path / "half.dump"
    script("backup", whole)
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    picture = (
        "SELECT (SELECT string_agg(epoch::text, ' ' ORDER BY id) FROM rooms_room), (SELECT count(*) FROM rooms_message)"
    )
    before = scalar(picture)
    script("restore", half, fails=True)
    assert scalar(picture) == before
    assert len(of("api")) == 2
