"""How uvicorn's HTTP connections end on SIGTERM: idle ones are not closed at once.

A gateway keeps connections and may send a request on one in the very moment in which it is closed; a POST must not be
repeated then. So an idle connection is good for one more request, whose answer says that it is the last one, and is
closed after `LINGER` seconds without any. Nobody connects anew meanwhile, for nobody listens any more.
"""

from typing import override

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Seconds; a gateway leaves a server that refuses connections alone for longer.
LINGER = 1.0


class DrainingProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools with that manner of leaving."""

    _draining = False

    @override
    def shutdown(self) -> None:
        self._draining = True
        if self._idle():
            self.loop.call_later(LINGER, self._close_if_idle)
        else:
            self.cycle.keep_alive = False

    @override
    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self._draining:
            # Its task starts later, so this comes before the head of the answer.
            self.cycle.keep_alive = False

    def _idle(self) -> bool:
        # uvicorn sets it to None before the first request, whatever its annotation says.
        cycle = getattr(self, "cycle", None)
        return cycle is None or cycle.response_complete

    def _close_if_idle(self) -> None:
        if self._idle():
            self.transport.close()
