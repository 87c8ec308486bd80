"""How often somebody may try to sign in or register, counted in Redis for all processes."""

from django.conf import settings
from django.http import HttpRequest

from chassis import addresses, ratelimit


def client_address(request: HttpRequest) -> str:
    """Who asks, for counting: an IPv4 address, or the /64 of an IPv6 one.

    The server sets it; forwarded headers are believed from the gateway only (`FORWARDED_ALLOW_IPS`).
    """
    return addresses.counted(str(request.META.get("REMOTE_ADDR", "")))


async def count_login(request: HttpRequest, username: str) -> None:
    """Count one attempt; raises `TooManyRequests`.

    Per address and name against guessing one password, per address against trying one password on many names. There is
    no limit per name alone: with it anybody could lock anybody out.
    """
    address = client_address(request)
    await ratelimit.check(settings.LOGIN_ADDRESS_RATE, "login", address)
    await ratelimit.check(settings.LOGIN_RATE, "login-name", address, username.lower())


async def count_registration(request: HttpRequest) -> None:
    """Count one registration by client address; raises `TooManyRequests`."""
    await ratelimit.check(settings.REGISTER_RATE, "register", client_address(request))
