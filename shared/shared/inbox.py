"""The inbox: ids of events a service has already acted upon."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from shared.db import Tx
from shared.events import Envelope

# A duplicate writes too: its acknowledgement must not rest on a row that a failed-over database never had.
REMEMBER = text("""
    INSERT INTO inbox (event_id, source, name, first_seen_at)
    SELECT event_id, source, name, coalesce(:now, now())
    FROM unnest(:ids, :sources, :names) AS event (event_id, source, name)
    ORDER BY event_id, source
    ON CONFLICT (event_id, source) DO UPDATE SET seen = inbox.seen + 1
    RETURNING source, event_id, xmax = 0 AS is_new, coalesce(:now, now()) AS now
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("sources", type_=ARRAY(Text)),
    bindparam("names", type_=ARRAY(Text)),
    bindparam("now", type_=DateTime(timezone=True)),
)


async def first_time(tx: Tx, envelopes: Sequence[Envelope]) -> set[tuple[str, UUID]]:
    """Remember the envelopes; return (source, id) of those that were never seen before."""
    if not envelopes:
        return set()
    events = {(envelope.source, envelope.id): envelope for envelope in envelopes}.values()
    rows = {
        "ids": [event.id for event in events],
        "sources": [event.source for event in events],
        "names": [event.name for event in events],
        "now": tx.now_if_known,
    }
    found = (await tx.execute(REMEMBER, rows)).all()
    tx.learn_now(found[0].now)
    return {(row.source, row.event_id) for row in found if row.is_new}
