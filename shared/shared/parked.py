"""Events that failed: retried with back-off from the consumer's own database, then kept for people.

A failed event is written here, with its bytes and the reason, in the transaction that lets the bus forget
it. States: `attempting` (a handler is running it now), `retrying` (due at `retry_at`), `parked` (given up: a
dead letter), `done` and `discarded` (resolved, kept for the record).

An attempt at an event that may be a killer is written down before its handler runs: `deaths` are those after which
nothing more was heard of it.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from shared.db import Tx
from shared.errors import Conflict, NotFound
from shared.events import Message
from shared.tables import parked

ATTEMPTS_MAX = 8
DEATHS_MAX = 3
OPEN = ("attempting", "retrying", "parked")
BACKOFF_S = (1, 2, 5, 15, 60, 300, 900)
RETRY_LEASE = timedelta(minutes=2)  # longer than a handler may take
FINGERPRINT_CHARS_MAX = 500  # an index takes 2,700 bytes at most


def fingerprint(message: Message) -> str:
    """Return what tells a message from others: its source and id, or a hash of all of it where these cannot be."""
    source, event_id = message.headers.get("ce-source"), message.headers.get("ce-id")
    mark = f"{source}/{event_id}"
    if source and event_id and len(mark) <= FINGERPRINT_CHARS_MAX and mark == _storable(mark):
        return mark
    parts = repr((message.name, sorted(message.headers.items()))).encode() + message.body
    return hashlib.sha256(parts).hexdigest()


async def park(tx: Tx, message: Message, reason: str, *, is_hopeless: bool = False) -> str:
    """Write down a failure; return the state the event is in now: `retrying`, or `parked` for good."""
    now = await tx.now()
    row = await _locked(tx, message)
    attempt = (row.attempt if row else 0) + (0 if row and row.state == "attempting" else 1)
    state = "parked" if is_hopeless or attempt >= ATTEMPTS_MAX else "retrying"
    values = {
        "state": state,
        "attempt": attempt,
        "deaths": 0,
        "reason": _storable(reason[:2000]),
        "retry_at": _retry_at(now, attempt) if state == "retrying" else None,
        "last_failed_at": now,
    }
    await _write(tx, message, values)
    return state


async def begin_attempt(tx: Tx, message: Message) -> bool:
    """Count an attempt before its handler runs; False when it shall not run: resolved, or a killer.

    Only deliveries that came back go through here: a message that ends its process leaves this row behind.
    """
    row = await _locked(tx, message)
    if row is not None and row.state in ("parked", "done", "discarded"):
        return False
    return await _begin(tx, message, row, retry_at=None)


async def begin_retry(tx: Tx, *, outlived: Collection[str]) -> tuple[Row[Any], bool] | None:
    """Lease an event whose retry is due and count the attempt; tell whether its handler shall run.

    Of the fingerprints in `outlived` the last attempt was this process's own, and did not end it.
    """
    row = await _due(tx)
    if row is None:
        return None
    message = Message(row.name, row.headers, bytes(row.body))
    retry_at = await tx.now() + RETRY_LEASE
    is_known = row.fingerprint in outlived
    return row, await _begin(tx, message, row, retry_at=retry_at, is_known=is_known)


async def end_attempt(tx: Tx, message: Message) -> None:
    """Forget a counted attempt that went well."""
    mark = parked.c.fingerprint == fingerprint(message)
    is_ours = (parked.c.state == "attempting", parked.c.retry_at.is_(None))  # and not a retry's
    await tx.execute(delete(parked).where(mark, *is_ours))


async def _due(tx: Tx) -> Row[Any] | None:
    """Return an event whose retry is due, or was begun by who is not heard of any more, locked; or None."""
    statement = (
        select(parked)
        .where(parked.c.state.in_(("retrying", "attempting")), parked.c.retry_at <= await tx.now())
        .order_by(parked.c.retry_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await tx.execute(statement)).first()


async def resolve(tx: Tx, parked_id: UUID, state: str, *, by: str, resolution: str) -> None:
    """Close a parked event's story; the row stays for the record."""
    await tx.execute(
        update(parked)
        .where(parked.c.id == parked_id)
        .values(state=state, retry_at=None, resolved_by=by, resolution=resolution)
    )


