"""Payments: from what was paid to credits, once for each thing paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, select, text
from sqlalchemy.dialects.postgresql import insert

from billing import completion, customers, ledger, matching, pauses, plan_grants
from billing.models import Account, Address, Kind, Payment, PaymentStatus
from shared.addresses import email_key
from shared.db import Tx
from shared.errors import Conflict, Invalid, NotFound
from shared.events import Envelope
from shared.sql import among, as_rows, update_all

PAID_ONES = text(f"""
    SELECT id, credits, stripe_invoice_id, stripe_customer_id FROM payments
    WHERE id = ANY (:ids) AND status = '{PaymentStatus.PAID}' ORDER BY id FOR NO KEY UPDATE
""")  # noqa: S608 - a constant of ours
GIVE = update_all(Payment, "user_id", "status", "granted_at", "opened_account")


class NotInReview(Conflict):
    """The payment does not wait for a person."""

    code = "not_in_review"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a payment in review, and why."""

    by: str
    reason: str
    credits: int = 0


async def grant_waiting(
    tx: Tx,
    owners: Mapping[UUID, UUID],
    *,
    causes: Mapping[UUID, Envelope] = MappingProxyType({}),
    opened_account: bool = False,
) -> None:
    """Grant these payments to their owners (user by payment) where they are paid and not granted yet.

    `causes` are the events that are answered, by payment, where they are not the transaction's own.
    """
    unpaid = await plan_grants.paused(tx, owners)
    payments = (await tx.execute(PAID_ONES, {"ids": list(owners)})).all()
    if not payments:
        return
    await _give(tx, payments, owners, opened_account=opened_account)
    of_plans = {row.id: owners[row.id] for row in payments if row.stripe_invoice_id is not None}
    bought = [_grant(row, owners[row.id]) for row in payments if row.id not in of_plans]
    for item in await ledger.grant(tx, [*bought, *await plan_grants.take(tx, of_plans)]):
        payment_id = item.grant.payment_id
        assert payment_id is not None, "it is a payment's grant"
        event = plan_grants.granted(item, opened_account=opened_account)
        tx.publish(event, cause=causes.get(payment_id))
    if unpaid:
        await pauses.pause(tx, unpaid)
    await matching.settle_payments(tx, [row.id for row in payments])
    guests = [row.id for row in payments if row.stripe_customer_id is not None]
    if guests:
        await customers.adopt(tx, guests)


async def close(tx: Tx, payment_id: UUID, decided: Decision) -> Payment:
    """Note what a person decided about a payment in review, and have the credits that it buys granted as any other's.

    Raises NotFound, NotInReview for any other payment, and Invalid for credits of a payment without an address.
    """
    payment = await tx.lock(Payment, payment_id)
    if payment is None:
        raise NotFound
    if payment.status != PaymentStatus.REVIEW:
        raise NotInReview
    payment.note = f"{payment.note}; closed by {decided.by}: {decided.reason}"
    if not decided.credits:
        payment.status = PaymentStatus.CLOSED
        return payment
    if payment.email is None:
        message = "Nobody is known to have made this payment; give its money back at Stripe."
        raise Invalid(message)
    payment.status, payment.credits = PaymentStatus.PAID, decided.credits
    if payment.stripe_invoice_id is not None:
        await plan_grants.bring_now(tx, payment)
    claim = payment.stripe_checkout_session_id or tx.new_secret()  # of a bill: nobody holds it
    tx.publish(completion.of(payment, claim=claim))
    return payment


async def waiting_of(tx: Tx, user_id: UUID) -> Sequence[UUID]:
    """Return the paid payments that a signed-in user made before billing knew the user."""
    statement = select(Payment.id).where(
        Payment.user_id == user_id, Payment.status == PaymentStatus.PAID
    )
    return await tx.scalars(statement)


async def waiting_for(tx: Tx, address: str) -> Sequence[UUID]:
    """Return the payments of an address that nobody was granted yet, made by no user we know."""
    is_known = select(Account.id).where(Account.user_id == Payment.user_id).exists()
    statement = select(Payment.id).where(
        Payment.email_key == email_key(address), Payment.status == PaymentStatus.PAID, ~is_known
    )
    return await tx.scalars(statement)


def unproven(ids: Sequence[UUID] | None = None) -> Select[UUID]:
    """Return which paid payments (of these) wait until somebody has confirmed the payer's address as theirs."""
    is_open = (Address.email_key == Payment.email_key, ~Address.is_verified)
    waiting = select(Payment.id).join(Address, and_(*is_open)).where(Payment.user_id.is_(None))
    waiting = waiting.where(Payment.status == PaymentStatus.PAID)
    return waiting if ids is None else waiting.where(Payment.id.in_(ids))


async def verified_owners(tx: Tx, addresses: Sequence[str]) -> dict[str, UUID]:
    """Return which user each address is known to belong to, by its key."""
    keys = [email_key(address) for address in addresses]
    statement = select(Address).where(among(Address.email_key, keys), Address.is_verified)
    return {row.email_key: row.user_id for row in await tx.scalars(statement)}


async def learn_address(tx: Tx, user_id: UUID, address: str, *, is_verified: bool) -> None:
    """Remember whose address it is; one that was confirmed stays with who confirmed it first."""
    row = {"email_key": email_key(address), "user_id": user_id, "is_verified": is_verified}
    statement = insert(Address).values(row)
    if is_verified:
        statement = statement.on_conflict_do_update(
            index_elements=[Address.email_key],
            set_={"is_verified": True, "user_id": user_id},
            where=Address.is_verified.is_(False),
        )
    else:
        statement = statement.on_conflict_do_nothing()
    await tx.execute(statement)


async def _give(
    tx: Tx, payments: Sequence[Row[Any]], owners: Mapping[UUID, UUID], *, opened_account: bool
) -> None:
    given = {
        "status": PaymentStatus.GRANTED,
        "granted_at": await tx.now(),
        "opened_account": opened_account,
    }
    rows = [{"id": row.id, "user_id": owners[row.id], **given} for row in payments]
    await tx.execute(GIVE, as_rows(rows))


def _grant(payment: Row[Any], owner: UUID) -> ledger.Grant:
    return ledger.Grant(
        user_id=owner,
        amount=payment.credits,
        kind=Kind.PURCHASE,
        key=f"payment:{payment.id}",
        description=f"{payment.credits:,} credits bought",
        payment_id=payment.id,
    )
