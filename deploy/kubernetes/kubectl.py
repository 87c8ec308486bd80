"""kubectl, bound to one context and namespace."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
SECONDS = 60.0


class Failed(Exception):
    """Ends a command with one sentence. `detail`: lines that explain it."""

    def __init__(self, sentence: str, detail: Iterable[str] = ()) -> None:
        super().__init__(sentence)
        self.detail = list(detail)


def program() -> str:
    """The path of kubectl: `KUBECTL`, or the pinned one of the development environment, or the one on PATH."""
    named = os.environ.get("KUBECTL")
    pinned = ROOT / ".venv" / "bin" / "kubectl"
    found = shutil.which(named or (str(pinned) if pinned.exists() else "kubectl"))
    if not found:
        raise Failed(f"no program {named or 'kubectl'}: install kubectl 1.34 or newer, or name it with KUBECTL=")
    return found


class Kubectl:
    """Runs kubectl. Every method raises `Failed` with the last line that kubectl said, unless `check=False`."""

    def __init__(self, context: str = "", namespace: str = "") -> None:
        self._command = [program()]
        if context:
            self._command += ["--context", context]
        if namespace:
            self._command += ["--namespace", namespace]

    def __call__(
        self,
        *arguments: str,
        given: str | IO[bytes] | None = None,
        check: bool = True,
        within: float = SECONDS,
        output: IO[bytes] | int = subprocess.PIPE,
    ) -> str:
        """What it prints. `given`: its standard input, a text or a file; `output`: a file that gets standard output."""
        ran = self.run(*arguments, given=given, within=within, output=output)
        if check and ran.returncode:
            said = ran.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise Failed(f"`kubectl {' '.join(arguments)[:120]}` failed: {said[-1]}", said[:-1][-10:])
        return ran.stdout.decode(errors="replace") if ran.stdout else ""

    def run(
        self,
        *arguments: str,
        given: str | IO[bytes] | None = None,
        within: float = SECONDS,
        output: IO[bytes] | int = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[bytes]:
        """The finished process, whatever its exit code."""
        text = given.encode() if isinstance(given, str) else None
        file = None if isinstance(given, str) else given or subprocess.DEVNULL
        return subprocess.run(
            [*self._command, *arguments],
            input=text,
            stdin=file,
            stdout=output,
            stderr=subprocess.PIPE,
            timeout=within,
            check=False,
        )

    def json(self, *arguments: str, within: float = SECONDS) -> dict[str, Any]:
        """The answer of `kubectl ... -o json`."""
        answer: dict[str, Any] = json.loads(self(*arguments, "-o", "json", within=within))
        return answer

    def items(self, kinds: str, *arguments: str) -> list[dict[str, Any]]:
        """The objects of these kinds, `deployments,jobs` for example."""
        found: list[dict[str, Any]] = self.json("get", kinds, *arguments)["items"]
        return found

    def follow(self, service: str) -> int:
        """The logs of a service, or of all of them, until Ctrl-C. Returns the exit code."""
        selector = f"app.kubernetes.io/name={service}" if service else "app.kubernetes.io/part-of=millrace"
        command: Sequence[str] = (
            *self._command,
            *("logs", "--selector", selector, "--follow", "--prefix", "--tail", "100"),
            *("--all-containers", "--max-log-requests", "50", "--ignore-errors"),
        )
        return subprocess.run(command, check=False).returncode
