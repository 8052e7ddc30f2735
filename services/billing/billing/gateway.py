"""What billing asks of Stripe: the seam behind which its API is."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Literal, Protocol, TypeVar
from uuid import UUID

from billing.shapes import (
    CheckoutSession,
    Invoice,
    InvoicePayment,
    Price,
    Refund,
    Shape,
    Subscription,
    Thing,
)
from shared.errors import DomainError, Unavailable

ShapeT = TypeVar("ShapeT", bound=Shape)
ThingT = TypeVar("ThingT", bound=Thing)
Odd = Callable[[str], None]


def nobody_hears(_: str) -> None:
    """Say nothing of what cannot be read: it is in the log."""


class StripeAway(Unavailable):
    """Stripe does not answer right now; nothing has happened, try again soon."""

    code = "stripe_away"
    retry_after_s = 5


class StripeFailed(StripeAway):
    """Stripe answered that it failed itself, and for a day it answers the same to the same key.

    Source: https://docs.stripe.com/api/idempotent_requests.
    """


class StripeUnreadable(StripeAway):
    """Stripe answered with something in a form that we do not know."""

    code = "stripe_unreadable"


class StripeRefused(DomainError):
    """Stripe declined what we asked of it."""

    status = HTTPStatus.BAD_GATEWAY
    code = "stripe_refused"

    def __init__(self, reason: str = "", **details: str | None) -> None:
        super().__init__(None, **details)
        self.reason = reason


class StripeMissing(StripeRefused):
    """Stripe has nothing by that id."""


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """A page to pay one price on; the same `key` makes one page."""

    key: UUID
    mode: Literal["payment", "subscription"]
    price_id: str
    customer_id: str | None
    email: str | None
    reference: str | None
    metadata: Mapping[str, str]
    allows_promotion_codes: bool
    collects_tax: bool


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Money to go back to a payer; the same `key` sends it once.

    One that was `tried` before may have been made: Stripe knows it by its metadata longer than it knows the key.
    """

    key: UUID
    payment_intent: str
    amount_cents: int
    metadata: Mapping[str, str]
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A product and its one price as the standard catalogue has them, told apart by `lookup_key`."""

    lookup_key: str
    name: str
    description: str
    amount_cents: int
    interval: Literal["month", "year"] | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PortalRules:
    """What the portal lets customers do with their plans."""

    changes_plans: bool
    pays_back: bool
    """Whether a plan that shrinks does so at once, and the rest of its price is paid back."""


class Gateway(Protocol):
    """Asks Stripe; raises StripeAway where it does not answer and StripeRefused where it declines.

    What there is nothing of by an id is None.
    """

    async def open_checkout(self, order: CheckoutOrder) -> CheckoutSession:
        """Return the Checkout Session of an order, made once."""
        ...

    async def end_checkout(self, session_id: str) -> None:
        """Have a Checkout Session take no payment any more; one that is over stays as it is."""
        ...

    async def open_portal(self, customer_id: str) -> str:
        """Return where a customer sees to cards, plan and invoices."""
        ...

    async def customer_of(self, user_id: UUID) -> str | None:
        """Return the customer that carries a user's id."""
        ...

    async def make_customer(self, user_id: UUID, email: str, *, generation: int) -> str:
        """Return the customer of a user, made once in each generation."""
        ...

    async def describe_customer(self, customer_id: str, user_id: UUID, email: str) -> None:
        """Write a user's id and address into a customer."""
        ...

    async def checkout_session(self, session_id: str) -> CheckoutSession | None:
        """Return a Checkout Session with its line items."""
        ...

    async def price(self, price_id: str) -> Price | None:
        """Return a price with its product."""
        ...

    async def subscription(self, subscription_id: str) -> Subscription | None:
        """Return a subscription as it is now."""
        ...

    async def invoice(self, invoice_id: str) -> Invoice | None:
        """Return an invoice with what paid it."""
        ...

    async def invoices_of(self, payment_intent: str) -> list[InvoicePayment]:
        """Return which invoices a payment intent pays."""
        ...

    async def refund(self, order: RefundOrder) -> Refund:
        """Send money back, once."""
        ...

    async def offer(self, offer: Offer) -> bool:
        """Have the catalogue hold an offer; tell whether it is new."""
        ...

    def every(
        self, kind: type[ShapeT], *, since: datetime | None = None, odd: Odd = nobody_hears
    ) -> AsyncIterator[ShapeT]:
        """Yield the objects of a kind, newest first, made since a moment; say of what we cannot read that it is there."""
        ...

    async def again(self, thing: ThingT) -> ThingT | None:
        """Return something as it is by now: a session, a subscription, an invoice, a refund or a dispute."""
        ...

    async def check(self) -> None:
        """Return when Stripe answers and takes our key."""
        ...

    async def hooks(self) -> list[str]:
        """Return where Stripe tells of events."""
        ...

    async def portal(self) -> PortalRules | None:
        """Return what the portal lets customers do with their plans; None where it is not set up."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
