"""Payers: whose an invoice is, and what its payer may claim an account with."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select

from billing.models import Checkout, Customer, Subscription
from billing.shapes import Invoice
from billing.worth import CHECKOUT_ID, PREFIX
from shared import ids
from shared.addresses import email_key
from shared.db import Tx
from shared.sql import among


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays: a user where one is known, and the address that the bill went to."""

    user_id: UUID | None
    email: str | None

    @property
    def email_key(self) -> str | None:
        """What makes two spellings of the address one."""
        return email_key(self.email) if self.email else None


async def of_invoices(tx: Tx, invoices: Sequence[Invoice]) -> dict[str, Payer]:
    """Return who pays each invoice: whom our checkout named, else whose its subscription or its customer is."""
    subscribed = select(Subscription.id, Subscription.user_id).where(
        among(Subscription.id, {item.subscription for item in invoices}),
        Subscription.user_id.is_not(None),
    )
    by_subscription = {row.id: row.user_id for row in await tx.execute(subscribed)}
    customers = {item.customer for item in invoices}
    are_known = among(Customer.stripe_customer_id, customers)
    by_customer = {
        row.stripe_customer_id: row.user_id
        for row in await tx.scalars(select(Customer).where(are_known))
    }
    return {
        item.id: Payer(
            ids.read("usr", item.metadata_of_subscription.get("user_id"))
            or by_subscription.get(item.subscription)
            or by_customer.get(item.customer),
            item.email,
        )
        for item in invoices
    }


async def claims(tx: Tx, invoices: Sequence[Invoice]) -> dict[str, str]:
    """Return what the payer of each invoice may claim with: the page that it was paid on, where we know it."""
    opened_by = (
        (item.id, ids.read(PREFIX, item.metadata_of_subscription.get(CHECKOUT_ID)))
        for item in invoices
    )
    by_row = {invoice_id: row_id for invoice_id, row_id in opened_by if row_id is not None}
    statement = select(Checkout).where(
        or_(
            among(Checkout.stripe_subscription_id, {item.subscription for item in invoices}),
            among(Checkout.id, set(by_row.values())),
        ),
        Checkout.stripe_checkout_session_id.is_not(None),
    )
    pages = await tx.scalars(statement)
    by_id = {page.id: page.stripe_checkout_session_id for page in pages}
    known = {invoice_id: by_id[row_id] for invoice_id, row_id in by_row.items() if row_id in by_id}
    by_plan = {page.stripe_subscription_id: page.stripe_checkout_session_id for page in pages}
    return {
        item.id: known.get(item.id) or by_plan.get(item.subscription) or item.id
        for item in invoices
    }
