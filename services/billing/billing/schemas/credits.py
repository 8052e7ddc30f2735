"""Credits over HTTP: lines, lots, summaries, grants."""

from datetime import datetime
from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from billing.models import Kind
from shared.ids import PaymentId, TaskId, TransactionId, UserId
from shared.text import Text

WORDS = {Kind.PURCHASE: "purchase", Kind.CAPTURE: "spend"}
CREDITS_MAX = 1_000_000_000


class Transaction(BaseModel):
    """A line of the ledger; `type` is the originals' word for its `kind`."""

    id: TransactionId
    type: str
    kind: str
    amount: int
    balance_after: int
    description: str
    payment_id: PaymentId | None
    task_id: TaskId | None
    created_at: datetime


class Transactions(BaseModel):
    """A page of the ledger, newest first."""

    transactions: list[Transaction]
    next_cursor: str | None


class LotView(BaseModel):
    """Credits that came in together, and what is left of them."""

    id: TransactionId
    kind: str
    amount: int
    remaining: int
    expires_at: datetime | None


class Summary(BaseModel):
    """A user's credits: `credits` and `available` are what can be spent, `balance` is what is posted."""

    credits: int
    available: int
    reserved: int
    balance: int
    lots: list[LotView]
    transactions: list[Transaction]


class GrantRequest(BaseModel):
    """Credits from an operator, to a user's id; snake_case or camelCase."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    user_id: UserId = Field(validation_alias=AliasChoices("user_id", "userId"))
    amount: Annotated[int, Field(gt=0, le=CREDITS_MAX, strict=True)]
    reason: Annotated[Text, Field(min_length=1, max_length=500)]
    idempotency_key: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            validation_alias=AliasChoices("idempotency_key", "idempotencyKey"),
        ),
    ]
