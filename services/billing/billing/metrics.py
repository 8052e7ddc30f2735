"""What billing counts, and what its metrics say of the books."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select

from billing import books, chores, patrol, payments, reading, reconciliation, refund_requests
from billing.models import Book, Debt, Payment, PaymentStatus, RefundRequest
from billing.stripe_webhook import BadPayload, BadSignature
from shared.clock import first_id
from shared.db import Tx
from shared.metrics import Gauge, counter, pairs, seconds_by

RECENT = timedelta(days=1)
NOT_GRANTED = (PaymentStatus.ARRIVED, PaymentStatus.PAID)
WAITING = (*NOT_GRANTED, PaymentStatus.REVIEW)
WEBHOOKS = counter("impacter_stripe_webhooks", "Stripe's requests, by outcome.", "outcome")
for outcome in ("accepted", "duplicate", BadSignature.code, BadPayload.code):
    WEBHOOKS.labels("billing", outcome)  # a rise from nothing is a rise only where zero was seen


def count_webhook(outcome: str) -> None:
    """Count a request of Stripe's: accepted, duplicate, or the code of its refusal."""
    WEBHOOKS.labels("billing", outcome).inc()


async def gauges(tx: Tx) -> Sequence[Gauge]:
    """Return holds, debts and payments, the last proof of the ledger, the books of the days, and how we compare with Stripe."""
    parts = (_holds, _debts, _payments, _proof, _books, _stripe)
    return [gauge for part in parts for gauge in await part(tx)]


async def _holds(tx: Tx) -> list[Gauge]:
    held = await reading.open_holds(tx)
    age_s = (await tx.now() - held.since).total_seconds() if held.since else 0
    return [
        Gauge.single("impacter_holds_open", "Holds that are not settled.", held.count),
        Gauge.single("impacter_hold_credits", "Credits that they set aside.", held.credits),
        Gauge.single("impacter_hold_oldest_seconds", "Age of the oldest of them.", age_s),
    ]


async def _debts(tx: Tx) -> list[Gauge]:
    owed = Debt.amount - Debt.repaid - Debt.forgiven
    statement = select(func.count().label("open"), func.coalesce(func.sum(owed), 0).label("owed"))
    row = (await tx.execute(statement.where(Debt.amount > Debt.repaid + Debt.forgiven))).one()
    return [
        Gauge.single("impacter_debts_open", "Debts that are not repaid.", row.open),
        Gauge.single("impacter_debt_credits", "Credits that are owed.", int(row.owed)),
    ]


async def _payments(tx: Tx) -> list[Gauge]:
    counted = select(Payment.status, func.count()).group_by(Payment.status)
    counts = await pairs(tx, counted.where(Payment.id >= first_id(await tx.now() - RECENT)))
    for status in WAITING:  # each by an index of its own, whatever its age
        counts |= await pairs(tx, counted.where(Payment.status == status))
    oldest = select(Payment.status, func.min(Payment.paid_at)).group_by(Payment.status)
    ages_s: dict[str, float] = {}
    is_ours_to_do = Payment.id.not_in(payments.unproven())
    for status in NOT_GRANTED:
        ages_s |= await seconds_by(tx, oldest.where(Payment.status == status, is_ours_to_do))
    what = "Payments: arrived, paid and in review all of them, others those of the last day."
    return [
        Gauge.by("status", "impacter_payments", what, counts, PaymentStatus),
        Gauge.single(
            "impacter_payment_oldest_paid_seconds",
            "How long the oldest payment waits that is paid and not granted, but for those whose payer has to act.",
            max(ages_s.values(), default=0),
        ),
    ]


async def _proof(tx: Tx) -> list[Gauge]:
    return [
        Gauge.by(
            "rule",
            "impacter_ledger_rule_broken",
            "How often a rule of the ledger is broken.",
            await patrol.broken(tx),
            patrol.RULES,
        ),
        Gauge.single(
            "impacter_ledger_proof_age_seconds",
            "Time since all of the ledger was proved.",
            await patrol.age_s(tx),
        ),
    ]


async def _books(tx: Tx) -> list[Gauge]:
    days = await books.closed_days(tx, limit=books.DAYS_LOOKED_AT)
    is_open = (Book.asked_count > 0, (Book.proved_at.is_(None)) | (Book.compared_at.is_(None)))
    oldest = await tx.scalar(select(func.min(Book.closed_at)).where(*is_open))
    return [
        Gauge.single(
            "impacter_books_wrong_days",
            "Closed days whose books differ from what tasks counted, or broke a rule.",
            sum(bool(book.broken or (book.compared_at and book.differences)) for book in days),
        ),
        Gauge.single(
            "impacter_books_open_seconds",
            "How long the oldest day is closed that is not compared or not proved yet.",
            (await tx.now() - oldest).total_seconds() if oldest else 0,
        ),
    ]


async def _stripe(tx: Tx) -> list[Gauge]:
    latest = {scope: await reconciliation.latest(tx, scope) for scope in reconciliation.SCOPES}
    drift: dict[str, float] = {scope: row.drift if row else 0 for scope, row in latest.items()}
    differences = {item for row in latest.values() if row for item in row.open}
    asked = select(RefundRequest.status, func.count()).group_by(RefundRequest.status)
    in_the_making = RefundRequest.status.in_(refund_requests.IN_THE_MAKING)
    return [
        Gauge.by(
            "scope",
            "impacter_stripe_drift",
            "What the webhook had not told, by the last comparison.",
            drift,
            reconciliation.SCOPES,
        ),
        Gauge.single(
            "impacter_stripe_differences",
            "Differences to Stripe that nobody could repair.",
            len(differences),
        ),
        Gauge.single(
            "impacter_stripe_compared_age_seconds",
            "Time since the last comparison with Stripe came to its end.",
            await reconciliation.age_s(tx),
        ),
        Gauge.single(
            "impacter_price_sync_age_seconds",
            "Time since the catalogue was last synced with Stripe.",
            await chores.age_s(tx, chores.SYNC_PRICES),
        ),
        Gauge.by(
            "status",
            "impacter_refund_requests",
            "Refunds that wait for an operator, or for Stripe.",
            await pairs(tx, asked.where(in_the_making)),
            refund_requests.IN_THE_MAKING,
        ),
    ]
