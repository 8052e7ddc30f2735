"""Plans and their bills over HTTP."""

from datetime import datetime

from pydantic import BaseModel


class SubscriptionView(BaseModel):
    """The plan that a user has; `status` is `none` without one. `credits` are what each month brings.

    While it is not paid its credits can be spent until `grace_until`.
    """

    status: str
    plan: str | None = None
    price_id: str | None = None
    credits: int | None = None
    interval: str | None = None
    current_period_end: datetime | None = None
    cancel_at_period_end: bool = False
    next_grant_at: datetime | None = None
    grace_until: datetime | None = None
    is_paused: bool = False


class InvoiceView(BaseModel):
    """A bill, and where Stripe shows it."""

    number: str | None
    created_at: datetime
    amount_cents: int
    currency: str
    status: str
    hosted_url: str | None
    pdf_url: str | None


class Invoices(BaseModel):
    """A page of bills, newest first."""

    invoices: list[InvoiceView]
    next_cursor: str | None
