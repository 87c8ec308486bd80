"""Access tokens: issued once, stored as digests, expiring by PostgreSQL's clock, revocable."""

from datetime import timedelta

from django.db.models import CharField
from django.db.models.functions import Now

from accounts.models import AccessToken, User
from accounts.secrets import digest, new_secret
from chassis.database.prepared import Param, Prepared, columns, instance

LIFETIME = timedelta(days=14)
SCHEME = "Bearer"
_VALID = Prepared(
    lambda: AccessToken.objects.filter(
        digest=Param("digest", CharField()), expires_at__gt=Now(), user__is_active=True
    ).values_list(*columns(AccessToken), *columns(User, "user__"))
)


async def issue(user: User) -> tuple[str, AccessToken]:
    """A new token of `user`: the secret, which is shown this once, and its row."""
    secret = new_secret()
    token = await AccessToken.async_objects.acreate(
        user_id=user.pk, digest=digest(secret), created_at=Now(), expires_at=Now() + LIFETIME
    )
    return secret, token


async def find(secret: str) -> AccessToken | None:
    """The valid token of an active user, with `user` loaded, in one query; None where there is no such token."""
    rows = await _VALID.fetch_all(digest=digest(secret))
    if not rows:
        return None
    own = len(columns(AccessToken))
    token = instance(AccessToken, rows[0][:own])
    token.user = instance(User, rows[0][own:])
    return token


async def revoke(token: AccessToken) -> None:
    """Make `token` invalid at once."""
    await AccessToken.async_objects.filter(pk=token.pk).adelete()
