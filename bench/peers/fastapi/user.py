"""The authentication check, as a dependency."""

from typing import Annotated

from fastapi import Depends, Header

from bench.peers.duty import who


async def current_user(
    authorization: Annotated[str, Header()] = "", cookie: Annotated[str, Header()] = ""
) -> str | None:
    """What authenticates the request, if anything."""
    return who(authorization, cookie)


User = Annotated[str | None, Depends(current_user)]
