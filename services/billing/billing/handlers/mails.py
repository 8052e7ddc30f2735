"""Mails that payers wait for: what became of them is shown beside the payment."""

from sqlalchemy import update

from billing.handlers.registry import handlers
from billing.models import Payment
from shared.contracts.messages import MessageFailed, MessageSent
from shared.db import Tx


@handlers.on(MessageSent)
async def note_sent(event: MessageSent, tx: Tx) -> None:
    """Show that the mail of a payment is sent."""
    theirs = update(Payment).where(Payment.id == event.payment_id)
    await tx.execute(theirs.values(email_state="sent"))


@handlers.on(MessageFailed)
async def note_failed(event: MessageFailed, tx: Tx) -> None:
    """Show that the mail of a payment failed, unless another was sent."""
    unsent = update(Payment).where(Payment.id == event.payment_id, Payment.email_state.is_(None))
    await tx.execute(unsent.values(email_state="failed"))
