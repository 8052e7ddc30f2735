"""Messages: written down once per cause, leased, sent, tried again or given up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Update, and_, case, func, select, update

from notifier.models import Contact, Message
from shared.contracts.messages import MessageFailed, MessageSent
from shared.db import Tx

LEASE_S = 120
"""Longer than a mailer ever takes for one mail."""
BACKOFF_S = (5, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
ATTEMPTS_MAX = len(BACKOFF_S) + 1
"""About a day of tries."""
UNKNOWN_PAUSE_S = 300
ADDRESS_WAIT_DAYS = 7
ERROR_CHARS_MAX = 500


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link, sealed, and the address that its own event names: it goes there and nowhere else.

    Who is no user is written to at an address without a link.
    """

    to_address: str | None
    sealed_token: str | None


NO_LINK = Link(None, None)


async def queue(
    tx: Tx,
    template: str,
    user_id: UUID | None,
    *,
    cause: str,
    parameters: Mapping[str, Any],
    payment_id: UUID | None = None,
    link: Link = NO_LINK,
) -> bool:
    """Write down a mail that shall be sent, once per cause; without an address it waits for one."""
    now = await tx.now()
    return await tx.insert_once(
        Message,
        id=tx.new_id(),
        cause=cause,
        template=template,
        user_id=user_id,
        payment_id=payment_id,
        to_address=link.to_address,
        parameters=dict(parameters),
        sealed_token=link.sealed_token,
        next_attempt_at=now,
        created_at=now,
        correlation_id=tx.origin.correlation_id,
        traceparent=tx.origin.traceparent,
    )


async def lease(tx: Tx, *, lease_s: float = LEASE_S) -> Message | None:
    """Take the message that is due longest into hand, with its address, or None."""
    now = await tx.now()
    email = select(Contact.email).where(Contact.user_id == Message.user_id).scalar_subquery()
    address = func.coalesce(Message.to_address, email)
    due = (
        select(Message, address.label("address"))
        .where(Message.state == "queued", Message.next_attempt_at <= now, address.is_not(None))
        .order_by(Message.next_attempt_at)
        .limit(1)
        .with_for_update(of=Message, skip_locked=True)
    )
    row = (await tx.execute(due)).first()
    if row is None:
        return None
    message: Message = row.Message
    message.to_address = row.address
    message.state = "sending"
    message.attempts += 1
    message.lease_ends_at = now + timedelta(seconds=lease_s)
    return message


async def mark_sent(tx: Tx, message: Message) -> None:
    """Close a message that was accepted, forget its link, and say so if a payer waits for it."""
    await _write(tx, message, state="sent", sent_at=await tx.now(), sealed_token=None, error=None)


async def put_off(tx: Tx, message: Message, reason: str) -> None:
    """Try a message again later that certainly was not sent, or give it up after the last try."""
    if message.attempts >= ATTEMPTS_MAX:
        await _write(tx, message, state="failed", error=_short(reason))
        return
    pause = timedelta(seconds=BACKOFF_S[message.attempts - 1])
    retry_at = await tx.now() + pause
    await _write(tx, message, state="queued", next_attempt_at=retry_at, error=_short(reason))


async def mark_unknown(tx: Tx, message: Message, reason: str) -> None:
    """Record that nobody knows whether a mail was accepted; it is tried once more, after a pause."""
    retry_at = await tx.now() + timedelta(seconds=UNKNOWN_PAUSE_S)
    await _write(tx, message, **_unknown(reason, retry_at))


async def recover(tx: Tx) -> None:
    """Record what became of nothing: leases whose holder is gone, and addresses that never came."""
    now = await tx.now()
    is_over = and_(Message.state == "sending", Message.lease_ends_at <= now)
    values = _unknown("the process ended while it sent this", now)
    over = update(Message).where(is_over).values(lease_ends_at=None, **values)
    await _change(tx, over)
    is_nobodys = and_(
        Message.state == "queued",
        Message.to_address.is_(None),
        Message.next_attempt_at <= now - timedelta(days=ADDRESS_WAIT_DAYS),
        ~select(Contact).where(Contact.user_id == Message.user_id).exists(),
    )
    reason = f"no address became known within {ADDRESS_WAIT_DAYS} days"
    await _change(tx, update(Message).where(is_nobodys).values(state="failed", error=reason))


async def listed(
    tx: Tx, *, user_id: UUID | None, state: str | None, limit: int, before: UUID | None
) -> Sequence[Message]:
    """Return messages, newest first, older than the given id."""
    wanted: list[ColumnElement[bool]] = []
    if user_id is not None:
        wanted.append(Message.user_id == user_id)
    if state is not None:
        wanted.append(Message.state == state)
    if before is not None:
        wanted.append(Message.id < before)
    return await tx.scalars(select(Message).where(*wanted).order_by(Message.id.desc()).limit(limit))


def _unknown(reason: str, retry_at: datetime) -> dict[str, Any]:
    """Return what an attempt of unknown outcome changes: the first is followed by one more, the second ends it."""
    return {
        "state": case((Message.unknown_count == 0, "queued"), else_="failed"),
        "unknown_count": Message.unknown_count + 1,
        "next_attempt_at": retry_at,
        "error": _short(f"outcome unknown: {reason}"),
    }


async def _write(tx: Tx, message: Message, **values: Any) -> None:
    """Write an outcome while the lease is still this attempt's; a late one changes nothing."""
    mine = (
        Message.id == message.id,
        Message.attempts == message.attempts,
        Message.state == "sending",
    )
    await _change(tx, update(Message).where(*mine).values(lease_ends_at=None, **values))


async def _change(tx: Tx, statement: Update) -> None:
    """Change messages; say what became of those that answer a payment."""
    changed = statement.returning(
        Message.state, Message.user_id, Message.payment_id, Message.template
    )
    for row in await tx.execute(changed):
        if row.payment_id is None:
            continue
        told = {"user_id": row.user_id, "payment_id": row.payment_id, "template": row.template}
        if row.state == "sent":
            tx.publish(MessageSent(**told))
        elif row.state == "failed":
            tx.publish(MessageFailed(**told))


def _short(reason: str) -> str:
    return reason.replace("\x00", "").encode(errors="replace").decode()[:ERROR_CHARS_MAX]
