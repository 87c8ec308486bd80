"""The embedded stack for one run: started on free ports, with a durable PostgreSQL, and gone afterwards."""

import contextlib
import os
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from tests.chaos.control import SERVICES
from tests.chaos.database import Database
from tests.chaos.devstack_control import EmbeddedControl
from tests.chaos.world import Deployment

from devstack import ports
from devstack.output import Output
from devstack.stack import Stack
from devstack.state import DataDirectory
from devstack.system import adopt_orphans

_SETTINGS = {
    # A drain takes a part of a fault's time, and a reader that stops is felt early.
    "DRAIN_SECONDS": "3",
    "OUTBOUND_LIMIT": str(64 * 1024),
}


def deployed(
    stack: Stack, ports: Mapping[str, int], rng: random.Random, services: Sequence[str] = SERVICES
) -> Deployment:
    """What a trial needs of it."""
    addresses = stack.addresses
    database = Database(addresses.database_url)
    return Deployment(
        control=EmbeddedControl(stack, database, rng),
        database=database,
        ports=ports,
        origin=addresses.api,
        redis_url=addresses.redis_url,
        services=services,
    )


@contextlib.asynccontextmanager
async def running(folder: Path, out: Output, *, services: bool) -> AsyncIterator[Stack]:
    """A stack with demo logins, with or without the services; its logs are in `folder/log` afterwards."""
    adopt_orphans()
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    directory = DataDirectory(Path(tempfile.mkdtemp(prefix="millrace-chaos-")))
    directory.prepare()
    with (folder / "runner.log").open("w") as log:
        stack = Stack(directory, ports.choose_free(), Output(log), temporary=True, durable=True)
        try:
            with out.step("the stack"):
                await stack.start_databases()
                if services:
                    await stack.start_services(demo=True)
            yield stack
        finally:
            await stack.stop()
            shutil.copytree(directory.log, folder / "log", dirs_exist_ok=True)
            shutil.rmtree(directory.root, ignore_errors=True)
