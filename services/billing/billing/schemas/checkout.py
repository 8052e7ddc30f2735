"""Pages to pay on, over HTTP."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from billing.shapes.fields import ADDRESS_CHARS_MAX, address


def _address(text: str) -> str:
    found = address(text)
    if found is None:
        message = "is not an e-mail address"
        raise ValueError(message)
    return found


Address = Annotated[
    str, Field(min_length=3, max_length=ADDRESS_CHARS_MAX), AfterValidator(_address)
]
PriceId = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]


class CheckoutRequest(BaseModel):
    """What shall be bought; `credits` are whatever the price says, and what is sent of them is ignored."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    price_id: Annotated[PriceId, Field(validation_alias=AliasChoices("price_id", "priceId"))]
    credits: int | None = None
    email: Address | None = None


class CheckoutPage(BaseModel):
    """Where to pay."""

    url: str
    session_id: str


class CheckoutProgress(BaseModel):
    """How far a page has come, for who holds its id.

    `granted` says that the credits are there, `is_yours` that they are in the account of who asks; `account` whether the
    payment opened that account, or met one that there was; `email_state` what became of the mail that says so.
    `waits_for` is whose act the credits wait for: the payer's, who has to confirm the `address`, or a person's `review`.
    """

    model_config = ConfigDict(from_attributes=True)

    status: Literal["open", "processing", "complete", "expired", "failed"]
    payment_status: Literal["unpaid", "paid", "no_payment_required"]
    credits: int
    granted: bool
    granted_at: datetime | None
    email: str | None
    email_state: Literal["none", "queued", "sent", "failed"]
    account: Literal["new", "existing"] | None
    is_yours: bool
    waits_for: Literal["address", "review"] | None


class PortalLink(BaseModel):
    """Where a customer sees to card, plan and invoices."""

    url: str
