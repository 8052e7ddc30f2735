"""Credits over HTTP: lots, summaries, grants."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from billing.models import Kind
from billing.schemas.books import BooksView
from billing.schemas.subscriptions import SubscriptionView
from billing.schemas.transactions import Transaction
from shared.errors import Invalid
from shared.ids import PaymentId, TransactionId, UserId
from shared.moments import Moment
from shared.text import Text

CREDITS_MAX = 1_000_000_000


class LotView(BaseModel):
    """Credits that came in together, and what is left of them."""

    id: TransactionId
    kind: str
    amount: int
    remaining: int
    expires_at: datetime | None
    payment_id: PaymentId | None
    is_paused: bool


class Expiring(BaseModel):
    """What will expire next, and when."""

    amount: int
    expires_at: datetime


class Summary(BaseModel):
    """A user's credits: `credits` and `available` are what can be spent, `balance` is what is posted.

    `reserved` is set aside for tasks, `paused` waits for its plan to be paid, `debt` is owed after money went back;
    `plan` is what brings credits by itself.
    """

    credits: int
    available: int
    reserved: int
    paused: int
    debt: int
    balance: int
    expiring: Expiring | None
    plan: SubscriptionView | None
    books: BooksView | None
    lots: list[LotView]
    transactions: list[Transaction]


class GrantView(BaseModel):
    """Credits that an operator gave; the user reads the reason, and not by whom."""

    transaction_id: TransactionId
    user_id: UserId
    amount: int
    kind: str
    reason: str
    ordered_by: str
    created_at: datetime


class Grants(BaseModel):
    """A page of grants, newest first."""

    grants: list[GrantView]
    next_cursor: str | None


class GrantRequest(BaseModel):
    """Credits from an operator, to a user's id or to an address that billing knows; snake_case or camelCase."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    user_id: UserId | None = Field(None, validation_alias=AliasChoices("user_id", "userId"))
    email: Annotated[Text, Field(min_length=3, max_length=320)] | None = None
    amount: Annotated[int, Field(gt=0, le=CREDITS_MAX, strict=True)]
    kind: Literal[Kind.ADMIN_GRANT, Kind.GOODWILL] = Kind.ADMIN_GRANT
    reason: Annotated[Text, Field(min_length=1, max_length=500)]
    expires_at: Moment | None = Field(
        None, validation_alias=AliasChoices("expires_at", "expiresAt")
    )
    idempotency_key: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            validation_alias=AliasChoices("idempotency_key", "idempotencyKey"),
        ),
    ] = None

    def key(self, header: str | None) -> str:
        """Return the idempotency key, of the body or the header; raise Invalid where there is none, or two."""
        keys = {key for key in (self.idempotency_key, header) if key is not None}
        if len(keys) != 1:
            message = "Send one idempotency key: in the body, or as the header Idempotency-Key."
            raise Invalid(message)
        return keys.pop()

    @model_validator(mode="after")
    def _names_one_user(self) -> Self:
        if (self.user_id is None) is (self.email is None):
            message = "name either user_id or email"
            raise ValueError(message)
        return self
