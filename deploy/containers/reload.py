"""`reload.py FOLDER SERVICE`: for development, runs the service from its sources, and anew when one of them changes.

The folder has the workspace. What it has of the service's packages comes before what is installed.

It looks at times every half second: notifications of the kernel do not reach a folder that a virtual machine shares.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

INTERVAL = 0.5
# Seconds for the command to end by itself after SIGTERM.
PATIENCE = 10.0
KINDS = {".py", ".html", ".css", ".js", ".svg", ".toml"}


def sources(folder: Path) -> dict[Path, int]:
    """The time of every source, in nanoseconds; one that vanishes meanwhile is left out."""
    found = {}
    for path in folder.rglob("*"):
        if path.suffix in KINDS and "__pycache__" not in path.parts:
            try:
                found[path] = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
    return found


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL; nothing if it is over already."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def leave(_number: int, _frame: FrameType | None) -> None:
    """The container is stopped."""
    raise SystemExit(0)


def start(folder: Path, service: str) -> subprocess.Popen[bytes]:
    """The service, with its packages on the search path."""
    command = [sys.executable, "-I", str(folder / "scripts/packages.py"), "--path", service]
    path = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    return subprocess.Popen([sys.executable, "-m", service], env={**os.environ, "PYTHONPATH": path})


def main(folder: Path, service: str) -> None:
    """Run until SIGTERM. A service that ended, for a mistake in the code, is tried again after the next change."""
    signal.signal(signal.SIGTERM, leave)
    before = sources(folder)
    process = start(folder, service)
    try:
        while True:
            time.sleep(INTERVAL)
            now = sources(folder)
            if now != before:
                changed = sorted(path for path, _ in before.items() ^ now.items())
                print(f"reload: {changed[0].relative_to(folder)} changed", flush=True)
                before = now
                stop(process)
                process = start(folder, service)
    finally:
        stop(process)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
