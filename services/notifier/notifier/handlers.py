"""Events in: addresses are learned, mails are written down for the worker to send."""

import hashlib
from datetime import UTC, date, datetime
from uuid import UUID

from notifier import excerpts, messages
from notifier.contacts import learn
from shared.contracts.books import BooksProved
from shared.contracts.credits import (
    CreditsExpiring,
    CreditsGranted,
    CreditsRanLow,
    CreditsRevoked,
)
from shared.contracts.subscriptions import SubscriptionPastDue
from shared.contracts.tasks import Outcome, TaskFinished
from shared.contracts.users import (
    UserClaimRequested,
    UserPasswordResetRequested,
    UserRegistered,
    UserVerificationRequested,
)
from shared.db import Tx
from shared.handlers import Handlers
from shared.ids import public

DESCRIPTION_CHARS_MAX = 240
REASON_CHARS_MAX = 400
NO_REASON = {
    Outcome.FAILED: "It ended without a result.",
    Outcome.TIMED_OUT: "It took longer than a task may take.",
}

PAID_FOR = ("purchase", "subscription")

handlers = Handlers("notifier")


@handlers.on(UserRegistered)
async def greet_user(event: UserRegistered, tx: Tx) -> None:
    """Welcome who paid with what was bought; ask who signed up to confirm the address."""
    await learn(tx, event.user_id, event.email)
    payment = event.payment
    await messages.queue(
        tx,
        "welcome" if payment else "verify",
        event.user_id,
        cause=f"welcome:{payment.payment_id}" if payment else f"verify:{event.user_id}",
        parameters={"credits": payment.credits} if payment else {},
        payment_id=payment.payment_id if payment else None,
        link=messages.Link(event.email, event.sealed_token),
    )


@handlers.on(UserClaimRequested)
async def offer_claim(event: UserClaimRequested, tx: Tx) -> None:
    """Tell the payer that the credits wait for proof of the address."""
    await learn(tx, event.user_id, event.email)
    await messages.queue(
        tx,
        "claim",
        event.user_id,
        cause=f"claim:{event.payment_id}",
        parameters={"credits": event.credits},
        payment_id=event.payment_id,
        link=messages.Link(event.email, event.sealed_token),
    )


@handlers.on(UserVerificationRequested)
async def send_verification_link(event: UserVerificationRequested, tx: Tx) -> None:
    """Send another link that confirms the address."""
    await _send_link(tx, "verify", event)


@handlers.on(UserPasswordResetRequested)
async def send_reset_link(event: UserPasswordResetRequested, tx: Tx) -> None:
    """Send a link that sets a new password."""
    await _send_link(tx, "reset", event)


@handlers.on(CreditsGranted)
async def confirm_credits(event: CreditsGranted, tx: Tx) -> None:
    """Tell a customer that credits are there which were paid for; the welcome mail told a new one."""
    if event.kind == "reinstatement":
        await _tell_of_credits(tx, "credits_returned", event, payment_id=None)
    elif event.kind in PAID_FOR and not event.opened_account:
        await _tell_of_credits(tx, "credits_added", event, payment_id=event.payment_id)


@handlers.on(CreditsRevoked)
async def explain_revocation(event: CreditsRevoked, tx: Tx) -> None:
    """Tell the customer what was taken back with the money."""
    await messages.queue(
        tx,
        "credits_revoked",
        event.user_id,
        cause=f"revoked:{event.payment_id}:{event.balance.version}",
        parameters={
            "kind": event.kind,
            "credits": event.amount,
            "owed": event.owed,
            "available": max(event.balance.available, 0),
        },
    )


@handlers.on(CreditsExpiring)
async def warn_of_expiry(event: CreditsExpiring, tx: Tx) -> None:
    """Tell the customer which credits will be over soon, and when."""
    await messages.queue(
        tx,
        "credits_expiring",
        event.user_id,
        cause=f"expiring:{event.user_id}:{event.expires_at.isoformat()}:{event.days_left}",
        parameters={
            "credits": event.amount,
            "day": _day(event.expires_at),
            "time": f"{event.expires_at.astimezone(UTC):%H:%M}",
        },
    )


