"""Quotes: what work may cost, offered for a while; and the agreement that a task is made on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select

from shared.contracts.tasks import Terms
from shared.db import Tx
from shared.errors import Conflict, DomainError, NotFound
from shared.sql import among
from tasks import rate_card
from tasks.classification import AgentType, classify
from tasks.models import Quote

KEPT = timedelta(days=1)


class QuoteNotFound(NotFound):
    """There is no such quote of yours; ask for a new one."""

    code = "quote_not_found"


class QuoteExpired(Conflict):
    """The quote is no longer valid; ask for a new one."""

    code = "quote_expired"


class QuoteMismatch(Conflict):
    """The quote was made for other work; ask for a new one."""

    code = "quote_mismatch"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Which kind of agent does the work, on which terms, by which rate card."""

    agent_type: AgentType
    terms: Terms
    rate_card_version: str


def agreement_for(description: str, agent_type: AgentType | None) -> Agreement:
    """Return the present offer for this work, its kind read from the text where none is given."""
    kind = agent_type or classify(description)
    return Agreement(kind, rate_card.terms(kind, description), rate_card.VERSION)


async def make(
    tx: Tx, user_id: UUID, description: str, agent_type: AgentType | None, *, valid_s: int
) -> Quote:
    """Offer terms for this work; the user's quotes that ended long ago are forgotten."""
    now = await tx.now()
    await tx.execute(delete(Quote).where(Quote.user_id == user_id, Quote.valid_until < now - KEPT))
    offer = agreement_for(description, agent_type)
    quote = Quote(
        id=tx.new_id(),
        user_id=user_id,
        description_hash=_hash(description),
        agent_type=offer.agent_type,
        expected=offer.terms.expected,
        maximum=offer.terms.maximum,
        per_unit_milli=offer.terms.per_unit_milli,
        rate_card_version=offer.rate_card_version,
        valid_until=now + timedelta(seconds=valid_s),
    )
    tx.add(quote)
    return quote


@dataclass(frozen=True, slots=True)
class Wanted:
    """The work that a user wants done, on a quote's terms or on today's."""

    user_id: UUID
    description: str
    agent_type: AgentType | None = None
    quote_id: UUID | None = None


async def agreements(tx: Tx, wanted: Sequence[Wanted]) -> list[Agreement | DomainError]:
    """Return the terms for each work, or why its quote does not hold: not the user's, ended, for other work."""
    asked_for = {item.quote_id for item in wanted} - {None}
    rows = await tx.scalars(select(Quote).where(among(Quote.id, asked_for))) if asked_for else ()
    made = {quote.id: quote for quote in rows}
    now = await tx.now()
    return [
        agreement_for(item.description, item.agent_type)
        if item.quote_id is None
        else _offered(made.get(item.quote_id), item, now)
        for item in wanted
    ]


def _offered(quote: Quote | None, wanted: Wanted, now: datetime) -> Agreement | DomainError:
    if quote is None or quote.user_id != wanted.user_id:
        return QuoteNotFound()
    if quote.valid_until <= now:
        return QuoteExpired()
    is_same_work = quote.description_hash == _hash(wanted.description)
    if not is_same_work or wanted.agent_type not in (None, quote.agent_type):
        return QuoteMismatch()
    return Agreement(AgentType(quote.agent_type), quote.terms, quote.rate_card_version)


def _hash(description: str) -> bytes:
    return hashlib.sha256(description.encode()).digest()
