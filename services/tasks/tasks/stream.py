"""Each user's stream: every change of their tasks and credits, numbered without a gap.

The number is taken under the lock of the user's row in `streams`, in the transaction that makes the change:
whoever has read up to n and asks for `seq > n` can never miss one that commits later.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Uuid, any_, bindparam, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.db import Tx
from tasks.models import Stream, StreamEvent

READ_MAX = 200

TAKE_TURN = text("""
    INSERT INTO streams (user_id, last_seq)
    SELECT user_id, 0 FROM unnest(:users) AS user_id ORDER BY user_id
    ON CONFLICT (user_id) DO UPDATE SET last_seq = streams.last_seq
""").bindparams(bindparam("users", type_=ARRAY(Uuid)))

EMIT = text("""
    WITH head AS (
        INSERT INTO streams (user_id, last_seq) VALUES (:user_id, :count)
        ON CONFLICT (user_id) DO UPDATE SET last_seq = streams.last_seq + :count
        RETURNING user_id, last_seq
    )
    INSERT INTO stream_events (user_id, seq, kind, data, created_at)
    SELECT user_id, last_seq - :count + place, change ->> 'kind', change -> 'data', :now
    FROM head, jsonb_array_elements(:changes) WITH ORDINALITY AS each (change, place)
""").bindparams(
    bindparam("user_id", type_=Uuid),
    bindparam("count", type_=BigInteger),
    bindparam("changes", type_=JSONB),
    bindparam("now", type_=DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class Change:
    """What the user's open pages shall hear: `task`, `progress` or `credits`, with its data."""

    kind: str
    data: dict[str, Any]


async def take_turn(tx: Tx, users: Iterable[UUID]) -> None:
    """Wait until nobody else changes anything of these users', and keep others out until the end.

    It comes before every other lock, in one order for all, so that no two transactions wait for each other.
    """
    await tx.execute(TAKE_TURN, {"users": list(set(users))})


async def emit(tx: Tx, user_id: UUID, *changes: Change) -> None:
    """Add changes to the user's stream under the next numbers."""
    if changes:
        listed = [{"kind": change.kind, "data": change.data} for change in changes]
        row = {"user_id": user_id, "count": len(changes), "changes": listed, "now": await tx.now()}
        await tx.execute(EMIT, row)


async def read(tx: Tx, user_id: UUID, *, after: int) -> Sequence[StreamEvent]:
    """Return the next changes after this number, oldest first, at most READ_MAX."""
    statement = select(StreamEvent).where(StreamEvent.user_id == user_id, StreamEvent.seq > after)
    return await tx.scalars(statement.order_by(StreamEvent.seq).limit(READ_MAX))


async def head_of(tx: Tx, user_id: UUID) -> int:
    """Return the number of the user's last change, 0 before the first."""
    return (await heads_of(tx, [user_id])).get(user_id, 0)


async def heads_of(tx: Tx, users: Collection[UUID]) -> dict[UUID, int]:
    """Return the number of the last change of each of these users who has one."""
    one_of_them = Stream.user_id == any_(literal(list(users), ARRAY(Uuid)))
    rows = await tx.execute(select(Stream.user_id, Stream.last_seq).where(one_of_them))
    return {row.user_id: row.last_seq for row in rows}
