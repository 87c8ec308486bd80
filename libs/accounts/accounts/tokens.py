"""Access tokens: issued once, stored as digests, expiring, revocable."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import AccessToken, User
from accounts.secrets import digest, new_secret

LIFETIME = timedelta(days=14)
SCHEME = "Bearer"


async def issue(user: User) -> tuple[str, AccessToken]:
    """A new token of `user`: the secret, which is shown this once, and its row."""
    secret = new_secret()
    token = await AccessToken.async_objects.acreate(
        user_id=user.pk, digest=digest(secret), expires_at=timezone.now() + LIFETIME
    )
    return secret, token


async def find(secret: str) -> AccessToken | None:
    """The valid token of an active user, with `user` loaded, in one query; None where there is no such token."""
    tokens = AccessToken.async_objects.select_related("user")
    token: AccessToken | None = await tokens.filter(
        digest=digest(secret), expires_at__gt=timezone.now(), user__is_active=True
    ).afirst()
    return token


async def revoke(token: AccessToken) -> None:
    """Make `token` invalid at once."""
    await AccessToken.async_objects.filter(pk=token.pk).adelete()
