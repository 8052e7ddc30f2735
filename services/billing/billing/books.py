"""The books of each UTC day: closed once after midnight, compared with what others saw, proved by the walk after it.

The ledger's own rules are proved all the time (`patrol`). A day's books say more: that tasks saw the same holds end,
and that all of the ledger, that day included, was found without a flaw.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import func, select, text

from billing import patrol
from billing.models import Book, Proof
from shared.clock import first_id
from shared.contracts.books import BooksClosed, BooksCompared, BooksProved, Finding
from shared.db import Tx
from shared.errors import NotFound

log = structlog.get_logger()

DAY: Final = timedelta(days=1)
CLOSE_AFTER: Final = timedelta(minutes=5)
"""Longer than any transaction lasts that began on the day."""
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""How long to wait for events on their way before it is asked again; then a difference counts."""
CLOCKS_APART: Final = timedelta(hours=1)
DAYS_LOOKED_AT: Final = 35
"""As far back a difference is still news."""
COUNTS: Final = ("settled_count", "captured", "released")

# Tasks sums up what it saw in the same way: the same holds, ended in the same way, are the same fingerprint.
COUNTED = text("""
    SELECT count(*) AS settled_count, coalesce(sum(captured), 0)::bigint AS captured,
           coalesce(sum(released), 0)::bigint AS released,
           coalesce(sum(('x' || left(md5(id::text || ' ' || captured || ' ' || released), 15))
                        ::bit(60)::bigint), 0)::text AS fingerprint
    FROM holds WHERE settled_at >= :since AND settled_at < :until
""")
MOVED = text("""
    SELECT kind, sum(amount)::bigint AS amount FROM postings
    WHERE id >= :first AND id < :last AND created_at >= :since AND created_at < :until
    GROUP BY kind
""")


async def step(tx: Tx) -> bool:
    """Do the next thing that is due for any day; tell whether there was one."""
    return await _close_next(tx) or await _ask_again(tx) or await _note_proved(tx)


async def hear(tx: Tx, answer: BooksCompared) -> None:
    """Note what tasks counted of a day; where it differs ask again later, and in the end let it count."""
    book = await tx.lock(Book, answer.day)
    if book is None or book.compared_at is not None or answer.attempt != book.asked_count:
        return
    book.differences = {} if answer.matches else _differences(book, answer)
    if answer.matches or book.asked_count > len(PAUSES):
        book.compared_at, book.ask_at = await tx.now(), None
    else:
        book.ask_at = await tx.now() + PAUSES[book.asked_count - 1]
    if book.compared_at is not None and book.differences:
        log.error("books_differ", day=book.day.isoformat(), differences=book.differences)
    _tell_if_proved(tx, book)


async def compare_again(tx: Tx, day: date) -> Book:
    """Have a day compared anew, after people have found where it differed; raise NotFound."""
    book = await tx.lock(Book, day)
    if book is None or not book.asked_count:
        message = "The books of this day are not closed."
        raise NotFound(message)
    book.compared_at, book.ask_at = None, await tx.now()
    return book


async def closed_days(tx: Tx, *, limit: int, before: date | None = None) -> Sequence[Book]:
    """Return the days that are closed, the latest first, before the given one."""
    statement = select(Book).where(Book.asked_count > 0).order_by(Book.day.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Book.day < before)
    return await tx.scalars(statement)


async def latest_proved(tx: Tx) -> Book | None:
    """Return the latest day that was closed, compared and proved."""
    is_done = (Book.asked_count > 0, Book.compared_at.is_not(None), Book.proved_at.is_not(None))
    return await tx.scalar(select(Book).where(*is_done).order_by(Book.day.desc()).limit(1))


def midnight(day: date) -> datetime:
    """Return when a UTC day begins."""
    return datetime.combine(day, time(), UTC)


async def _close_next(tx: Tx) -> bool:
    """Close the day after the last one that is closed, if it is over; whichever replica is first."""
    last, now = await tx.scalar(select(func.max(Book.day))), await tx.now()
    assert last is not None, "the migration wrote down where the books begin"
    day = last + DAY
    if now < midnight(day + DAY) + CLOSE_AFTER:
        return False
    counted = await _counted(tx, day)
    if await tx.insert_once(Book, day=day, closed_at=now, asked_count=1, **counted):
        tx.publish(_question(day, 1, counted))
    return True


async def _counted(tx: Tx, day: date) -> dict[str, Any]:
    since, until = midnight(day), midnight(day + DAY)
    period = {"since": since, "until": until}
    row = (await tx.execute(COUNTED, period)).one()
    ids = {"first": first_id(since - CLOCKS_APART), "last": first_id(until + CLOCKS_APART)}
    moved = {line.kind: line.amount for line in await tx.execute(MOVED, {**period, **ids})}
    names = (*COUNTS, "fingerprint")
    return {**{name: getattr(row, name) for name in names}, "moved": moved}


async def _ask_again(tx: Tx) -> bool:
    due = select(Book).where(Book.ask_at <= await tx.now()).order_by(Book.ask_at).limit(1)
    book = await tx.scalar(due.with_for_update(skip_locked=True))
    if book is None:
        return False
    book.asked_count, book.ask_at = book.asked_count + 1, None
    counted = {name: getattr(book, name) for name in (*COUNTS, "fingerprint")}
    tx.publish(_question(book.day, book.asked_count, counted))
    return True


async def _note_proved(tx: Tx) -> bool:
    """Note of days that were closed before every table was walked through what that walk found."""
    walks = await tx.scalars(select(Proof))
    moments = [walk.covers_at for walk in walks if walk.covers_at is not None]
    if not walks or len(moments) < len(walks):
        return False
    is_covered = Book.day < min(moments).astimezone(UTC).date()
    unproved = select(Book).where(Book.proved_at.is_(None), is_covered).order_by(Book.day).limit(1)
    book = await tx.scalar(unproved.with_for_update(skip_locked=True))
    if book is None:
        return False
    book.proved_at = await tx.now()
    book.broken = {rule: count for rule, count in (await patrol.broken(tx)).items() if count}
    _tell_if_proved(tx, book)
    return True


def _tell_if_proved(tx: Tx, book: Book) -> None:
    """Publish what was found of a day once it is both compared and walked through."""
    if book.compared_at is None or book.proved_at is None:
        return
    proved = BooksProved(
        day=book.day,
        attempt=book.asked_count,
        balanced=book.is_balanced,
        differences=_findings(book.differences),
        broken=_findings(book.broken),
    )
    tx.publish(proved)


def _findings(found: Mapping[str, int]) -> tuple[Finding, ...]:
    return tuple(Finding(what=what, by=by) for what, by in found.items())


def _question(day: date, attempt: int, counted: Mapping[str, Any]) -> BooksClosed:
    fields = {name: counted[name] for name in (*COUNTS, "fingerprint")}
    return BooksClosed(day=day, attempt=attempt, **fields)


def _differences(book: Book, answer: BooksCompared) -> dict[str, int]:
    """Return by how much tasks counted more; the same sums of other holds differ too."""
    more = {name: getattr(answer, name) - getattr(book, name) for name in COUNTS}
    return {name: by for name, by in more.items() if by} or {"other_holds": 1}