@handlers.on(CreditsRanLow)
async def warn_of_low_credits(event: CreditsRanLow, tx: Tx) -> None:
    """Tell the customer that few credits are left, once until there were more."""
    await messages.queue(
        tx,
        "credits_low",
        event.user_id,
        cause=f"low:{event.user_id}:{event.balance.version}",
        parameters={"available": max(event.balance.available, 0)},
    )


@handlers.on(SubscriptionPastDue)
async def ask_for_payment(event: SubscriptionPastDue, tx: Tx) -> None:
    """Tell the customer that a renewal was not paid, and until when that has no consequence."""
    await messages.queue(
        tx,
        "payment_failed",
        event.user_id,
        cause=f"past_due:{event.subscription_id}:{event.grace_until.isoformat()}",
        parameters={
            "plan": event.plan,
            "pay_url": event.pay_url,
            "grace_until": _day(event.grace_until),
        },
    )


@handlers.on(TaskFinished)
async def report_outcome(event: TaskFinished, tx: Tx) -> None:
    """Tell the customer what became of the task; who cancelled it knows."""
    match event.outcome:
        case Outcome.SUCCEEDED:
            await _report(tx, "task_complete", event, **_delivery(event))
        case Outcome.FAILED | Outcome.TIMED_OUT:
            why = event.reason or NO_REASON[event.outcome]
            reason = excerpts.line(why, chars_max=REASON_CHARS_MAX)
            await _report(tx, "task_failed", event, reason=reason)
        case Outcome.CANCELLED:
            pass


def answering(operator: str | None) -> Handlers:
    """Return all handlers; an operator, where one has an address, is told of books that do not balance."""
    told = handlers.copy()

    @told.on(BooksProved)
    async def report_books(event: BooksProved, tx: Tx) -> None:
        if operator is not None and not event.balanced:
            await messages.queue(
                tx,
                "books_differ",
                None,
                cause=f"books:{event.day.isoformat()}:{event.attempt}",
                parameters={"day": _in_words(event.day), "found": _found(event)},
                link=messages.Link(to_address=operator, sealed_token=None),
            )

    return told


def _found(event: BooksProved) -> list[str]:
    """Return a line for each thing that was found."""
    return [
        *(f"tasks counts {item.by:+,} {item.what.replace('_', ' ')}" for item in event.differences),
        *(f"{item.what}: broken {item.by:,} times" for item in event.broken),
    ]


def _day(moment: datetime) -> str:
    return _in_words(moment.astimezone(UTC).date())


def _in_words(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"


async def _tell_of_credits(
    tx: Tx, template: str, event: CreditsGranted, *, payment_id: UUID | None
) -> None:
    await messages.queue(
        tx,
        template,
        event.user_id,
        cause=f"credits:{event.transaction_id}",
        parameters={
            "credits": event.amount,
            "available": event.balance.available,
            "is_plan": event.kind == "subscription",
            "repaid": event.repaid,
        },
        payment_id=payment_id,
    )


async def _send_link(
    tx: Tx, template: str, event: UserVerificationRequested | UserPasswordResetRequested
) -> None:
    await learn(tx, event.user_id, event.email)
    link = hashlib.sha256(event.sealed_token.encode()).hexdigest()
    await messages.queue(
        tx,
        template,
        event.user_id,
        cause=f"{template}:{event.user_id}:{link}",
        parameters={},
        link=messages.Link(event.email, event.sealed_token),
    )


async def _report(tx: Tx, template: str, event: TaskFinished, **parameters: object) -> None:
    description = excerpts.line(event.description, chars_max=DESCRIPTION_CHARS_MAX)
    await messages.queue(
        tx,
        template,
        event.user_id,
        cause=f"task:{event.task_id}:finished",
        parameters={
            "task_id": public("task", event.task_id),
            "description": description,
            **parameters,
        },
    )


def _delivery(event: TaskFinished) -> dict[str, object]:
    return {
        "lines": excerpts.first_lines(event.result or ""),
        "files": excerpts.names([file.name for file in event.files]),
        "file_count": len(event.files),
    }
