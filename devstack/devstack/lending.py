"""Servers for a process that does not run under `exec` or `stack`: it takes over their environment instead."""

import json
import os
import subprocess
import sys
import tempfile
from typing import Literal

from devstack.output import StackError
from devstack.services import ROOT

_TELL = "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.exit(sys.stdin.read() != '')"
# Of the runner's own, and of no use to a borrower.
_NOT_LENT = frozenset({"PYTHONPATH"})


class Lender:
    """PostgreSQL and Valkey (`exec`) or the complete stack (`stack`), until `close()`, or until this process ends."""

    def __init__(self, what: Literal["exec", "stack"]) -> None:
        self._what = what
        self._answers = False
        self._said = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - it is closed by `close()`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "devstack", what, "--", sys.executable, "-c", _TELL],
            env={**os.environ, "PYTHONPATH": str(ROOT / "devstack")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            # A Ctrl-C is for the borrower, which needs its servers until it has cleaned up.
            start_new_session=True,
            text=True,
        )

    def wait(self) -> dict[str, str]:
        """Blocks until the servers answer; returns the environment that leads to them. Raises `StackError`."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self._process.wait()
            self._said.seek(0)
            raise StackError(f"`python -m devstack {self._what}` did not start", self._said.read().splitlines())
        self._answers = True
        return {name: value for name, value in json.loads(line).items() if name not in _NOT_LENT}

    def close(self, *, keep_logs: bool = False) -> str:
        """Stops them. With `keep_logs` the services' logs stay. Returns what the runner printed, their path too."""
        if self._answers:
            # The end of its input ends the command, and the runner stops what it started for it.
            self._process.communicate("failed" if keep_logs else "")
        else:
            self._process.terminate()
            self._process.wait()
        self._said.seek(0)
        with self._said:
            return self._said.read()
