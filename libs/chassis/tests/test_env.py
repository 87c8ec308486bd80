"""Configuration that fails loudly, in one line."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from chassis.env import env
from testing.starts import Starts

type Start = Callable[..., CompletedProcess[str]]

_CODE = "from chassis.env import configure; configure('api.settings'); print('started')"
_GOOD = {"SECRET_KEY": "x" * 60, "DATABASE_URL": "postgresql://u:pw@localhost/db", "REDIS_URL": "redis://localhost/0"}


@pytest.fixture(scope="module")
def starts() -> Iterator[Starts]:
    """An interpreter for all cases."""
    starts = Starts()
    yield starts
    starts.close()


@pytest.fixture
def start(starts: Starts) -> Start:
    """Imports the api's settings in a process of its own."""

    def run(**changed: str | None) -> CompletedProcess[str]:
        environment = {name: value for name, value in {**_GOOD, **changed}.items() if value is not None}
        return starts.run(_CODE, {"PATH": os.environ["PATH"], **environment})

    return run


def test_complete_configuration(start: Start) -> None:
    """With all that is needed, the process starts."""
    assert start().stdout.strip() == "started"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", None),
        ("DATABASE_URL", None),
        ("DATABASE_URL", "nonsense"),
        ("REDIS_URL", None),
        ("SYNC_THREADS", "many"),
        ("LOG_FORMAT", "xml"),
        ("HTTPS_ONLY", "perhaps"),
        ("DATABASE_WAIT_SECONDS", "soon"),
        ("DATABASE_WAIT_SECONDS", "-1"),
        ("SECRET_KEY_FILE", "/nowhere"),
        ("SECRET_KEY_FILE", "/"),
    ],
)
def test_missing_or_malformed(start: Start, name: str, value: str | None) -> None:
    """The process ends with status 1 and one line that names the variable."""
    ended = start(**{name: value})
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.strip().splitlines()) == 1
    assert name in ended.stderr


def test_secret_from_a_file(start: Start, tmp_path: Path) -> None:
    """`NAME_FILE` names a file that holds the value."""
    path = tmp_path / "secret"
    path.write_text("y" * 60)
    assert start(SECRET_KEY=None, SECRET_KEY_FILE=str(path)).stdout.strip() == "started"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("secret", "secret"),
        ("secret\n", "secret"),
        ("secret\r\n", "secret"),
        ("secret\n\n", "secret\n"),
        ("secret\r\n\r\n", "secret\r\n"),
        ("secret\r", "secret\r"),
        (" secret \n", " secret "),
        ("one\r\ntwo\n", "one\r\ntwo"),
        ("\n", ""),
        ("", ""),
    ],
)
def test_newline_at_the_end_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, value: str
) -> None:
    """One newline that ends the file is not part of the value; everything else is."""
    path = tmp_path / "secret"
    path.write_bytes(content.encode())
    monkeypatch.setenv("ANY_NAME_FILE", str(path))
    assert env.str("ANY_NAME") == value


def test_newline_for_every_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is read of the value: the last of a list has no newline either, nor has the name of a database."""
    path = tmp_path / "value"
    monkeypatch.setenv("ANY_NAME_FILE", str(path))
    path.write_text("a,b\n")
    assert env.list("ANY_NAME") == ["a", "b"]
    path.write_text("postgresql://u:pw@localhost/db\n")
    assert dict(env.dj_db_url("ANY_NAME"))["NAME"] == "db"


def test_newline_of_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value from the environment itself is taken unchanged."""
    monkeypatch.setenv("ANY_NAME", "secret\n")
    assert env.str("ANY_NAME") == "secret\n"
