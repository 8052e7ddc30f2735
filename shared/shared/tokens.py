"""Access tokens: signed by auth (Ed25519), verified offline by everybody else with auth's public keys."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import jwt
import structlog
from jwt import PyJWK, PyJWKSet

from shared.errors import Unauthorized, Unavailable

log = structlog.get_logger()

ALGORITHM = "EdDSA"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type (RFC 9068), not a secret
AUDIENCE = "impacter"
LEEWAY_S = 30
REFETCH_S = 10
FETCH_S_MAX = 5
FetchKeySet = Callable[[], Awaitable[dict[str, Any]]]
REQUIRED = ["exp", "iat", "sub", "jti", "iss", "aud"]
TOKEN_CHARS_MAX = 4096
KNOWN_MAX = 10_000
"""How many verified tokens a process remembers, about a kilobyte each."""


@dataclass(frozen=True, slots=True)
class User:
    """Who a request speaks for."""

    id: UUID
    email: str
    session_id: UUID
    is_admin: bool


def key_set_at(url: str) -> FetchKeySet:
    """Return what fetches the JSON Web Key Set at a URL."""

    async def fetch() -> dict[str, Any]:
        async with httpx2.AsyncClient(timeout=FETCH_S_MAX, trust_env=False) as client:
            answer = await client.get(url)
        answer.raise_for_status()
        key_set: dict[str, Any] = answer.json()
        return key_set

    return fetch


class Verifier:
    """Verifies access tokens against a key set, which it keeps and fetches again for a key it does not know.

    A key set once fetched is used for as long as auth does not answer. A token that was verified is known until it
    is over or other keys are fetched: a signature costs much of a small request.
    """

    def __init__(self, fetch: FetchKeySet, *, issuer: str) -> None:
        self._fetch_key_set = fetch
        self._issuer = issuer
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()
        self._known: dict[str, tuple[float, User]] = {}

    async def verify(self, token: str) -> User:
        """Return whose token it is; raise Unauthorized, or Unavailable while no keys can be had."""
        if len(token) > TOKEN_CHARS_MAX or not token.isascii():
            raise Unauthorized
        known = self._known.get(token)
        if known is not None and time.time() < known[0]:
            return known[1]
        try:
            kid = str(jwt.get_unverified_header(token).get("kid"))
            key = await self._key(kid)
            claims = self._decode(token, key)
            return self._remember(token, claims)
        except (jwt.InvalidTokenError, ValueError, KeyError, TypeError):
            message = "The access token is not valid or has expired; sign in again."
            raise Unauthorized(message) from None

    def _decode(self, token: str, key: PyJWK) -> dict[str, Any]:
        decoded = jwt.decode_complete(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=self._issuer,
            leeway=LEEWAY_S,
            options={"require": REQUIRED},
        )
        if decoded["header"].get("typ") != TOKEN_TYPE:
            raise jwt.InvalidTokenError
        claims: dict[str, Any] = decoded["payload"]
        return claims

    def _remember(self, token: str, claims: dict[str, Any]) -> User:
        user = _user(claims)
        if len(self._known) >= KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self._known[token] = (float(claims["exp"]) + LEEWAY_S, user)
        return user

    async def _key(self, kid: str) -> PyJWK:
        if kid not in self._keys:  # whoever has a known one does not wait for strangers
            async with self._fetching:
                if kid not in self._keys and time.monotonic() - self._fetched_at > REFETCH_S:
                    await self._fetch()
        if not self._keys:
            message = "The keys that verify access tokens cannot be had right now."
            raise Unavailable(message)
        return self._keys[kid]

    async def _fetch(self) -> None:
        if self._keys:  # a try counts too: an auth that hangs is not asked each time
            self._fetched_at = time.monotonic()
        try:
            keys = PyJWKSet.from_dict(await self._fetch_key_set()).keys
        except (httpx2.HTTPError, jwt.PyJWKSetError, ValueError) as flaw:
            log.warning("jwks_unavailable", reason=repr(flaw))
            return
        self._fetched_at = time.monotonic()
        self._known.clear()
        self._keys = {key.key_id: key for key in keys if key.key_id and key.key_type == "OKP"}


def _user(claims: dict[str, Any]) -> User:
    return User(
        id=_prefixed("usr", claims["sub"]),
        email=str(claims["email"]),
        session_id=_prefixed("ses", claims["sid"]),
        is_admin="admin" in claims.get("roles", []),
    )


def _prefixed(prefix: str, text: object) -> UUID:
    head, _, tail = str(text).partition("_")
    if head != prefix:
        raise jwt.InvalidTokenError
    return UUID(hex=tail)
