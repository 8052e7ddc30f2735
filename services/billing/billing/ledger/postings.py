"""Postings: the lines of the ledger, each with its cause and its place in its account's chain."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from billing import chain
from billing.ledger.accounts import LockedAccount
from billing.models import Kind, Posting, SystemAccount
from shared.sql import insert_all

COUNTERPARTS: Final = {
    Kind.PURCHASE: SystemAccount.SALES,
    Kind.SUBSCRIPTION: SystemAccount.SALES,
    Kind.BONUS: SystemAccount.PROMOTION,
    Kind.ADMIN_GRANT: SystemAccount.ADJUSTMENT,
    Kind.GOODWILL: SystemAccount.GOODWILL,
    Kind.ADJUSTMENT: SystemAccount.ADJUSTMENT,
    Kind.CAPTURE: SystemAccount.DELIVERED,
    Kind.REFUND: SystemAccount.REFUNDS,
    Kind.DISPUTE: SystemAccount.DISPUTES,
    Kind.REINSTATEMENT: SystemAccount.REFUNDS,
    Kind.EXPIRY: SystemAccount.EXPIRED,
}
POST = insert_all(
    Posting,
    *("id", "account_id", "counterpart", "line", "amount", "balance_after", "kind", "description"),
    *("key", "payment_id", "task_id", "created_at", "hash"),
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why credits move: the kind, the key that makes it happen once, and what an owner reads of it.

    What is given back comes from where it went, which its kind does not tell: `counterpart`.
    """

    kind: Kind
    key: str
    description: str
    payment_id: UUID | None = None
    task_id: UUID | None = None
    counterpart: SystemAccount | None = None


def line(
    posting_id: UUID, account: LockedAccount, amount: int, cause: Cause, now: datetime, at: str
) -> dict[str, Any]:
    """Move an amount on a locked account and return the line; `at` is how the chain spells `now`."""
    account.balance += amount
    account.version += 1
    account.line += 1
    posting = {
        "id": posting_id,
        "account_id": account.id,
        "counterpart": cause.counterpart or COUNTERPARTS[cause.kind],
        "line": account.line,
        "amount": amount,
        "balance_after": account.balance,
        "kind": cause.kind,
        "description": cause.description,
        "key": cause.key,
        "payment_id": cause.payment_id,
        "task_id": cause.task_id,
        "created_at": now,
    }
    account.hash = chain.link(account.hash or chain.genesis(account.user_id), posting, at)
    posting["hash"] = account.hash
    return posting
