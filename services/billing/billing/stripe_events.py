"""Events from Stripe: stored once as they were sent, with what they led to; those that come together, together.

The same event may come again, also at the same time: what it leads to is harmless to repeat, so that the row
is only the record.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Boolean, DateTime, LargeBinary, Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from billing import checkouts
from billing.checkouts import Said
from billing.models import StripeEvent
from billing.stripe_webhook import EventFrame
from shared.db import Database, Tx
from shared.group_commit import Asked, GroupCommit
from shared.sql import among

STORE = text("""
    INSERT INTO stripe_events (id, type, api_version, livemode, payload, outcome, received_at)
    SELECT id, type, api_version, livemode, payload, outcome, :now
    FROM unnest(:ids, :types, :versions, :modes, :payloads, :outcomes)
        AS event (id, type, api_version, livemode, payload, outcome)
    ORDER BY id ON CONFLICT (id) DO NOTHING RETURNING id
""").bindparams(
    bindparam("ids", type_=ARRAY(Text)),
    bindparam("types", type_=ARRAY(Text)),
    bindparam("versions", type_=ARRAY(Text)),
    bindparam("modes", type_=ARRAY(Boolean)),
    bindparam("payloads", type_=ARRAY(LargeBinary)),
    bindparam("outcomes", type_=ARRAY(Text)),
    bindparam("now", type_=DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A verified event and the bytes it came in."""

    frame: EventFrame
    body: bytes


class StripeInbox:
    """Where webhook requests are stored and answered; any number at once."""

    def __init__(self, database: Database, *, is_live: bool) -> None:
        self._is_live = is_live
        self._group: GroupCommit[Incoming, bool] = GroupCommit(database, self._receive)

    async def receive(self, frame: EventFrame, body: bytes) -> bool:
        """Return once the event and what it led to are committed; tell whether it was new."""
        return await self._group.ask(Incoming(frame, body))

    async def _receive(self, tx: Tx, asked: Sequence[Asked[Incoming]]) -> list[bool]:
        first = {item.question.frame.id: item for item in reversed(asked)}
        known = await tx.scalars(select(StripeEvent.id).where(among(StripeEvent.id, list(first))))
        new = [item for key, item in first.items() if key not in set(known)]
        new.reverse()  # as they came
        outcomes = await self._act(tx, new)
        stored = await _store(tx, [item.question for item in new], outcomes)
        return [
            item.question.frame.id in stored and item is first[item.question.frame.id]
            for item in asked
        ]

    async def _act(self, tx: Tx, asked: Sequence[Asked[Incoming]]) -> list[str]:
        """Apply the events; return what came of each, for the record."""
        outcomes: dict[int, str] = {}
        said: dict[int, Said] = {}
        for place, item in enumerate(asked):
            frame = item.question.frame
            if frame.livemode != self._is_live:
                outcomes[place] = "other mode: no effect"
                continue
            found = checkouts.read(frame)
            if isinstance(found, str):
                outcomes[place] = found
            else:
                said[place] = Said(*found, publish=item.publish)
        applied = await checkouts.apply(tx, list(said.values()))
        outcomes.update(zip(said, applied, strict=True))
        return [outcomes[place] for place in range(len(asked))]


async def _store(tx: Tx, events: Sequence[Incoming], outcomes: Sequence[str]) -> set[str]:
    """Store the events that are not there yet; return their ids."""
    if not events:
        return set()
    frames = [event.frame for event in events]
    rows = {
        "ids": [frame.id for frame in frames],
        "types": [frame.type for frame in frames],
        "versions": [frame.api_version for frame in frames],
        "modes": [frame.livemode for frame in frames],
        "payloads": [event.body for event in events],
        "outcomes": list(outcomes),
        "now": await tx.now(),
    }
    return set((await tx.execute(STORE, rows)).scalars())
