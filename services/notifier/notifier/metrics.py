"""What the notifier's metrics say of its mails."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, literal, select

from notifier.models import Contact, Message
from shared.clock import first_id
from shared.db import Tx
from shared.metrics import Gauge, pairs, seconds_by

RECENT = timedelta(days=1)
OPEN = ("queued", "sending")
ENDED = ("sent", "failed")


async def gauges(tx: Tx) -> Sequence[Gauge]:
    """Return the mails by state, and how late the latest of them is."""
    counted = select(Message.state, func.count()).group_by(Message.state)
    begun = select(Message.state, func.min(Message.created_at)).group_by(Message.state)
    is_open = Message.state.in_(OPEN)
    is_recent = Message.id >= first_id(await tx.now() - RECENT)
    counts = await pairs(tx, counted.where(is_open))
    counts |= await pairs(tx, counted.where(Message.state.in_(ENDED), is_recent))
    what = "Mails: open ones all of them, ended ones of the last day."
    return [
        Gauge.by("state", "impacter_mails", what, counts, (*OPEN, *ENDED)),
        Gauge.by(
            "state",
            "impacter_mail_oldest_seconds",
            "Age of the oldest mail that is not sent.",
            await seconds_by(tx, begun.where(is_open)),
            OPEN,
        ),
        Gauge.single(
            "impacter_mail_overdue_seconds",
            "How long a mail with an address waits beyond its time.",
            (await seconds_by(tx, _due_longest())).get("due", 0),
        ),
    ]


def _due_longest() -> Select[str, datetime]:
    is_known = select(Contact.user_id).where(Contact.user_id == Message.user_id).exists()
    return (
        select(literal("due"), Message.next_attempt_at)
        .where(Message.state == "queued", Message.to_address.is_not(None) | is_known)
        .order_by(Message.next_attempt_at)
        .limit(1)
    )
