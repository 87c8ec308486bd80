"""Why an upstream's answer is missing.

    Error
     +-- UpstreamFailed           502  no connection, a status other than 200, or an answer that cannot be used
          +-- UpstreamTimedOut    504  none in time
          +-- UpstreamOpen        503  its circuit breaker let no request out
          +-- UpstreamBusy        503  too many requests wait for it already

The message of an error is fixed and its `reason` names a kind of failure: addresses and exception texts stay in here.
"""

from typing import ClassVar, Literal

from chassis.errors import Error

Kind = Literal["timeout", "error", "open", "rejected"]


class UpstreamFailed(Error):
    """The upstream gave no answer that can be used; `reason` says why.

    `retriable`: the same request may well succeed in a moment. `sick`: it speaks against the upstream, not the request.
    """

    status = 502
    message = "Upstream failed"
    kind: ClassVar[Kind] = "error"

    def __init__(self, reason: str, *, retriable: bool = False, sick: bool = True) -> None:
        super().__init__(reason=reason)
        self.reason = reason
        self.retriable = retriable
        self.sick = sick


class UpstreamTimedOut(UpstreamFailed):
    """The upstream gave no answer in time."""

    status = 504
    message = "Upstream timed out"
    kind = "timeout"


class UpstreamOpen(UpstreamFailed):
    """The upstream failed too often lately; `retry_after` is in seconds."""

    status = 503
    message = "Upstream unavailable"
    kind = "open"

    def __init__(self, retry_after: float) -> None:
        super().__init__("circuit breaker open")
        self.retry_after = retry_after


class UpstreamBusy(UpstreamFailed):
    """As many requests as are allowed are under way or wait."""

    status = 503
    message = "Upstream busy"
    kind = "rejected"
