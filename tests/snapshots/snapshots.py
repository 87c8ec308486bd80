"""The snapshots as files, and as the code has them: `python -m tests.snapshots.snapshots` writes them anew."""

import json
import os
import subprocess
import sys
from pathlib import Path

SERVICES = ("api", "realtime")
FOLDER = Path(__file__).parent
_COLLECT = FOLDER / "collect.py"
# Nothing is connected to; the demo is on, since it is a part of what is promised.
_SETTINGS = {
    "SECRET_KEY": "a key that signs nothing, for the snapshots only, as long as one must be",
    "DATABASE_URL": "postgres://user:password@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1",
    "DEMO": "1",
    # For the list of packages.
    "PYTHONPATH": str(FOLDER.parents[1] / "scripts"),
}


def of_code(service: str) -> dict[str, str]:
    """The texts of a service's snapshots, by the names of their files. Variables of the caller have no influence."""
    environment = {"PATH": os.environ["PATH"], **_SETTINGS}
    command = [sys.executable, str(_COLLECT), service]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    if ran.returncode:
        raise RuntimeError(f"the snapshots of {service} cannot be read:\n{ran.stderr[-3000:]}")
    found: dict[str, str] = json.loads(ran.stdout)
    return found


def write(service: str, folder: Path = FOLDER) -> None:
    """Replace the files of a service's snapshots."""
    own = folder / service
    own.mkdir(exist_ok=True)
    found = of_code(service)
    for file in own.iterdir():
        if file.name not in found:
            file.unlink()
    for name, text in found.items():
        (own / name).write_text(text)


if __name__ == "__main__":
    for each in SERVICES:
        write(each)
