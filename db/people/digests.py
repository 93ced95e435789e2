"""What is kept of a secret that was made at random: enough to know it again, not to use it."""

import hashlib


def digest(secret: str) -> str:
    """Return the SHA-256 of a cookie, token or code, in hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()
