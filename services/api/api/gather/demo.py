"""`?without=hedge,breaker`: a request that does without some of what protects it, to see what that is good for."""

from django.conf import settings

from chassis.errors import BadRequest
from chassis.upstream import Switches, UnknownMechanism, without


def switches(given: str) -> Switches:
    """Those of the settings, less what a request leaves out. Raises `BadRequest` outside a demo, or for other names."""
    if not given:
        return without(settings.GATHER_WITHOUT)
    if not settings.DEMO:
        raise BadRequest("without is for demos: DEMO is not set")
    try:
        return without([*settings.GATHER_WITHOUT, *(name.strip() for name in given.split(","))])
    except UnknownMechanism as error:
        raise BadRequest(str(error)) from None
