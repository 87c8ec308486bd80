"""Access tokens: found while they are valid, and stored so that nobody can use what is stored."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import tokens
from accounts.models import AccessToken, User
from testing.database import count_queries, in_scope


async def test_a_valid_token_is_found_with_its_user(user: User) -> None:
    """One statement finds the token and loads the user."""
    secret, token = await in_scope(tokens.issue(user))
    with count_queries() as statements:
        found = await in_scope(tokens.find(secret))
    assert found is not None
    assert (found.pk, found.user.username, len(statements)) == (token.pk, "ada", 1)


async def test_the_secret_is_not_stored(user: User) -> None:
    """Whoever reads the table has digests only, and a digest is no token."""
    secret, token = await in_scope(tokens.issue(user))
    assert secret not in (token.digest, str(token))
    assert await in_scope(tokens.find(token.digest)) is None


async def test_tokens_differ(user: User) -> None:
    """Every sign-in has a token of its own."""
    first, second = await in_scope(tokens.issue(user)), await in_scope(tokens.issue(user))
    assert first[0] != second[0]


@pytest.mark.parametrize("secret", ["", "forged", "\x00", "ключ"])
async def test_an_unknown_token_is_not_found(user: User, secret: str) -> None:
    """Whatever a client may send as a token."""
    assert await in_scope(tokens.find(secret)) is None


async def test_an_expired_token_is_not_found(user: User) -> None:
    """Its end is its end to the microsecond."""
    secret, token = await in_scope(tokens.issue(user))
    await in_scope(AccessToken.async_objects.filter(pk=token.pk).aupdate(expires_at=timezone.now()))
    assert await in_scope(tokens.find(secret)) is None


async def test_a_token_lives_for_its_lifetime(user: User) -> None:
    """Two weeks from its issue."""
    _, token = await in_scope(tokens.issue(user))
    assert abs(token.expires_at - token.created_at - tokens.LIFETIME) < timedelta(minutes=1)


async def test_an_inactive_users_token_is_not_found(user: User) -> None:
    """Deactivating a user ends all of their tokens."""
    secret, _ = await in_scope(tokens.issue(user))
    await in_scope(User.async_objects.filter(pk=user.pk).aupdate(is_active=False))
    assert await in_scope(tokens.find(secret)) is None


async def test_a_revoked_token_is_not_found(user: User) -> None:
    """Revoking one leaves the others."""
    first, token = await in_scope(tokens.issue(user))
    second, _ = await in_scope(tokens.issue(user))
    await in_scope(tokens.revoke(token))
    assert await in_scope(tokens.find(first)) is None
    assert await in_scope(tokens.find(second)) is not None
