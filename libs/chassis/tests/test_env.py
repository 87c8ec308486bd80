"""Configuration that fails loudly, in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_GOOD = {"SECRET_KEY": "x" * 60, "DATABASE_URL": "postgresql://u:pw@localhost/db", "REDIS_URL": "redis://localhost/0"}


def start(**changed: str | None) -> subprocess.CompletedProcess[str]:
    """Import the api's settings in a process of its own."""
    environment = {name: value for name, value in {**_GOOD, **changed}.items() if value is not None}
    code = "from chassis.env import configure; configure('api.settings'); print('started')"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_complete_configuration() -> None:
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
    ],
)
def test_missing_or_malformed(name: str, value: str | None) -> None:
    """The process ends with status 1 and one line that names the variable."""
    ended = start(**{name: value})
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.strip().splitlines()) == 1
    assert name in ended.stderr


def test_secret_from_a_file(tmp_path: Path) -> None:
    """`NAME_FILE` names a file that holds the value."""
    path = tmp_path / "secret"
    path.write_text("y" * 60)
    assert start(SECRET_KEY=None, SECRET_KEY_FILE=str(path)).stdout.strip() == "started"
