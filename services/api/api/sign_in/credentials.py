"""From a password to a session and a token.

Login CSRF (a foreign page that signs the visitor in as the attacker, to watch what they do next) is ruled out by the
body: only `application/json` is parsed, which a form cannot send and a script of another origin may not without a CORS
preflight, and no origin is ever granted one. A request that a session cookie authenticates already also needs the CSRF
token, as every such write does.
"""

import structlog
from django.contrib.auth import alogin
from django.http import HttpRequest
from django.middleware.csrf import get_token
from prometheus_client import Counter

from accounts import tokens
from accounts.models import User
from accounts.passwords import verify_password
from api.sign_in.schemas import Issued
from chassis import database

logger = structlog.get_logger(__name__)

SIGN_INS = Counter("millrace_sign_ins_total", "Passwords checked", ["result"])


async def authenticate(username: str, password: str) -> User | None:
    """The active user with that name and password, or None after just as much work, whatever was wrong.

    Raises `TooManyRequests` where too many passwords wait to be checked.
    """
    user: User | None = await User.async_objects.filter(username=username).afirst()
    # Checking waits in line for a processor; a connection held meanwhile would be missed by everybody else.
    await database.release()
    correct = await verify_password(password, user.password if user else None)
    if user is not None and correct and user.is_active:
        SIGN_INS.labels("accepted").inc()
        return user
    SIGN_INS.labels("refused").inc()
    # Not the name that was tried: people type their password into the wrong field.
    logger.warning("sign_in.refused", user_id=user.pk if user else None)
    return None


async def sign_in(request: HttpRequest, user: User) -> Issued:
    """Start a session (whose cookie goes out with the response) and issue an access token.

    `alogin` gives the session a new key, or empties it where it was somebody else's, and rotates the CSRF secret.
    """
    await alogin(request, user)
    secret, token = await tokens.issue(user)
    return Issued(token=secret, expires_at=token.expires_at, csrf_token=get_token(request))
