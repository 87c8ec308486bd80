"""`make k8s-backup` and `make k8s-restore`: the database of the component `postgres`."""

import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from kubernetes import progress
from kubernetes.kubectl import ROOT, Failed
from kubernetes.target import Target

DUMP_SECONDS = 3600.0
POD = "statefulset/postgres"
SERVICES = ("api", "realtime")


def backup(target: Target, file: Path | None) -> Path:
    """Write the database into a file while everything runs; returns the file, which is whole if it exists."""
    target.check()
    file = file or Path("backups") / f"millrace-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump"
    path = ROOT / file
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
            command = ("pg_dump", "-U", "postgres", "--format", "custom", "millrace")
            target.kubectl("exec", POD, "--", *command, output=output, within=DUMP_SECONDS)
        with part.open("rb") as written:
            _in_database(target, "pg_restore", "--list", given=written, output=subprocess.DEVNULL)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return file


def restore(target: Target, file: Path) -> None:
    """Put the database back as it was, all of it or nothing. The api and realtime are stopped meanwhile.

    Rooms get a new epoch, because their numbers start over and clients must too.
    """
    path = ROOT / file
    if not path.is_file() or not path.stat().st_size:
        raise Failed(f"FILE={file} is no file of `make k8s-backup`")
    target.check()
    running = {name: _replicas(target, name) for name in SERVICES}
    try:
        for name in SERVICES:
            target.kubectl("scale", "deployment", name, "--replicas=0")
        _wait_until_gone(target)
        command = ("pg_restore", "-U", "postgres", "-d", "millrace", "--clean", "--if-exists", "--single-transaction")
        with path.open("rb") as dump:
            _in_database(target, *command, given=dump)
        statement = "UPDATE rooms_room SET epoch = gen_random_uuid()"
        _in_database(target, "psql", "-U", "postgres", "-d", "millrace", "-v", "ON_ERROR_STOP=1", "-qc", statement)
    finally:
        # Also after a failure, which changed nothing.
        for name, replicas in running.items():
            target.kubectl("scale", "deployment", name, f"--replicas={replicas}")
    objects = [one for one in target.kubectl.items("deployments") if one["metadata"]["name"] in SERVICES]
    progress.wait(target, objects, print)
    print(f"restored {file}")


def _replicas(target: Target, name: str) -> int:
    return int(target.kubectl("get", "deployment", name, "-o", "jsonpath={.spec.replicas}"))


def _in_database(target: Target, *command: str, given: IO[bytes] | None = None, output: int = subprocess.PIPE) -> None:
    # `kubectl exec` waits for ever if a command ends before it has read all that it is given.
    reading = ("sh", "-c", '"$@"; code=$?; cat > /dev/null; exit "$code"', "sh") if given else ()
    target.kubectl("exec", "-i", POD, "--", *reading, *command, given=given, within=DUMP_SECONDS, output=output)


def _wait_until_gone(target: Target) -> None:
    deadline = time.monotonic() + target.seconds
    selector = f"app.kubernetes.io/name in ({', '.join(SERVICES)})"
    while target.kubectl.items("pods", "--selector", selector):
        if time.monotonic() > deadline:
            raise Failed(f"the pods of the services did not end within {target.seconds:.0f} s")
        time.sleep(1)
