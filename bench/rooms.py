"""The database of the socket workloads: our tables, and rooms that guests may enter."""

import os
import subprocess
from collections.abc import Sequence

import psycopg

from bench import ROOT
from bench.workload import PYTHON

_ROOM = (
    "INSERT INTO rooms_room (name, title, public, last_seq, epoch, created_at)"
    " VALUES (%s, 'Bench', true, 0, gen_random_uuid(), now()) ON CONFLICT (name) DO NOTHING"
)


def make(names: Sequence[str]) -> None:
    """Migrate, and make rooms; those that are there stay."""
    subprocess.run(
        [str(PYTHON), "-m", "devstack.manage", "migrate", "--no-input", "-v0"],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "devstack", "DJANGO_SETTINGS_MODULE": "api.settings"},
    )
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.cursor().executemany(_ROOM, [(name,) for name in names])
