"""The catalogue: what Stripe says is sold, at which price and on which pages."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base


class Product(Base):
    """What is sold, and what its metadata says that it is worth; `flaw` is why it cannot be bought.

    `heard_at` and `heard_id` are the latest event of it: of two events the later counts.
    """

    __tablename__ = "products"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    kind: Mapped[str]
    credits: Mapped[int]
    rollover: Mapped[str]
    grant_interval: Mapped[str | None]
    badge: Mapped[str | None]
    display_order: Mapped[int]
    is_active: Mapped[bool]
    flaw: Mapped[str | None]
    heard_at: Mapped[datetime]
    heard_id: Mapped[str]


class Price(Base):
    """What a product costs, once or every `interval`."""

    __tablename__ = "prices"
    __table_args__ = (Index("ix_prices_product_id", "product_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    product_id: Mapped[str]
    lookup_key: Mapped[str | None]
    amount_cents: Mapped[int | None]
    currency: Mapped[str]
    interval: Mapped[str | None]
    is_active: Mapped[bool]
    heard_at: Mapped[datetime]
    heard_id: Mapped[str]


class PaymentLink(Base):
    """A page of Stripe's that sells; `items` are prices and quantities, nothing until Stripe was asked."""

    __tablename__ = "payment_links"

    id: Mapped[str] = mapped_column(primary_key=True)
    is_active: Mapped[bool] = mapped_column(server_default=true())
    items: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    heard_at: Mapped[datetime]
    heard_id: Mapped[str]