async def replay(tx: Tx, parked_id: UUID, *, by: str) -> None:
    """Make an event due now, with its attempts counted anew; the inbox keeps the effect once."""
    row = await find(tx, parked_id, is_locked=True)
    if row.state in ("done", "discarded"):
        message = f"This event is {row.state} already."
        raise Conflict(message)
    await tx.execute(
        update(parked)
        .where(parked.c.id == parked_id)
        .values(state="retrying", attempt=0, deaths=0, retry_at=await tx.now(), resolved_by=by)
    )


async def discard(tx: Tx, parked_id: UUID, *, by: str, reason: str) -> None:
    """Give an event up for good, with the reason a person gave."""
    row = await find(tx, parked_id, is_locked=True)
    if row.state in ("done", "discarded"):
        message = f"This event is {row.state} already."
        raise Conflict(message)
    await resolve(tx, parked_id, "discarded", by=by, resolution=reason)


async def find(tx: Tx, parked_id: UUID, *, is_locked: bool = False) -> Row[Any]:
    """Return a parked event; raise NotFound."""
    statement = select(parked).where(parked.c.id == parked_id)
    row = (await tx.execute(statement.with_for_update() if is_locked else statement)).first()
    if row is None:
        raise NotFound
    return row


async def listed(
    tx: Tx, *, states: Sequence[str], limit: int, before: UUID | None
) -> Sequence[Row[Any]]:
    """Return parked events in these states, newest first, older than the given id."""
    statement = select(parked).where(parked.c.state.in_(states)).order_by(parked.c.id.desc())
    if before is not None:
        statement = statement.where(parked.c.id < before)
    return (await tx.execute(statement.limit(limit))).all()


async def counts(tx: Tx) -> dict[str, int]:
    """Return how many events are in each state that is not resolved."""
    statement = select(parked.c.state, func.count().label("waiting")).group_by(parked.c.state)
    rows = (await tx.execute(statement.where(parked.c.state.in_(OPEN)))).all()
    return {str(row.state): int(row.waiting) for row in rows}


async def _begin(
    tx: Tx,
    message: Message,
    row: Row[Any] | None,
    *,
    retry_at: datetime | None,
    is_known: bool = False,
) -> bool:
    now = await tx.now()
    deaths, attempt = (row.deaths, row.attempt) if row else (0, 0)
    if deaths >= DEATHS_MAX and not is_known:
        reason = f"its handler did not return {deaths} times: the process ended"
        values = {"state": "parked", "reason": reason, "retry_at": None, "last_failed_at": now}
        await _write(tx, message, values)
        return False
    one = 0 if is_known else 1
    counted = {"attempt": attempt + one, "deaths": deaths + one}
    begun = {"state": "attempting", "retry_at": retry_at, "last_failed_at": now}
    await _write(tx, message, {**counted, **begun})
    return True


async def _locked(tx: Tx, message: Message) -> Row[Any] | None:
    statement = select(parked).where(parked.c.fingerprint == fingerprint(message))
    return (await tx.execute(statement.with_for_update())).first()


async def _write(tx: Tx, message: Message, values: dict[str, Any]) -> None:
    new = {
        "id": tx.new_id(),
        "fingerprint": fingerprint(message),
        "name": _storable(message.name),
        "headers": {_storable(key): _storable(text) for key, text in message.headers.items()},
        "body": message.body,
        "attempt": 0,
        "reason": "",
        "first_failed_at": values["last_failed_at"],
        **values,
    }
    statement = insert(parked).values(new)
    await tx.execute(
        statement.on_conflict_do_update(index_elements=[parked.c.fingerprint], set_=values)
    )


def _storable(text: str) -> str:
    """Return the text as PostgreSQL can keep it: without NUL and lone surrogates."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _retry_at(now: datetime, attempt: int) -> datetime:
    return now + timedelta(seconds=BACKOFF_S[min(attempt, len(BACKOFF_S)) - 1])
