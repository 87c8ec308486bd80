"""The fault settings of all endpoints, as they are set at run time."""

from mock_upstream.data import RESOURCES
from mock_upstream.faults import Faults, FaultSource
from mock_upstream.fields import table

EVERY = "*"


class FaultBoard:
    """One FaultSource an endpoint. Every change is complete or does not happen."""

    def __init__(self) -> None:
        self._sources = {name: FaultSource(Faults()) for name in RESOURCES}

    def source(self, endpoint: str) -> FaultSource:
        return self._sources[endpoint]

    def replace_all(self, value: object) -> None:
        """Set all endpoints from `{endpoint or "*": settings}`.

        A named endpoint goes before `*`; one that neither covers has no faults. Raises InvalidFieldError.
        """
        given = table(value, "faults", [*RESOURCES, EVERY])
        parsed = {name: Faults.parse(settings, name) for name, settings in given.items()}
        rest = parsed.get(EVERY, Faults())
        self._sources = {name: FaultSource(parsed.get(name, rest)) for name in RESOURCES}

    def replace(self, endpoint: str, value: object) -> None:
        """Set one endpoint and leave the others. Raises InvalidFieldError."""
        self._sources[endpoint] = FaultSource(Faults.parse(value, endpoint))

    def reset(self, endpoint: str | None = None) -> None:
        """No faults at one endpoint, or at all."""
        for name in RESOURCES if endpoint is None else [endpoint]:
            self._sources[name] = FaultSource(Faults())

    def as_json(self) -> dict[str, object]:
        return {name: source.settings.as_json() for name, source in self._sources.items()}
