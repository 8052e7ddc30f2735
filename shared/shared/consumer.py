"""From deliveries to handlers: each event's effect once, a failed one parked, a poisonous one alone.

A batch is one transaction: inbox, handlers, outbox. Where it fails, its events are taken one by one, and the
one that fails by itself is parked in the transaction that lets the bus forget it. Deliveries that came back, and
retries, are taken one by one too, with the attempt written down first, so that one which kills its process is found.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeout

from shared import parked
from shared.bus import Delivery
from shared.db import Database, Tx
from shared.events import CannotDecode, Envelope, Message
from shared.handlers import Handlers, Received
from shared.inbox import first_time
from shared.metrics import HANDLER_FAILURES
from shared.tracing import following
from shared.tracing_messages import processing

log = structlog.get_logger()

HANDLING_S_MAX = 60


class Consumer:
    """Receives what arrives in one service's queue."""

    def __init__(self, database: Database, handlers: Handlers) -> None:
        self._database = database
        self._handlers = handlers
        self._counted: set[str] = set()  # attempts that this process has outlived so far

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Return when every delivery has had its effect or is parked; raise when the database is away."""
        fresh = [delivery.message for delivery in deliveries if not delivery.is_redelivered]
        if fresh:
            try:
                await self._take_together(fresh)
            except Exception as flaw:
                if await self._is_outage(flaw):
                    raise
                log.info(
                    "batch_failed",
                    service=self._handlers.service,
                    size=len(fresh),
                    reason=str(flaw),
                )
                for message in fresh:
                    await self._take_alone(message)
        for delivery in deliveries:
            if delivery.is_redelivered:
                await self._take_returned(delivery.message)

    async def retry_once(self) -> bool:
        """Try one parked event that is due, the attempt written down first; tell whether there was one."""
        async with self._database.transaction() as tx:
            begun = await parked.begin_retry(tx, outlived=self._counted)
        if begun is None:
            return False
        row, may_run = begun
        if may_run:
            self._counted.add(row.fingerprint)
            await self._retry(row)
        return True

    async def _retry(self, row: Row[Any]) -> None:
        """Try a parked event again; what fails is parked in a transaction of its own, as the first may be lost."""
        message, failure = Message(row.name, row.headers, bytes(row.body)), None
        try:
            await self._answer_again(row, message)
        except Exception as flaw:
            if await self._is_outage(flaw):
                raise
            failure = flaw
        self._counted.discard(row.fingerprint)
        if failure is not None:
            async with self._database.transaction() as tx:
                if await _is_under_way(tx, row):
                    await self._park(tx, message, failure)

    async def _answer_again(self, row: Row[Any], message: Message) -> None:
        async with asyncio.timeout(HANDLING_S_MAX), self._database.transaction() as tx:
            if await _is_under_way(tx, row):
                with processing(self._handlers.service, [message]) as traced:
                    await self._answer(traced, tx)
                by = row.resolved_by or "retry"
                await parked.resolve(tx, row.id, "done", by=by, resolution="handled")

    async def _take_together(self, messages: Sequence[Message]) -> None:
        with processing(self._handlers.service, messages) as traced:
            async with asyncio.timeout(HANDLING_S_MAX), self._database.transaction() as tx:
                await self._answer(traced, tx)

    async def _take_alone(self, message: Message) -> None:
        try:
            await self._take_together([message])
        except Exception as flaw:
            if await self._is_outage(flaw):
                raise
            async with self._database.transaction() as tx:
                await self._park(tx, message, flaw)

    async def _take_returned(self, message: Message) -> None:
        mark = parked.fingerprint(message)
        if mark not in self._counted:
            async with self._database.transaction() as tx:
                may_run = await parked.begin_attempt(tx, message)
            if not may_run:
                return
            self._counted.add(mark)
        await self._take_alone(message)
        async with self._database.transaction() as tx:
            await parked.end_attempt(tx, message)
        self._counted.discard(mark)

    async def _answer(self, messages: Sequence[Message], tx: Tx) -> None:
        envelopes = [Envelope.from_message(message) for message in messages]
        received = [Received(envelope.open(), envelope) for envelope in envelopes]
        new = await first_time(tx, envelopes)
        fresh = []
        for item in received:
            mark = (item.envelope.source, item.envelope.id)
            if mark in new:
                new.remove(mark)
                fresh.append(item)
        await self._handlers.answer(fresh, tx)

    async def _park(self, tx: Tx, message: Message, flaw: Exception) -> None:
        reason = f"{type(flaw).__name__}: {flaw}"
        known = message.name if message.name in self._handlers.names else "unknown"
        HANDLER_FAILURES.labels(self._handlers.service, known).inc()
        state = await parked.park(tx, message, reason, is_hopeless=isinstance(flaw, CannotDecode))
        with following(message.headers.get("traceparent")):
            log.warning(
                "event_failed",
                service=self._handlers.service,
                name=message.name,
                event_id=message.headers.get("ce-id"),
                state=state,
                reason=reason,
            )

    async def _is_outage(self, flaw: Exception) -> bool:
        """Tell whether the database is away, which is no event's fault: nothing can be parked there now."""
        if not isinstance(flaw, (OSError, TimeoutError, SQLAlchemyTimeout, DBAPIError)):
            return False
        try:
            await self._database.check()
        except Exception:  # noqa: BLE001 - whatever it says, it does not answer
            return True
        return False


async def _is_under_way(tx: Tx, row: Row[Any]) -> bool:
    """Tell, with the event locked, whether its retry is still to be done: nobody has discarded it meanwhile."""
    found = await parked.find(tx, row.id, is_locked=True)
    return bool(found.state == "attempting")
