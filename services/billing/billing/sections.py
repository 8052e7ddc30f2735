"""The sections of the books: each says what it checks, when it did, and what is not as it should be.

A new section is a function here or elsewhere and a line in `SECTIONS`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from sqlalchemy import func, select

from billing import books, comparison, patrol, reading
from billing.models import Book, Proof
from billing.schemas.books import Section, SectionState
from shared.db import Tx


async def ledger(tx: Tx) -> Section:
    """The ledger's own rules, proved all the time."""
    broken = {rule: count for rule, count in (await patrol.broken(tx)).items() if count}
    checked_at = await tx.scalar(select(func.min(Proof.finished_at)))
    waiting = SectionState.WELL if checked_at else SectionState.WAITING
    held = await reading.open_holds(tx)
    return Section(
        state=SectionState.BROKEN if broken else waiting,
        checked_at=checked_at,
        facts={
            "rules": len(patrol.RULES),
            "proof_age_s": int(await patrol.age_s(tx)),
            "open_holds": held.count,
            "held_credits": held.credits,
        },
        open=[f"{rule}: {count} times" for rule, count in broken.items()],
    )


async def tasks(tx: Tx) -> Section:
    """What tasks saw of each day, against what billing settled."""
    days = await books.closed_days(tx, limit=books.DAYS_LOOKED_AT)
    compared = [book for book in days if book.compared_at is not None]
    differing = [book for book in compared if book.differences]
    is_waiting = len(compared) < len(days)
    waiting = SectionState.WAITING if is_waiting else SectionState.WELL
    return Section(
        state=SectionState.BROKEN if differing else waiting,
        checked_at=max((book.compared_at for book in compared if book.compared_at), default=None),
        facts={
            "last_day": compared[0].day.isoformat() if compared else None,
            "days_waiting": len(days) - len(compared),
        },
        open=[_difference(book) for book in differing],
    )


SECTIONS: Final[Mapping[str, Callable[[Tx], Awaitable[Section]]]] = {
    "ledger": ledger,
    "tasks": tasks,
    "stripe": comparison.section,
}


def _difference(book: Book) -> str:
    parts = (f"{name} {by:+,}" for name, by in book.differences.items())
    return f"{book.day.isoformat()}: tasks counts {', '.join(parts)}"
