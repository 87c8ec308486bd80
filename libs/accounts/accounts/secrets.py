"""Random secrets and the digests under which they are stored."""

import hashlib
import secrets


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """SHA-256 in hex. A slow hash would add nothing: there are 256 bits to guess, unlike in a password."""
    return hashlib.sha256(secret.encode()).hexdigest()
