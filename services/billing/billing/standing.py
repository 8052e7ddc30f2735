"""Where a subscription stands: what follows when it is not paid for, paid again, or over."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update

from billing import pauses, plan_grants, revocations
from billing.catalogue import entries
from billing.models import Invoice, Payment, PaymentStatus, PlanGrant, Subscription
from shared.contracts.subscriptions import SubscriptionPastDue
from shared.db import Tx
from shared.errors import Conflict

UNPAID: Final = ("past_due", "unpaid")
PAID: Final = ("active", "trialing")
OVER: Final = ("canceled", "incomplete_expired")
CURRENT: Final = (*PAID, *UNPAID, "paused")
# Stripe has not said yet how it went on; a paid bill says it.
BEGINNING: Final = ("unknown", "incomplete")


class AlreadySubscribed(Conflict):
    """There is a plan already: change it in the portal."""

    code = "already_subscribed"


async def follow(tx: Tx, plan: Subscription, *, grace_days: int) -> None:
    """Do what follows from how a locked subscription is."""
    if plan.status in UNPAID:
        await _warn(tx, plan, grace_days=grace_days)
    elif plan.status in PAID:
        await _recover(tx, plan)
    elif plan.status in OVER:
        await plan_grants.lock_payments(tx, [plan.id])
        await _recover(tx, plan)
        await _end(tx, plan)


async def pause_unpaid(tx: Tx) -> int:
    """Let the credits wait of subscriptions that were not paid within their grace; return of how many."""
    now = await tx.now()
    are_late = (Subscription.grace_until <= now, Subscription.paused_at.is_(None))
    statement = select(Subscription).where(*are_late, Subscription.status.in_(UNPAID))
    late = await tx.scalars(statement.order_by(Subscription.id).with_for_update(skip_locked=True))
    for plan in late:
        plan.paused_at = now
    if late:
        await pauses.pause(tx, [plan.id for plan in late])
    return len(late)


async def current(tx: Tx, user_id: UUID) -> Subscription | None:
    """Return the plan that a user has now, or None; what is paid for is theirs before Stripe has said that it began."""
    theirs = Subscription.user_id == user_id
    is_paid = select(Payment.id).where(
        Payment.stripe_subscription_id == Subscription.id,
        Payment.user_id == user_id,
        Payment.status == PaymentStatus.GRANTED,
    )
    begins = and_(
        or_(theirs, Subscription.user_id.is_(None)),
        Subscription.status.in_(BEGINNING),
        Subscription.ask_at.is_not(None),  # once Stripe has answered, its word stands
        is_paid.exists(),
    )
    are_current = or_(and_(theirs, Subscription.status.in_(CURRENT)), begins)
    plans = select(Subscription).where(are_current)
    return await tx.scalar(plans.order_by(Subscription.created_at.desc()))


async def price_of(tx: Tx, plan: Subscription) -> str | None:
    """Return the price of a plan that a user has: Stripe's word, else what was paid last."""
    paid = select(Payment.price_id).where(
        Payment.stripe_subscription_id == plan.id, Payment.status == PaymentStatus.GRANTED
    )
    return plan.price_id or await tx.scalar(paid.order_by(Payment.id.desc()))


async def require_none(tx: Tx, user_id: UUID) -> None:
    """Raise AlreadySubscribed where the user has a plan."""
    if await current(tx, user_id) is not None:
        raise AlreadySubscribed(portal="/api/billing/portal-link")


async def next_grant_at(tx: Tx, plan: Subscription) -> datetime | None:
    """Return when a plan brings credits next: this month's or next period's, if it goes on."""
    theirs = select(func.min(PlanGrant.due_at)).where(
        PlanGrant.stripe_subscription_id == plan.id, PlanGrant.status == "waiting"
    )
    waiting = await tx.scalar(theirs)
    if waiting is not None:
        return waiting
    goes_on = plan.status in PAID and not plan.cancel_at_period_end
    return plan.current_period_end if goes_on else None


async def _warn(tx: Tx, plan: Subscription, *, grace_days: int) -> None:
    """Tell the customer, once until it is paid, and begin the grace."""
    if plan.past_due_at is not None or plan.user_id is None:
        return
    plan.past_due_at = await tx.now()
    plan.grace_until = plan.past_due_at + timedelta(days=grace_days)
    bill = await tx.scalar(
        select(Invoice).where(Invoice.stripe_invoice_id == plan.latest_invoice_id)
    )
    found = await entries(tx, [plan.price_id]) if plan.price_id else []
    tx.publish(
        SubscriptionPastDue(
            subscription_id=plan.id,
            user_id=plan.user_id,
            plan=found[0].name if found else None,
            amount_cents=bill.amount_due_cents if bill else None,
            currency=bill.currency if bill else None,
            pay_url=bill.hosted_url if bill else None,
            invoice_id=plan.latest_invoice_id,
            grace_until=plan.grace_until,
        )
    )


async def _recover(tx: Tx, plan: Subscription) -> None:
    """Forget what was not paid, and let the credits be spent again."""
    plan.past_due_at = plan.grace_until = None
    if plan.paused_at is not None:
        plan.paused_at = None
        await pauses.resume(tx, [plan.id])


async def _end(tx: Tx, plan: Subscription) -> None:
    """Bring no more credits after the end; what was brought stays until it expires."""
    ended_at = plan.ended_at or await tx.now()
    later = update(PlanGrant).where(
        PlanGrant.stripe_subscription_id == plan.id,
        PlanGrant.status.in_(("waiting", "cut")),  # a won dispute lets what was cut wait again
        PlanGrant.due_at > ended_at,
    )
    ended = await tx.execute(later.values(status="ended").returning(PlanGrant.payment_id))
    await revocations.settle(tx, set(ended.scalars()))
