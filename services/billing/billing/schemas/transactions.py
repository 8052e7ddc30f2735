"""Transactions over HTTP: the lines of a user's ledger, and the trace of each."""

from datetime import datetime

from pydantic import BaseModel

from billing.models import Payment, Posting
from billing.words import Word, word_of
from shared.ids import HoldId, PaymentId, TaskId, TransactionId


class Transaction(BaseModel):
    """A line of the ledger; `type` is the originals' word for its `kind`."""

    id: TransactionId
    type: Word
    kind: str
    amount: int
    balance_after: int
    description: str
    payment_id: PaymentId | None
    task_id: TaskId | None
    created_at: datetime

    @classmethod
    def of(cls, row: Posting) -> "Transaction":
        """Show a line."""
        fields = {name: getattr(row, name) for name in cls.model_fields if name != "type"}
        return cls(type=word_of(row.kind, row.key), **fields)


class Transactions(BaseModel):
    """A page of the ledger, newest first."""

    transactions: list[Transaction]
    next_cursor: str | None


class PaidWith(BaseModel):
    """The payment that credits came from."""

    id: PaymentId
    amount_cents: int
    currency: str
    credits: int
    paid_at: datetime | None

    @classmethod
    def of(cls, row: Payment | None) -> "PaidWith | None":
        """Show a payment, if there is one."""
        if row is None:
            return None
        return cls.model_validate(row, from_attributes=True)


class Source(BaseModel):
    """A lot that a line took from: how much, when its credits came in, and what was paid for them."""

    transaction_id: TransactionId
    kind: str
    taken: int
    payment: PaidWith | None


class Destination(BaseModel):
    """A line that took from the lot that a line brought."""

    transaction: Transaction
    taken: int


class Brought(BaseModel):
    """The lot that a line brought: what is left of it, what was paid for it, and where the rest went."""

    amount: int
    remaining: int
    expires_at: datetime | None
    is_paused: bool
    payment: PaidWith | None
    went_to: list[Destination]


class HeldFor(BaseModel):
    """The hold that a line captured: what was set aside for the task, and what came back."""

    id: HoldId
    amount: int
    captured: int
    released: int


class TransactionTrace(BaseModel):
    """A line and its trace: `spent_from` where it took credits, `brought` where it brought some, `hold` of a task."""

    transaction: Transaction
    spent_from: list[Source]
    brought: Brought | None
    hold: HeldFor | None
