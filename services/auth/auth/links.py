"""Links in mails: each carries a token for one purpose, once, for a while; only its hash is kept here."""

from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update

from auth.digests import digest
from auth.models import OneTimeToken, User
from shared.db import Tx
from shared.errors import DomainError
from shared.sealing import Seal


class Purpose(StrEnum):
    """What a link is for."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, not a password
    CLAIM = "claim"


LIFETIMES: Final = {
    Purpose.VERIFY_EMAIL: timedelta(days=7),
    Purpose.RESET_PASSWORD: timedelta(minutes=30),
    Purpose.CLAIM: timedelta(hours=72),
}
TOKENS_AN_HOUR_MAX: Final = 3


class LinkInvalid(DomainError):
    """The link was used already or has expired; ask for a new one."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "link_invalid"


class Links:
    """Makes tokens for links; they leave sealed, and only the notifier opens them."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    async def issue(self, tx: Tx, user_id: UUID, purpose: Purpose) -> str:
        """Return a new token, sealed."""
        now, token = await tx.now(), tx.new_secret()
        row = OneTimeToken(
            hash=digest(token),
            purpose=purpose,
            user_id=user_id,
            created_at=now,
            expires_at=now + LIFETIMES[purpose],
        )
        tx.add(row)
        return self._seal.seal(token)

    async def issue_if_few(self, tx: Tx, user_id: UUID, purpose: Purpose) -> str | None:
        """Return a new token, sealed, or None when there were enough in the last hour already."""
        await tx.lock(User, user_id)
        since = await tx.now() - timedelta(hours=1)
        recent = select(func.count()).where(
            OneTimeToken.user_id == user_id,
            OneTimeToken.purpose == purpose,
            OneTimeToken.created_at > since,
        )
        if (await tx.scalar(recent) or 0) >= TOKENS_AN_HOUR_MAX:
            return None
        return await self.issue(tx, user_id, purpose)


async def owner(tx: Tx, token: str, purpose: Purpose) -> User:
    """Return whom a link that still works belongs to, without spending it; raise LinkInvalid."""
    row = await tx.get(OneTimeToken, digest(token))
    if row is None or row.purpose != purpose or row.spent_at or row.expires_at <= await tx.now():
        raise LinkInvalid
    user = await tx.get(User, row.user_id)
    assert user is not None, "a token goes with its user"
    return user


async def spend(tx: Tx, token: str, purpose: Purpose) -> User:
    """Spend a link and return whom it belongs to, locked; of many at once one succeeds: LinkInvalid."""
    user_id = (await owner(tx, token, purpose)).id
    user = await tx.lock(User, user_id)  # before the token: everybody locks in this order
    assert user is not None, "a token goes with its user"
    spending = (
        update(OneTimeToken)
        .where(OneTimeToken.hash == digest(token), OneTimeToken.spent_at.is_(None))
        .values(spent_at=await tx.now())
        .returning(OneTimeToken.hash)
    )
    if (await tx.execute(spending)).first() is None:
        raise LinkInvalid
    return user


async def revoke(tx: Tx, user_id: UUID, *purposes: Purpose) -> None:
    """Make all of a user's links for these purposes worthless."""
    await tx.execute(
        update(OneTimeToken)
        .where(
            OneTimeToken.user_id == user_id,
            OneTimeToken.purpose.in_(purposes),
            OneTimeToken.spent_at.is_(None),
        )
        .values(spent_at=await tx.now())
    )
