"""The inbox: ids of events a service has already acted upon."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import literal_column
from sqlalchemy.dialects.postgresql import insert

from shared.db import Tx
from shared.events import Envelope
from shared.tables import inbox


async def first_time(tx: Tx, envelopes: Sequence[Envelope]) -> set[tuple[str, UUID]]:
    """Remember the envelopes; return (source, id) of those that were never seen before.

    The path of a duplicate writes too (it counts `seen`): its acknowledgement must not rest on a row that a
    failed-over database never had.
    """
    if not envelopes:
        return set()
    now = await tx.now()
    rows = {
        (envelope.source, envelope.id): {
            "event_id": envelope.id,
            "source": envelope.source,
            "name": envelope.name,
            "first_seen_at": now,
        }
        for envelope in envelopes
    }
    ordered = sorted(rows.values(), key=lambda row: (row["event_id"], row["source"]))
    statement = insert(inbox).values(ordered)
    statement = statement.on_conflict_do_update(
        index_elements=[inbox.c.event_id, inbox.c.source], set_={"seen": inbox.c.seen + 1}
    )
    result = await tx.execute(
        statement.returning(
            inbox.c.source, inbox.c.event_id, literal_column("xmax = 0").label("new")
        )
    )
    return {(row.source, row.event_id) for row in result if row.new}
