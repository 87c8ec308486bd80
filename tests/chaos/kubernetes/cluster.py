"""kubectl without blocking the loop, and a view of the cluster that many ask for at once."""

import asyncio
import subprocess
import time

from tests.chaos.kubernetes.view import View, view_of

from kubernetes.kubectl import Failed, Kubectl

# Each answer costs a tenth of a second of processor time, and a fault's end is waited for ten times a second.
_FRESH = 0.7


class Cluster:
    """The pods of the namespace; with `nodes` those of all namespaces, and the nodes."""

    def __init__(self, kubectl: Kubectl, *, nodes: bool) -> None:
        self._kubectl = kubectl
        self._wanted = ("nodes,pods", "--all-namespaces") if nodes else ("pods",)
        self._lock = asyncio.Lock()
        self._view: View | None = None
        self._seen = 0.0

    async def run(self, *arguments: str, within: float = 60.0) -> str:
        """What kubectl prints. Raises `Failed`, also if it does not end in time."""
        try:
            return await asyncio.to_thread(self._kubectl, *arguments, within=within)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"`kubectl {' '.join(arguments)[:120]}` did not end within {within:.0f} s") from late

    async def view(self) -> View:
        """As it is, or was a moment ago. Raises `Failed` if the API server does not answer."""
        async with self._lock:
            if self._view is None or time.monotonic() - self._seen > _FRESH:
                try:
                    found = await asyncio.to_thread(self._kubectl.items, *self._wanted)
                except subprocess.TimeoutExpired as late:
                    raise Failed("the API server does not answer") from late
                self._view, self._seen = view_of(found), time.monotonic()
            return self._view

    def changed(self) -> None:
        """What was seen is out of date."""
        self._view = None
