"""Quotes: what work may cost, offered for a while; and the agreement that a task is made on."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete

from shared.contracts.tasks import Terms
from shared.db import Tx
from shared.errors import Conflict, NotFound
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


async def accept(
    tx: Tx, user_id: UUID, quote_id: UUID, description: str, agent_type: AgentType | None
) -> Agreement:
    """Return what the quote offered; raise where it is not the user's, has ended or is for other work."""
    quote = await tx.get(Quote, quote_id)
    if quote is None or quote.user_id != user_id:
        raise QuoteNotFound
    if quote.valid_until <= await tx.now():
        raise QuoteExpired
    if quote.description_hash != _hash(description) or agent_type not in (None, quote.agent_type):
        raise QuoteMismatch
    return Agreement(AgentType(quote.agent_type), quote.terms, quote.rate_card_version)


def _hash(description: str) -> bytes:
    return hashlib.sha256(description.encode()).digest()
