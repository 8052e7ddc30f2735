"""The catalogue over HTTP."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class PriceView(BaseModel):
    """A price that everybody is offered; `credits` come every `grant_interval`, or `interval`, or once."""

    price_id: str
    name: str
    description: str
    kind: str
    credits: int
    amount_cents: int
    currency: str
    interval: str | None
    grant_interval: str | None
    rollover: str | None
    badge: str | None
    credits_per_dollar: float | None


class Prices(BaseModel):
    """Packs and plans, in the order they are shown."""

    prices: list[PriceView]


class SyncRequest(BaseModel):
    """With `dry_run` nothing is changed."""

    model_config = ConfigDict(extra="forbid")

    dry_run: Annotated[bool, Field(strict=True)] = False


class PriceChange(BaseModel):
    """A price that differs: of each field, what it was and what it is."""

    price_id: str
    name: str
    fields: dict[str, tuple[Any, Any]]


class SkippedProduct(BaseModel):
    """A product that cannot be bought, and why."""

    product_id: str
    name: str
    reason: str


class SyncResult(BaseModel):
    """How the catalogue differed from Stripe's."""

    dry_run: bool
    added: list[PriceChange]
    changed: list[PriceChange]
    deactivated: list[PriceChange]
    unchanged: list[str]
    skipped: list[SkippedProduct]


class PriceInFull(BaseModel):
    """A price as operators see it; `flaw` is why it cannot be bought."""

    model_config = ConfigDict(from_attributes=True)

    price_id: str
    product_id: str
    lookup_key: str | None
    name: str
    kind: str
    credits: int
    amount_cents: int
    currency: str
    interval: str | None
    grant_interval: str | None
    rollover: str
    is_active: bool
    flaw: str | None


class AllPrices(BaseModel):
    """The whole catalogue."""

    prices: list[PriceInFull]


class Seeded(BaseModel):
    """The lookup keys of the offers that were made at Stripe."""

    made: list[str]
