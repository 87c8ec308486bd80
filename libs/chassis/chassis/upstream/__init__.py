"""Calling other services from async code so that their faults stay theirs: bounded, budgeted, and with something to
serve where nothing comes.

`Upstream.start` begins a call, `collect` waits for several of them. What each module does alone is in its first lines;
the state machines (`budget`, `breaker`, `quantile`, `copies`, `backoff`, `deadline`) know no I/O and take their clock
from outside. docs/decisions/upstream-calls.md says why it is built so, docs/gather.md what each part is good for.
"""

from chassis.upstream.client import Started, Upstream, collect
from chassis.upstream.deadline import Deadline
from chassis.upstream.failures import UpstreamBusy, UpstreamFailed, UpstreamOpen, UpstreamTimedOut
from chassis.upstream.outcome import Outcome, Sent
from chassis.upstream.policy import Policy
from chassis.upstream.shared import Shared, shared
from chassis.upstream.switches import NAMES, Switches, UnknownMechanism, without

__all__ = [
    "NAMES",
    "Deadline",
    "Outcome",
    "Policy",
    "Sent",
    "Shared",
    "Started",
    "Switches",
    "UnknownMechanism",
    "Upstream",
    "UpstreamBusy",
    "UpstreamFailed",
    "UpstreamOpen",
    "UpstreamTimedOut",
    "collect",
    "shared",
    "without",
]
