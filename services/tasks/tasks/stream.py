"""Each user's stream: every change of their tasks and credits, numbered without a gap.

The number is taken under the lock of the user's row in `streams`, in the transaction that makes the change:
whoever has read up to n and asks for `seq > n` can never miss one that commits later.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.db import Tx
from shared.pruning import Aged
from shared.sql import among
from tasks.models import Stream, StreamEvent

READ_MAX = 200
RESUMES_FOR: Final = timedelta(days=7)
"""As long as a session lasts."""
AGED: Final = Aged("stream_events", "created_at", RESUMES_FOR + timedelta(days=1))
"""A day longer: nothing is deleted under a reader who was let go on."""

TAKE_TURN = text("""
    INSERT INTO streams (user_id, last_seq)
    SELECT user_id, 0 FROM unnest(:users) AS user_id ORDER BY user_id
    ON CONFLICT (user_id) DO UPDATE SET last_seq = streams.last_seq
""").bindparams(bindparam("users", type_=ARRAY(Uuid)))

EMIT = text("""
    WITH change AS (
        SELECT user_id, kind, data, place
        FROM unnest(:users, :kinds, :data) WITH ORDINALITY AS change (user_id, kind, data, place)
    ), mine AS (
        SELECT user_id, count(*) AS changes FROM change GROUP BY user_id
    ), head AS (
        INSERT INTO streams (user_id, last_seq) SELECT user_id, changes FROM mine ORDER BY user_id
        ON CONFLICT (user_id) DO UPDATE SET last_seq = streams.last_seq + excluded.last_seq
        RETURNING user_id, last_seq
    )
    INSERT INTO stream_events (user_id, seq, kind, data, created_at)
    SELECT user_id,
        last_seq - changes + row_number() OVER (PARTITION BY user_id ORDER BY place), kind, data, :now
    FROM change JOIN mine USING (user_id) JOIN head USING (user_id)
""").bindparams(
    bindparam("users", type_=ARRAY(Uuid)),
    bindparam("kinds", type_=ARRAY(Text)),
    bindparam("data", type_=ARRAY(JSONB)),
    bindparam("now", type_=DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class Change:
    """What the user's open pages shall hear: `task`, `progress` or `credits`, with its data."""

    user_id: UUID
    kind: str
    data: dict[str, Any]


async def take_turn(tx: Tx, users: Iterable[UUID]) -> None:
    """Wait until nobody else changes anything of these users', and keep others out until the end.

    It comes before every other lock, in one order for all, so that no two transactions wait for each other.
    """
    await tx.execute(TAKE_TURN, {"users": list(set(users))})


async def emit(tx: Tx, *changes: Change) -> None:
    """Add changes to their users' streams under the next numbers."""
    rows = {
        "users": [change.user_id for change in changes],
        "kinds": [change.kind for change in changes],
        "data": [change.data for change in changes],
        "now": await tx.now(),
    }
    if changes:
        await tx.execute(EMIT, rows)


async def read(tx: Tx, user_id: UUID, *, after: int) -> Sequence[StreamEvent]:
    """Return the next changes after this number, oldest first, at most READ_MAX."""
    statement = select(StreamEvent).where(StreamEvent.user_id == user_id, StreamEvent.seq > after)
    return await tx.scalars(statement.order_by(StreamEvent.seq).limit(READ_MAX))


async def can_go_on(tx: Tx, user_id: UUID, *, after: int, head: int) -> bool:
    """Tell whether every change after this number is there to be read, and will be for a day."""
    if after >= head:
        return after == head
    following = (StreamEvent.user_id == user_id, StreamEvent.seq == after + 1)
    changed_at = await tx.scalar(select(StreamEvent.created_at).where(*following))
    return changed_at is not None and changed_at > await tx.now() - RESUMES_FOR


async def head_of(tx: Tx, user_id: UUID) -> int:
    """Return the number of the user's last change, 0 before the first."""
    return (await heads_of(tx, [user_id])).get(user_id, 0)


async def heads_of(tx: Tx, users: Collection[UUID]) -> dict[UUID, int]:
    """Return the number of the last change of each of these users who has one."""
    heads = select(Stream.user_id, Stream.last_seq)
    rows = await tx.execute(heads.where(among(Stream.user_id, users)))
    return {row.user_id: row.last_seq for row in rows}
