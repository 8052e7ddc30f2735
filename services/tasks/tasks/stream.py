"""Each user's stream: every change of their tasks and credits, numbered without a gap.

The number is taken under the lock of the user's row in `streams`, in the transaction that makes the change:
whoever has read up to n and asks for `seq > n` can never miss one that commits later.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, any_, column, func, insert, literal, select, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.db import Tx
from tasks.models import Stream, StreamEvent

READ_MAX = 200


@dataclass(frozen=True, slots=True)
class Change:
    """What the user's open pages shall hear: `task`, `progress` or `credits`, with its data."""

    kind: str
    data: dict[str, Any]


async def take_turn(tx: Tx, users: Iterable[UUID]) -> None:
    """Wait until nobody else changes anything of these users', and keep others out until the end.

    It comes before every other lock, in one order for all, so that no two transactions wait for each other.
    """
    heads = [{"user_id": user_id, "last_seq": 0} for user_id in sorted(set(users))]
    if not heads:
        return
    statement = postgresql.insert(Stream).values(heads)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=[Stream.user_id], set_={"last_seq": Stream.last_seq}
        )
    )


async def emit(tx: Tx, user_id: UUID, *changes: Change) -> None:
    """Add changes to the user's stream under the next numbers."""
    if not changes:
        return
    head = (
        postgresql.insert(Stream)
        .values(user_id=user_id, last_seq=len(changes))
        .on_conflict_do_update(
            index_elements=[Stream.user_id], set_={"last_seq": Stream.last_seq + len(changes)}
        )
        .returning(Stream.user_id, Stream.last_seq)
        .cte("head")
    )
    listed = literal([{"kind": change.kind, "data": change.data} for change in changes], JSONB)
    each = (
        func.jsonb_array_elements(listed)
        .table_valued(column("change", JSONB), with_ordinality="place", name="each")
        .render_derived()
    )
    rows = select(
        head.c.user_id,
        head.c.last_seq - len(changes) + each.c.place,
        each.c.change["kind"].astext,
        each.c.change["data"],
        literal(await tx.now()),
    ).select_from(head.join(each, true()))
    await tx.execute(
        insert(StreamEvent).from_select(["user_id", "seq", "kind", "data", "created_at"], rows)
    )


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
