"""What is sold, and the pages that sell it."""

from typing import Literal

from pydantic import Field

from billing.shapes.fields import (
    Cents,
    Count,
    Currency,
    Link,
    Listed,
    Metadata,
    Reference,
    Shape,
    Storable,
    Thing,
    Word,
    address,
)


class Recurring(Shape):
    """How often a price is charged."""

    interval: Word
    interval_count: Count = 1


class Product(Thing):
    """What is sold; its metadata says what it is worth in credits."""

    name: Storable = None
    description: Storable = None
    active: bool = True
    metadata: Metadata = Field(default_factory=dict)


class Price(Thing):
    """What a product costs; `product` is whole where it was asked for."""

    product: Product | str
    active: bool = True
    currency: Currency
    unit_amount: Cents | None = None
    recurring: Recurring | None = None
    lookup_key: Storable = None

    @property
    def product_id(self) -> str:
        """The product's id, expanded or not."""
        return self.product if isinstance(self.product, str) else self.product.id


class LineItem(Shape):
    """What a Checkout Session or a payment link sells."""

    price: Price | None = None
    quantity: Count | None = None


class PaymentLink(Thing):
    """A page that makes Checkout Sessions; `line_items` are there where they were asked for."""

    active: bool = True
    line_items: Listed[LineItem] | None = None


class _CustomerDetails(Shape):
    email: str | None = None


class CheckoutSession(Thing):
    """A visit to Stripe's payment page."""

    mode: Literal["payment", "setup", "subscription"]
    payment_status: Literal["no_payment_required", "paid", "unpaid"]
    status: Word | None = None
    url: Link = None
    amount_subtotal: Cents | None = None
    amount_total: Cents | None = None
    currency: Currency | None = None
    client_reference_id: str | None = None
    customer: Reference = None
    customer_email: str | None = None
    customer_details: _CustomerDetails | None = None
    payment_intent: Reference = None
    payment_link: Reference = None
    subscription: Reference = None
    invoice: Reference = None
    metadata: Metadata = Field(default_factory=dict)
    line_items: Listed[LineItem] | None = None

    @property
    def email(self) -> str | None:
        """The payer's address as Stripe collected it, or None where it is none that can be written to."""
        collected = self.customer_details.email if self.customer_details else None
        return address(collected or self.customer_email)
