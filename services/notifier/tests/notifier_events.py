"""Events as their publishers tell them, for the notifier's tests."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from notifier_parts import TOKEN, ids, seal

from shared.contracts.books import BooksProved, Finding
from shared.contracts.credits import (
    Balance,
    CreditsExpiring,
    CreditsGranted,
    CreditsRanLow,
    CreditsRevoked,
)
from shared.contracts.subscriptions import SubscriptionPastDue
from shared.contracts.tasks import DeliveredFile, Outcome, TaskFinished
from shared.contracts.users import (
    OpeningPayment,
    UserClaimRequested,
    UserPasswordResetRequested,
    UserRegistered,
    UserVerificationRequested,
)

EMAIL = "ada@example.com"


def paid_first(user_id: UUID, *, amount: int = 1000, email: str = EMAIL) -> UserRegistered:
    payment = OpeningPayment(payment_id=ids.new(), credits=amount)
    return UserRegistered(
        user_id=user_id, email=email, payment=payment, sealed_token=seal.seal(TOKEN)
    )


def signed_up(user_id: UUID, *, email: str = EMAIL) -> UserRegistered:
    return UserRegistered(user_id=user_id, email=email, sealed_token=seal.seal(TOKEN))


def claim_requested(user_id: UUID) -> UserClaimRequested:
    return UserClaimRequested(
        user_id=user_id,
        email=EMAIL,
        payment_id=ids.new(),
        credits=1000,
        sealed_token=seal.seal(TOKEN),
    )


def verification_requested(user_id: UUID) -> UserVerificationRequested:
    return UserVerificationRequested(user_id=user_id, email=EMAIL, sealed_token=seal.seal(TOKEN))


def reset_requested(user_id: UUID) -> UserPasswordResetRequested:
    return UserPasswordResetRequested(user_id=user_id, email=EMAIL, sealed_token=seal.seal(TOKEN))


def granted(user_id: UUID, **changes: Any) -> CreditsGranted:
    values = {
        "user_id": user_id,
        "transaction_id": ids.new(),
        "amount": 500,
        "kind": "purchase",
        "balance": Balance(balance=530, reserved=0, available=530, version=2),
    }
    return CreditsGranted(**{**values, **changes})


def revoked(user_id: UUID, **changes: Any) -> CreditsRevoked:
    values = {
        "user_id": user_id,
        "payment_id": ids.new(),
        "transaction_id": ids.new(),
        "kind": "refund",
        "amount": 400,
        "owed": 100,
        "balance": Balance(balance=0, reserved=0, available=0, version=3),
    }
    return CreditsRevoked(**{**values, **changes})


def expiring(user_id: UUID, **changes: Any) -> CreditsExpiring:
    values = {
        "user_id": user_id,
        "amount": 500,
        "expires_at": datetime(2026, 12, 31, 8, 30, tzinfo=UTC),
        "days_left": 14,
    }
    return CreditsExpiring(**{**values, **changes})


def ran_low(user_id: UUID, available: int) -> CreditsRanLow:
    balance = Balance(balance=available, reserved=0, available=available, version=7)
    return CreditsRanLow(user_id=user_id, balance=balance)


def past_due(user_id: UUID, **changes: Any) -> SubscriptionPastDue:
    values = {
        "subscription_id": "sub_1",
        "user_id": user_id,
        "plan": "Basic",
        "pay_url": "https://pay.example/invoice/in_1",
        "invoice_id": "in_1",
        "grace_until": datetime(2026, 11, 28, 9, tzinfo=UTC),
    }
    return SubscriptionPastDue(**{**values, **changes})


def finished(user_id: UUID, **changes: Any) -> TaskFinished:
    file = DeliveredFile(
        file_id=ids.new(),
        key="tasks/1/leads.csv",
        name="leads.csv",
        size=10,
        media_type="text/csv",
        sha256="0" * 64,
    )
    values = {
        "task_id": ids.new(),
        "user_id": user_id,
        "run_id": ids.new(),
        "description": "Find me 100 leads in Miami",
        "outcome": Outcome.SUCCEEDED,
        "executor": "openclaw",
        "result": "Found 103 dentists.",
        "files": (file,),
    }
    return TaskFinished(**{**values, **changes})


def books_proved(*, attempt: int = 1, **found: dict[str, int]) -> BooksProved:
    findings = {
        name: tuple(Finding(what=what, by=by) for what, by in items.items())
        for name, items in found.items()
    }
    return BooksProved(day=date(2026, 11, 27), attempt=attempt, balanced=not found, **findings)
