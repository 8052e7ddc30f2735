"""Subscriptions, and the bills that they are paid by."""

from pydantic import Field

from billing.shapes.fields import (
    Cents,
    Count,
    Currency,
    Link,
    Listed,
    Metadata,
    Moment,
    Needed,
    Reference,
    Shape,
    Signed,
    Storable,
    Thing,
    Word,
    address,
)
from billing.shapes.selling import Price


class Period(Shape):
    """The time that a line of an invoice is for."""

    start: Moment
    end: Moment


class _PriceDetails(Shape):
    price: Reference = None


class _Pricing(Shape):
    price_details: _PriceDetails | None = None


class _LineCause(Shape):
    proration: bool = False


class _LineParent(Shape):
    subscription_item_details: _LineCause | None = None
    invoice_item_details: _LineCause | None = None


class InvoiceLine(Shape):
    """What an invoice is for: a price for a period, or the part of it that a change leaves."""

    amount: Signed
    quantity: Count | None = None
    period: Period
    pricing: _Pricing | None = None
    parent: _LineParent | None = None

    @property
    def price_id(self) -> str | None:
        """The price that is charged for."""
        details = self.pricing.price_details if self.pricing else None
        return details.price if details else None

    @property
    def is_proration(self) -> bool:
        """Whether it is for the rest of a period in which the plan was changed."""
        parent = self.parent or _LineParent()
        causes = (parent.subscription_item_details, parent.invoice_item_details)
        return any(cause is not None and cause.proration for cause in causes)


class _SubscriptionDetails(Shape):
    subscription: Reference = None
    metadata: Metadata = Field(default_factory=dict)


class _InvoiceParent(Shape):
    subscription_details: _SubscriptionDetails | None = None


class _Payment(Shape):
    payment_intent: Reference = None


class InvoicePayment(Thing):
    """Which payment intent pays an invoice."""

    invoice: Needed
    status: Word
    payment: _Payment


class Invoice(Thing):
    """A bill; those of subscriptions are what renewals are paid by."""

    status: Word
    number: Storable = None
    customer: Reference = None
    customer_email: str | None = None
    currency: Currency
    amount_due: Signed
    amount_paid: Cents
    created: Moment
    hosted_invoice_url: Link = None
    invoice_pdf: Link = None
    parent: _InvoiceParent | None = None
    lines: Listed[InvoiceLine] = Field(default_factory=Listed)
    payments: Listed[InvoicePayment] | None = None

    @property
    def subscription(self) -> str | None:
        """The subscription that it is a bill of, if any."""
        return self._details.subscription

    @property
    def metadata_of_subscription(self) -> dict[str, str]:
        """What the subscription carried when it was billed."""
        return self._details.metadata

    @property
    def email(self) -> str | None:
        """The payer's address, or None where it is none that can be written to."""
        return address(self.customer_email)

    @property
    def _details(self) -> _SubscriptionDetails:
        details = self.parent.subscription_details if self.parent else None
        return details or _SubscriptionDetails()


class SubscriptionItem(Shape):
    """What is subscribed to, and the period under way."""

    price: Price
    quantity: Count | None = None
    current_period_start: Moment
    current_period_end: Moment


class Subscription(Thing):
    """A plan that is paid for again and again."""

    status: Word
    customer: Needed
    items: Listed[SubscriptionItem]
    cancel_at_period_end: bool = False
    cancel_at: Moment | None = None
    ended_at: Moment | None = None
    latest_invoice: Reference = None
    metadata: Metadata = Field(default_factory=dict)
