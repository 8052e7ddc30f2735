"""Sessions: seven days from the sign-in at most, carried by a refresh token that changes with every use.

A refresh token's successor is an HMAC of it with a secret of ours. Whoever repeats a use within seconds (two
tabs, a lost answer) gets the same successor again although only hashes are stored: there is one leaf, never a
sibling that a thief could keep. Any other reuse means that two people hold the token, and ends the session.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, select, update

from auth import balances
from auth.digests import digest
from auth.models import RefreshToken, Session, User
from auth.signing_keys import SigningKeys
from shared.db import Tx
from shared.errors import NotFound
from shared.ids import public
from shared.tokens import AUDIENCE

log = structlog.get_logger()

SESSION_S: Final = 7 * 24 * 60 * 60
ACCESS_S: Final = 15 * 60
REUSE_WINDOW: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Device:
    """What a session is used from: what the browser says that it is, and its network address."""

    agent: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What somebody who signed in is given; `ends_in_s` is how long the session has left."""

    token: str
    refresh_token: str
    ends_in_s: int
    email: str
    credits: int


class Sessions:
    """Starts and renews sessions; `secret` makes the successors of refresh tokens."""

    def __init__(self, keys: SigningKeys, *, issuer: str, secret: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._secret = hmac.digest(secret.encode(), b"successors of refresh tokens", "sha256")

    async def start(self, tx: Tx, user: User, device: Device) -> SignedIn:
        """Start a session of this user on a device."""
        now, token = await tx.now(), tx.new_secret()
        ends_at = now + timedelta(seconds=SESSION_S)
        session = Session(id=tx.new_id(), user_id=user.id, created_at=now, ends_at=ends_at)
        await _use(tx, session, device)
        tx.add(session)
        await tx.insert_once(RefreshToken, hash=digest(token), session_id=session.id)
        return await self._signed_in(tx, user, session, token)

    async def renew(self, tx: Tx, token: str, device: Device) -> SignedIn | None:
        """Continue a session with the next refresh token; None where it is over, or ended for a reuse."""
        session = await _of(tx, token)
        if session is None or session.ended_at or session.ends_at <= await tx.now():
            return None
        used = await tx.lock(RefreshToken, digest(token))
        assert used is not None, "a refresh token goes with its session"
        successor = self._successor(token)
        if used.used_at is None:
            await _rotate(tx, used, successor)
        elif not await _is_repetition(tx, used.used_at, successor):
            await _end_for_reuse(tx, session)
            return None
        await _use(tx, session, device)
        user = await tx.get(User, session.user_id)
        assert user is not None, "a session goes with its user"
        return await self._signed_in(tx, user, session, successor)

    def _successor(self, token: str) -> str:
        return hmac.digest(self._secret, token.encode(), "sha256").hex()

    async def _signed_in(
        self, tx: Tx, user: User, session: Session, refresh_token: str
    ) -> SignedIn:
        now = await tx.now()
        return SignedIn(
            token=await self._keys.sign(tx, self._claims(user, session.id, now, tx.new_id())),
            refresh_token=refresh_token,
            ends_in_s=int((session.ends_at - now).total_seconds()),
            email=user.email,
            credits=await balances.available(tx, user.id),
        )

    def _claims(
        self, user: User, session_id: UUID, now: datetime, token_id: UUID
    ) -> dict[str, object]:
        issued_at = int(now.timestamp())
        return {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": public("usr", user.id),
            "sid": public("ses", session_id),
            "email": user.email,
            "roles": user.roles,
            "iat": issued_at,
            "exp": issued_at + ACCESS_S,
            "jti": token_id.hex,
        }


async def end(tx: Tx, token: str) -> None:
    """End the session of a refresh token; one that we do not know is no session."""
    session = await _of(tx, token)
    if session is not None and session.ended_at is None:
        session.ended_at = await tx.now()


async def end_one(tx: Tx, user_id: UUID, session_id: UUID) -> None:
    """End a session of this user; raise NotFound for one that is over or somebody else's."""
    session = await tx.lock(Session, session_id)
    now = await tx.now()
    if session is None or session.user_id != user_id or session.ended_at or session.ends_at <= now:
        raise NotFound
    session.ended_at = now


async def end_all(tx: Tx, user_id: UUID, *, keep: UUID | None = None) -> None:
    """End every session of a user, but the one to keep."""
    mark = [Session.user_id == user_id, Session.ended_at.is_(None)]
    if keep is not None:
        mark.append(Session.id != keep)
    await tx.execute(update(Session).where(*mark).values(ended_at=await tx.now()))


async def listed(
    tx: Tx, user_id: UUID, *, limit: int, before: UUID | None = None
) -> Sequence[Session]:
    """Return the sessions of a user that are not over, the newest sign-in first."""
    mark: list[ColumnElement[bool]] = [
        Session.user_id == user_id,
        Session.ended_at.is_(None),
        Session.ends_at > await tx.now(),
    ]
    if before is not None:
        mark.append(Session.id < before)
    return await tx.scalars(select(Session).where(*mark).order_by(Session.id.desc()).limit(limit))


async def _of(tx: Tx, token: str) -> Session | None:
    """Return the session of a refresh token, used or not, locked: uses of one session come one by one."""
    known = await tx.get(RefreshToken, digest(token))
    return None if known is None else await tx.lock(Session, known.session_id)


async def _use(tx: Tx, session: Session, device: Device) -> None:
    session.used_at, session.agent, session.address = await tx.now(), device.agent, device.address


async def _rotate(tx: Tx, leaf: RefreshToken, successor: str) -> None:
    leaf.used_at = await tx.now()  # flushed before the next statement: one leaf at any moment
    is_new = await tx.insert_once(RefreshToken, hash=digest(successor), session_id=leaf.session_id)
    assert is_new, "a session has one leaf, and a token one successor"


async def _is_repetition(tx: Tx, used_at: datetime, successor: str) -> bool:
    leaf = await tx.get(RefreshToken, digest(successor))
    is_unused = leaf is not None and leaf.used_at is None
    return is_unused and await tx.now() - used_at <= REUSE_WINDOW


async def _end_for_reuse(tx: Tx, session: Session) -> None:
    session.ended_at = await tx.now()
    log.warning("refresh_token_reused", session_id=str(session.id), user_id=str(session.user_id))
