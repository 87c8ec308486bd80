"""What a call to an upstream may cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Times are seconds. The numbers are those of the field: see docs/decisions/upstream-calls.md."""

    # All attempts of a call together.
    timeout: float = 0.7
    max_bytes: int = 1024 * 1024

    attempts: int = 3
    backoff_base: float = 0.025
    backoff_cap: float = 0.25
    retry_ratio: float = 0.1
    retry_start: float = 10
    retry_most: float = 10

    breaker_window: float = 10.0
    breaker_volume: int = 20
    breaker_share: float = 0.5
    breaker_open_for: float = 5.0
    breaker_probes: int = 3

    hedge_quantile: float = 0.95
    hedge_ratio: float = 0.05
    hedge_start: float = 1
    hedge_most: float = 10
    # A quicker upstream is not worth it: by then the answer is nearly there, and a timer is a millisecond wide.
    hedge_least: float = 0.025

    # Three legs of so many fit into the HTTP client's pool, so that one that hangs takes no connection from the others.
    concurrency: int = 32
    line: int = 64

    fresh_for: float = 1.0
    stale_for: float = 300.0
