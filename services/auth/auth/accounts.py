"""Accounts: one for each address; opened by a sign-up or a payment, its address proven by a mailed link."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy import Select, func, select

from auth import links, payers, sessions, throttles
from auth.addresses import Address
from auth.links import Links, Purpose
from auth.models import BalanceHint, User
from shared.contracts.users import (
    UserEmailVerified,
    UserPasswordResetRequested,
    UserVerificationRequested,
)
from shared.db import Tx
from shared.errors import Conflict, Forbidden, NotFound, Unauthorized

log = structlog.get_logger()


class EmailTaken(Conflict):
    """There is an account with this address: sign in, or use the forgotten-password link."""

    code = "email_taken"


async def sign_up(tx: Tx, address: Address, password_hash: str) -> User:
    """Open an account with a password; raise EmailTaken."""
    if not await open_account(tx, address, password_hash=password_hash):
        raise EmailTaken
    return await locked(tx, address)


async def open_account(tx: Tx, address: Address, *, password_hash: str | None) -> bool:
    """Open an account unless the address has one; tell whether it was. Without a password a payment opens it."""
    return await tx.insert_once(
        User,
        id=tx.new_id(),
        email=address.shown,
        email_key=address.key,
        password_hash=password_hash,
        is_opened_by_payment=password_hash is None,
        roles=[],
        created_at=await tx.now(),
    )


async def find(tx: Tx, address: Address) -> User | None:
    """Return the account of an address, or None."""
    return await tx.scalar(_of(address))


async def locked(tx: Tx, address: Address) -> User:
    """Return the account of an address that has one, locked until the end."""
    user = await tx.scalar(_of(address).with_for_update().execution_options(populate_existing=True))
    assert user is not None, "an account is never deleted"
    return user


async def of_token(tx: Tx, user_id: UUID) -> User:
    """Return the account that an access token speaks for; raise Unauthorized."""
    user = await tx.get(User, user_id)
    if user is None:
        raise Unauthorized
    return user


async def take_over(tx: Tx, user: User, password_hash: str) -> None:
    """Give a locked account to whoever holds its mailbox: the only password, no session but theirs.

    What a squatter had is gone: the password, the sessions, every other link that sets a password.
    """
    user.password_hash = password_hash
    await sessions.end_all(tx, user.id)
    await links.revoke(tx, user.id, Purpose.RESET_PASSWORD, Purpose.CLAIM)
    await payers.close_claims(tx, user.id)
    await throttles.clear(tx, user.email_key)
    await verify_email(tx, user)


async def change_password(tx: Tx, user: User, password_hash: str, *, keep_session: UUID) -> None:
    """Give a locked account another password: every other session is over, and every link of a forgotten one.

    A payer's claim stays open: what the mailbox says counts more than who knows the password.
    """
    user.password_hash = password_hash
    await sessions.end_all(tx, user.id, keep=keep_session)
    await links.revoke(tx, user.id, Purpose.RESET_PASSWORD)


async def change_roles(tx: Tx, user_id: UUID, roles: Sequence[str], *, by: str) -> User:
    """Set what an account may do besides a customer's things; its next access token says so.

    Who loses something is signed out everywhere: no session goes on with what it was allowed before.
    """
    user = await tx.lock(User, user_id)
    if user is None:
        raise NotFound
    if set(user.roles) - set(roles):
        await sessions.end_all(tx, user.id)
    user.roles = sorted(set(roles))
    log.warning("roles_changed", user_id=str(user.id), roles=user.roles, by=by)
    return user


async def still_operates(tx: Tx, user_id: UUID) -> None:
    """Raise Forbidden where an operator's token outlived the role it was made for."""
    user = await of_token(tx, user_id)
    if "admin" not in user.roles:
        raise Forbidden


async def verify_email(tx: Tx, user: User) -> None:
    """Mark a locked account's address as proven, and publish that the first time."""
    if user.email_verified_at is None:
        user.email_verified_at = await tx.now()
        tx.publish(UserEmailVerified(user_id=user.id, email=user.email, opened_by=user.opened_by))


async def mail_verification(tx: Tx, user: User, our_links: Links) -> None:
    """Have a link mailed that proves the address, unless enough were lately."""
    token = await our_links.issue_if_few(tx, user.id, Purpose.VERIFY_EMAIL)
    if token is not None:
        tx.publish(UserVerificationRequested(user_id=user.id, email=user.email, sealed_token=token))


async def mail_reset(tx: Tx, user: User, our_links: Links) -> None:
    """Have a link mailed that sets a new password, and proves the address; unless enough were lately."""
    token = await our_links.issue_if_few(tx, user.id, Purpose.RESET_PASSWORD)
    if token is not None:
        tx.publish(
            UserPasswordResetRequested(user_id=user.id, email=user.email, sealed_token=token)
        )


async def listed(
    tx: Tx, *, email: str | None, limit: int, before: UUID | None
) -> list[tuple[User, int]]:
    """Return accounts and their credits, newest first, whose address contains a text."""
    statement = _with_credits().order_by(User.id.desc()).limit(limit)
    if email is not None:
        statement = statement.where(User.email_key.contains(email.lower(), autoescape=True))
    if before is not None:
        statement = statement.where(User.id < before)
    return [(row.User, row.credits) for row in await tx.execute(statement)]


async def shown(tx: Tx, user_id: UUID) -> tuple[User, int]:
    """Return an account with its credits; raise NotFound."""
    row = (await tx.execute(_with_credits().where(User.id == user_id))).first()
    if row is None:
        raise NotFound
    return row.User, row.credits


def _of(address: Address) -> Select[User]:
    return select(User).where(User.email_key == address.key)


def _with_credits() -> Select[User, int]:
    credits_known = func.coalesce(BalanceHint.available, 0).label("credits")
    return select(User, credits_known).outerjoin(BalanceHint, BalanceHint.user_id == User.id)
