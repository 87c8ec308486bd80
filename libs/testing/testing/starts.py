"""For tests: starts that end with reading the settings, each in a fork of one interpreter.

A process that finds a malformed variable ends at once. What takes time is to start Python and to import Django, which
is done once here, for all cases of a module.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from subprocess import CompletedProcess

_IMPORTED = ("chassis.env", "chassis.logging", "chassis.upstream")
# A child leaves the loop, and does what is asked as the last thing of the script: so it ends as a process of its own
# would, with the same status and the same last words.
_SERVER = """
import importlib, json, os, sys, tempfile
for name in sys.argv[1:]:
    importlib.import_module(name)
for line in sys.stdin:
    job = json.loads(line)
    files = [tempfile.TemporaryFile() for _ in range(2)]
    pid = os.fork()
    if not pid:
        break
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    said = []
    for file in files:
        file.seek(0)
        said.append(file.read().decode())
        file.close()
    print(json.dumps([status, *said]), flush=True)
else:
    sys.exit()
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for number, file in enumerate(files, start=1):
    os.dup2(file.fileno(), number)
os.environ.clear()
os.environ.update(job["env"])
sys.argv = ["-c"]
exec(job["code"], {"__name__": "__main__"})
"""


class Starts:
    """The interpreter that is forked; `close` ends it."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", _SERVER, *_IMPORTED]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def run(self, code: str, env: Mapping[str, str]) -> CompletedProcess[str]:
        """How `python -c code` ends in this environment, and what it prints."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"code": code, "env": dict(env)}), file=self._process.stdin, flush=True)
        status, out, err = json.loads(self._process.stdout.readline())
        return CompletedProcess(code, status, out, err)

    def close(self) -> None:
        """It has nothing more to start."""
        self._process.communicate()
