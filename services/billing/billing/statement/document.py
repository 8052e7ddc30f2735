"""The document: what a statement says, before it is signed.

Its canonical form is RFC 8785's: JSON without spaces, keys sorted, text as it is. Numbers are whole ones. Who holds
one checks it without us: each line's `hash` is the SHA-256 of the line with `previous` instead of it.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import func, select

from billing import chain
from billing.models import Account, Posting
from shared.db import Tx
from shared.errors import Invalid
from shared.ids import public

FORMAT: Final = "impacter.statement.v1"
LINES_MAX: Final = 10_000
PAPER_LINES_MAX: Final = 1_000
"""So much is made of it in a second or two; more is no document for people."""
Document: TypeAlias = dict[str, Any]


class TooLong(Invalid):
    """There are more lines in this period than a statement takes: ask for a shorter one."""

    code = "statement_too_long"


@dataclass(frozen=True, slots=True)
class Period:
    """What a statement is asked for: from a moment on, up to another."""

    since: datetime
    until: datetime


def canonical(document: Document) -> bytes:
    """Return what is signed."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


async def collect(
    tx: Tx, account: Account, period: Period, *, issuer: str, lines_max: int = LINES_MAX
) -> Document:
    """Return an account's statement of a period, up to now at most; raise TooLong."""
    issued_at = await tx.now()
    first = await _last_line(tx, account, period.since)
    last = await _last_line(tx, account, min(period.until, issued_at))
    if last - first > lines_max:
        raise TooLong(lines=last - first, lines_max=lines_max)
    opening = await _line(tx, account, first)
    postings = await _lines(tx, account, first, last)
    return {
        "format": FORMAT,
        "issuer": issuer,
        "account": public("usr", account.user_id),
        "period": {
            "from": chain.moment(period.since),
            "to": chain.moment(min(period.until, issued_at)),
        },
        "issued_at": chain.moment(issued_at),
        "opening": _state(account, opening),
        "closing": _state(account, postings[-1] if postings else opening),
        "totals": _totals(postings),
        "lines": [chain.shown(posting) for posting in postings],
    }


async def _last_line(tx: Tx, account: Account, before: datetime) -> int:
    """Return the number of the last line that was written before a moment, 0 before the first."""
    is_before = (Posting.account_id == account.id, Posting.created_at < before)
    return await tx.scalar(select(func.max(Posting.line)).where(*is_before)) or 0


async def _line(tx: Tx, account: Account, number: int) -> Posting | None:
    one = (Posting.account_id == account.id, Posting.line == number)
    return await tx.scalar(select(Posting).where(*one))


async def _lines(tx: Tx, account: Account, after: int, last: int) -> Sequence[Posting]:
    those = (Posting.account_id == account.id, Posting.line > after, Posting.line <= last)
    return await tx.scalars(select(Posting).where(*those).order_by(Posting.line))


def _state(account: Account, posting: Posting | None) -> dict[str, Any]:
    """Return how an account stood after a line; before its first the chain begins with whose it is."""
    if posting is None:
        return {"line": 0, "balance": 0, "hash": chain.genesis(account.user_id).hex()}
    return {"line": posting.line, "balance": posting.balance_after, "hash": posting.hash.hex()}


def _totals(postings: Sequence[Posting]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for posting in postings:
        totals[posting.kind] += posting.amount
    return dict(totals)
