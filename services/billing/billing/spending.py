"""Spending over HTTP: what is asked for together is decided, and committed, together; each once for its key."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

from billing import ledger
from billing.schemas.spending import SpentView
from shared.contracts.credits import CreditsRanLow, CreditsSpent
from shared.db import Database, Tx
from shared.errors import DomainError
from shared.group_commit import Asked, GroupCommit
from shared.idempotency import Answer, Mark, Outcome, once_each


class InsufficientCredits(DomainError):
    """There are not enough credits for this."""

    status = HTTPStatus.PAYMENT_REQUIRED
    code = "insufficient_credits"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Credits that somebody wants to spend, and on what."""

    user_id: UUID
    amount: int
    reason: str
    feature: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Request:
    wanted: Wanted
    mark: Mark | None


class Spending:
    """The way to spend credits at once; any number of requests at a time."""

    def __init__(self, database: Database, *, checkout_url: str) -> None:
        self._checkout_url = checkout_url
        self._group: GroupCommit[_Request, Answer] = GroupCommit(database, self._decide)

    async def spend(self, wanted: Wanted, mark: Mark | None) -> Answer:
        """Return the answer of the route once the credits have left; raise InsufficientCredits."""
        return await self._group.ask(_Request(wanted, mark))

    async def _decide(self, tx: Tx, asked: Sequence[Asked[_Request]]) -> list[Outcome]:
        async def spend(to_do: Sequence[int]) -> list[Outcome]:
            requests = [asked[place] for place in to_do]
            spends = [_spend(tx, item.question.wanted) for item in requests]
            answers = await ledger.spend(tx, spends)
            return [self._told(tx, *pair) for pair in zip(requests, answers, strict=True)]

        return await once_each(tx, [item.question.mark for item in asked], spend)

    def _told(self, tx: Tx, request: Asked[_Request], spent: ledger.Spent) -> Outcome:
        """Publish what was spent and return the answer, or the refusal."""
        if spent.posting_id is None:
            return InsufficientCredits(
                needed=spent.spend.amount,
                available=spent.balance.available,
                checkout_url=self._checkout_url,
            )
        request.publish(tx, _spent(spent, spent.posting_id))
        if spent.has_run_low:
            request.publish(tx, CreditsRanLow(user_id=spent.spend.user_id, balance=spent.balance))
        body = SpentView(transaction_id=spent.posting_id, credits=spent.balance.available)
        return Answer(HTTPStatus.CREATED, body.model_dump_json().encode())


def _spend(tx: Tx, wanted: Wanted) -> ledger.Spend:
    return ledger.Spend(
        user_id=wanted.user_id,
        amount=wanted.amount,
        key=f"spend:{wanted.feature}:{tx.new_id()}",
        description=wanted.reason,
        feature=wanted.feature,
        metadata=wanted.metadata,
    )


def _spent(spent: ledger.Spent, posting_id: UUID) -> CreditsSpent:
    return CreditsSpent(
        user_id=spent.spend.user_id,
        transaction_id=posting_id,
        amount=spent.spend.amount,
        feature=spent.spend.feature,
        balance=spent.balance,
    )
