"""What is kept of a secret that somebody else holds."""

import hashlib


def digest(secret: str) -> str:
    """Return the secret's SHA-256 in hexadecimal: enough for 256 bits of chance, which nobody can try out."""
    return hashlib.sha256(secret.encode()).hexdigest()
