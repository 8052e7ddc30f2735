"""Events from Stripe: stored once as they were sent, with what they led to; those that come together, together.

The same event may come again, also at the same time: what it leads to is harmless to repeat, so that the row
is only the record.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Boolean, DateTime, LargeBinary, Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from billing import telling
from billing.models import PaymentStatus
from billing.said import Came, Said
from billing.shapes import Subscription
from billing.stripe_webhook import EventFrame, verify
from shared.clock import Clock
from shared.db import Database, Tx
from shared.group_commit import Asked, GroupCommit
from shared.tracing import step

ARRIVED: Final = f"payment {PaymentStatus.ARRIVED}"
NEW = text("""
    SELECT name, coalesce(:now, now()) AS now FROM unnest(:names) AS name
    WHERE NOT EXISTS (SELECT FROM stripe_events WHERE id = name)
""").bindparams(
    bindparam("names", type_=ARRAY(Text)), bindparam("now", type_=DateTime(timezone=True))
)
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
    """Where webhook requests are verified, stored and answered; any number at once.

    `on_arrival` is called where money arrived, and Stripe has to be asked what for; `on_plan` where it told of a
    subscription, and has to be asked how it is.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        secrets: Sequence[str],
        is_live: bool,
        on_arrival: Callable[[], None],
        on_plan: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._secrets = secrets
        self._is_live = is_live
        self._on_arrival = on_arrival
        self._on_plan = on_plan
        self._group: GroupCommit[Incoming, bool] = GroupCommit(database, self._receive)

    async def receive(self, body: bytes, signature: str | None) -> bool:
        """Return once the event and what it led to are committed; tell whether it was new.

        Raises BadSignature or BadPayload for what is not an event that Stripe signed.
        """
        with step("verify stripe event", service="billing") as verified:
            frame = verify(body, signature, self._secrets, self._clock.now())
            verified.set_attribute("stripe.event.type", frame.type)
        return await self._group.ask(Incoming(frame, body))

    async def unheard(self, events: Sequence[EventFrame]) -> list[EventFrame]:
        """Return those of the events that have not come yet."""
        async with self._database.transaction() as tx:
            return await _unheard(tx, events)

    async def catch_up(self, events: Sequence[EventFrame]) -> int:
        """Take events that Stripe has as if they had come; return of how many objects they told news.

        Those that come meanwhile, or later, are known and change nothing.
        """
        async with self._database.transaction() as tx:
            found = await _unheard(tx, events)
            asked = [Asked(Incoming(frame, _body(frame))) for frame in found]
            came = await self._act(tx, asked)
            await _store(tx, [item.question for item in asked], came)
        told = zip(found, came, strict=True)
        return len({event.data["object"]["id"] for event, item in told if item.is_news})

    async def _receive(self, tx: Tx, asked: Sequence[Asked[Incoming]]) -> list[bool]:
        first = {item.question.frame.id: item for item in reversed(asked)}
        unknown = await _unknown(tx, list(first))
        new = [item for key, item in first.items() if key in unknown]
        new.reverse()  # as they came
        came = await self._act(tx, new)
        stored = await _store(tx, [item.question for item in new], came)
        return [
            item.question.frame.id in stored and item is first[item.question.frame.id]
            for item in asked
        ]

    async def _act(self, tx: Tx, asked: Sequence[Asked[Incoming]]) -> list[Came]:
        """Apply the events; return what came of each."""
        read = [self._read(item) for item in asked]
        said = [item for item in read if isinstance(item, Said)]
        of_said = iter(await telling.apply(tx, said) if said else [])
        came = [Came(item) if isinstance(item, str) else next(of_said) for item in read]
        if any(item.of_it == ARRIVED for item in came):
            tx.after_commit(self._on_arrival)
        if any(isinstance(item.object, Subscription) for item in said):
            tx.after_commit(self._on_plan)
        return came

    def _read(self, item: Asked[Incoming]) -> Said[Any] | str:
        frame = item.question.frame
        if frame.livemode != self._is_live:
            return "other mode: no effect"
        return telling.read(frame, item.context)


def _body(frame: EventFrame) -> bytes:
    """Return an event as it is sent, where decimal numbers are text."""
    return json.dumps(frame.model_dump(), default=str).encode()


async def _unheard(tx: Tx, events: Sequence[EventFrame]) -> list[EventFrame]:
    unknown = await _unknown(tx, [event.id for event in events])
    return [event for event in events if event.id in unknown]


async def _unknown(tx: Tx, names: Sequence[str]) -> set[str]:
    """Return the ids of which no event is stored."""
    found = (await tx.execute(NEW, {"names": names, "now": tx.now_if_known})).all()
    if found:
        tx.learn_now(found[0].now)
    return {row.name for row in found}


async def _store(tx: Tx, events: Sequence[Incoming], came: Sequence[Came]) -> set[str]:
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
        "outcomes": [item.of_it for item in came],
        "now": await tx.now(),
    }
    return set((await tx.execute(STORE, rows)).scalars())
