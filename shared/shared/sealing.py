"""Secrets that must travel: one-time link tokens are sealed before they enter an event.

What passes through outboxes, the broker and parked rows is ciphertext (Fernet: AES-128-CBC with HMAC-SHA256);
only the services that are given the key can open it.
"""

from cryptography.fernet import Fernet, InvalidToken


class CannotOpen(Exception):
    """The sealed text was not made with this key, or was changed."""


class Seal:
    """Seals and opens short texts with one key (url-safe base64 of 32 bytes)."""

    def __init__(self, key: str) -> None:
        try:
            self._fernet = Fernet(key.encode())
        except ValueError:
            message = "LINK_SEALING_KEY must be 32 bytes in url-safe base64"
            raise ValueError(message) from None

    def seal(self, text: str) -> str:
        """Return the text as ciphertext that only the same key opens."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the text; raise CannotOpen."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as flaw:
            raise CannotOpen from flaw
