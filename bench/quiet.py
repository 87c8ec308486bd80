"""Waiting for a server that has something left to do: what it does late belongs to the turn before."""

import asyncio

from bench.cpu import Tree

_LOOK = 0.2
_QUIET = 0.02
_MOST = 60.0


async def quiet(tree: Tree) -> None:
    """Wait until it uses less than a tenth of a core, or until that has taken long enough."""
    before = tree.cpu_seconds()
    for _ in range(int(_MOST / _LOOK)):
        await asyncio.sleep(_LOOK)
        now = tree.cpu_seconds()
        if now - before < _QUIET:
            return
        before = now
