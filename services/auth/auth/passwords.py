"""Passwords: which are taken, how they are kept, and how many are looked at at once.

Kept is `v1$` and bcrypt over base64(HMAC-SHA384(pepper, NFC(password))): 64 bytes, below bcrypt's 72, and
worthless without the pepper. bcrypt is slow on purpose, so a bounded number works and waits, and the rest is told to
come back: nobody can lock everybody out by guessing.
"""

import asyncio
import hmac
import unicodedata
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Final

import bcrypt

from shared.errors import Invalid, Unavailable

CHARS_MIN: Final = 8
CHARS_MAX: Final = 1024
WAITING_MAX: Final = 16
_SCHEME: Final = "v1$"


class PasswordRefused(Invalid):
    """The password is too easy to guess."""

    code = "password_refused"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, errors=[{"field": "body.password", "message": sentence}])


class Busy(Unavailable):
    """Too many people are signing in at this moment; try again in a few seconds."""

    code = "busy"


class Passwords:
    """Hashes and compares passwords, `at_once` at a time with `waiting_max` waiting."""

    def __init__(
        self, pepper: str, *, cost: int, at_once: int, waiting_max: int = WAITING_MAX
    ) -> None:
        self._pepper = pepper.encode()
        self._cost = cost
        self._working = asyncio.Semaphore(at_once)
        self._inside_count = 0
        self._inside_max = at_once + waiting_max
        self._nobodys = bcrypt.gensalt(cost) + b"." * 31  # as slow as a real one, and no password's
        self._common = frozenset(_common())

    @asynccontextmanager
    async def admission(self) -> AsyncIterator[None]:
        """Count one more password that is looked at in this block; raise Busy beyond the limit."""
        if self._inside_count >= self._inside_max:
            raise Busy
        self._inside_count += 1
        try:
            yield
        finally:
            self._inside_count -= 1

    async def hash(self, password: str, *, email: str) -> str:
        """Return what to keep of a new password; raise PasswordRefused or Busy."""
        self._check(password, email)
        async with self.admission():
            return await self._hash(password)

    async def matches(self, password: str, kept: str | None) -> bool:
        """Tell whether it is the password, in the same time whether or not there is one; in an admission."""
        is_one = kept is not None and kept.startswith(_SCHEME)
        hashed = kept.removeprefix(_SCHEME).encode() if kept and is_one else self._nobodys
        async with self._working:
            is_equal = await asyncio.to_thread(bcrypt.checkpw, self._prepared(password), hashed)
        return is_equal and is_one

    async def strengthened(self, password: str, kept: str) -> str:
        """Return what to keep from now on of a password that matched: another hash if the cost has changed."""
        if kept.startswith(f"{_SCHEME}$2b${self._cost:02}$"):
            return kept
        return await self._hash(password)

    async def _hash(self, password: str) -> str:
        salt = bcrypt.gensalt(self._cost)
        async with self._working:
            hashed = await asyncio.to_thread(bcrypt.hashpw, self._prepared(password), salt)
        return _SCHEME + hashed.decode()

    def _prepared(self, password: str) -> bytes:
        return b64encode(hmac.digest(self._pepper, _normal(password).encode(), "sha384"))

    def _check(self, password: str, email: str) -> None:
        normal = _normal(password)
        if not CHARS_MIN <= len(normal) <= CHARS_MAX:
            message = f"A password has {CHARS_MIN} to {CHARS_MAX} characters."
            raise PasswordRefused(message)
        if normal.casefold() == _normal(email).casefold():
            message = "Your e-mail address cannot be your password."
            raise PasswordRefused(message)
        if normal.casefold() in self._common:
            message = "This password is one of the most common ones; choose another."
            raise PasswordRefused(message)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _common() -> list[str]:
    return (files("auth") / "common_passwords.txt").read_text().split()
