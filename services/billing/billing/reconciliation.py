"""Reconciliation: what Stripe has is compared with our rows, and what is missing is brought in as if it had been told.

What is new is found in Stripe's lists, and what changed of something old by its events: those that never came are
taken from Stripe's list of them. What an event on its way explains is no difference: what seems to be missing is looked
at again after a moment.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal, NoReturn
from uuid import UUID

import structlog
from sqlalchemy import func, select

from billing import catalogue, differences, matching, shapes, subscriptions, telling
from billing.gateway import Gateway, ShapeT, StripeAway, StripeRefused, StripeUnreadable
from billing.models import Checkout, Invoice, Reconciliation, Subscription
from billing.said import Said
from billing.shapes import Thing
from billing.standing import CURRENT
from billing.stripe_events import StripeInbox
from billing.stripe_webhook import EventFrame
from shared.db import Database, Tx

log = structlog.get_logger()

Scope = Literal["recent", "daily"]
Ask = Callable[[], Awaitable[Thing | None]]

SCOPES: Final[tuple[Scope, ...]] = ("recent", "daily")

OVERLAP: Final = timedelta(minutes=15)
REACH: Final = timedelta(days=35)
REACH_OF_DISPUTES: Final = timedelta(days=180)
BATCH: Final = 50
UNFINISHED_MAX: Final = 100
OPEN_MAX: Final = 200
PATIENCE_S: Final = 20.0
KINDS: Final[Sequence[type[Thing]]] = (
    shapes.Subscription,
    shapes.CheckoutSession,
    shapes.Invoice,
    shapes.Refund,
    shapes.Dispute,
)


@dataclass(slots=True)
class Report:
    """What a comparison has seen so far; `drift` are differences, `repaired` those that are none any more."""

    seen: Counter[str] = field(default_factory=Counter)
    drift: int = 0
    repaired: int = 0
    open: list[str] = field(default_factory=list)

    def brought_in(self, count: int) -> None:
        """Count differences that are none any more."""
        self.drift += count
        self.repaired += count

    def differs(self, sentence: str) -> None:
        """Count a difference that stays, and name it while there is room."""
        if sentence in self.open:  # it was met twice
            return
        self.drift += 1
        if len(self.open) < OPEN_MAX:
            self.open.append(sentence)


class Reconciler:
    """Compares us with Stripe; `patience_s` is how long an event may be on its way."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        inbox: StripeInbox,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._inbox = inbox
        self._patience_s = patience_s

    async def reconcile(self, scope: Scope) -> None:
        """Compare what is recent, or all of the last weeks; write down what came of it."""
        async with self._database.transaction() as tx:
            row = await _begin(tx, scope)
        report = Report()
        try:
            await self._compare(report, row)
        except (StripeAway, StripeRefused) as refusal:
            await self._finish(row.id, report, flaw=refusal.code)
            raise
        await self._finish(row.id, report, flaw=None)

    async def _compare(self, report: Report, row: Reconciliation) -> None:
        await self._compare_catalogue(report)
        for kind in KINDS:
            begin = row.since
            if kind is shapes.Dispute and row.scope == "daily":
                begin = row.since - REACH_OF_DISPUTES + REACH
            everything = kind is shapes.Subscription and row.scope == "daily"
            found = self._gateway.every(
                kind, since=None if everything else begin, odd=report.differs
            )
            await self._compare_all(report, found)
        await self._compare_all(report, self._unfinished(report))
        if row.since > row.began_at - REACH:  # before the first one, nobody was there to be told
            await self._catch_up(report, row.since)
        await self._look_at_overdue_plans()

    async def _compare_catalogue(self, report: Report) -> None:
        found = await catalogue.fetch(self._gateway, differs=report.differs)
        async with self._database.transaction() as tx:
            changes = await catalogue.write(tx, found)
        report.seen["Price"] += len(found.prices)
        report.brought_in(len(changes.added) + len(changes.changed) + len(changes.deactivated))

    async def _compare_all(self, report: Report, objects: AsyncIterator[Thing]) -> None:
        async for batch in _batches(objects):
            await self._compare_batch(report, batch)

    async def _catch_up(self, report: Report, since: datetime) -> None:
        """Take the events that never came. The newest are first, and have a moment to come by themselves."""
        patience_s = self._patience_s
        async for batch in _batches(
            self._gateway.every(EventFrame, since=since, odd=report.differs)
        ):
            report.seen["Event"] += len(batch)
            missing = await self._inbox.unheard(batch)
            if not missing:
                continue
            if patience_s:
                await asyncio.sleep(patience_s)
                patience_s = 0  # what is listed next is older than that
            report.brought_in(await self._inbox.catch_up(missing))

    async def _compare_batch(self, report: Report, things: Sequence[Thing]) -> None:
        """Bring in what is news now and still is after a moment; name what differs then."""
        report.seen.update(type(thing).__name__ for thing in things)
        news = await self._news(things)
        await self._bring_in([thing for thing in things if thing not in news])
        if news and self._patience_s:
            await asyncio.sleep(self._patience_s)
        report.brought_in(await self._bring_in(await self._again(report, news)))
        report.brought_in(await self._settle(things))
        async with self._database.transaction() as tx:
            found = await differences.of(tx, things)
        differing = await self._again(report, [thing for thing in things if thing.id in found])
        async with self._database.transaction() as tx:
            for sentence in (await differences.of(tx, differing)).values():
                report.differs(sentence)

    async def _bring_in(self, things: Sequence[Thing]) -> int:
        """Bring in what things are; return how many were news."""
        async with self._database.transaction() as tx:
            came = await telling.apply(tx, [Said(thing, at=await tx.now()) for thing in things])
        return sum(item.is_news for item in came)

    async def _settle(self, things: Sequence[Thing]) -> int:
        """Take and give back what follows from refunds and disputes, known or new; return of how many payments."""
        back = [item for item in things if isinstance(item, shapes.Refund | shapes.Dispute)]
        intents = {item.payment_intent for item in back if item.payment_intent is not None}
        async with self._database.transaction() as tx:
            return await matching.settle_intents(tx, intents)

    async def _again(self, report: Report, things: Sequence[Thing]) -> list[Thing]:
        """Ask how things are by now: they were listed a while ago, and events may have told of what came after."""
        asking = [partial(self._gateway.again, thing) for thing in things]
        return [thing async for thing in self._found(report, asking)]

    async def _news(self, things: Sequence[Thing]) -> list[Thing]:
        """Return which of them are news, and leave the rows as they are."""
        try:
            async with self._database.transaction() as tx:
                came = await telling.apply(tx, [Said(thing, at=await tx.now()) for thing in things])
                pairs = zip(things, came, strict=True)
                _undo([thing for thing, item in pairs if item.is_news])
        except _Undone as undone:
            return undone.news

    async def _unfinished(self, report: Report) -> AsyncIterator[Thing]:
        """Yield what was not over when we last heard of it, as it is now."""
        async with self._database.transaction() as tx:
            sessions, invoices = await _open_sessions(tx), await _open_invoices(tx)
        asking: list[Ask] = [
            *(partial(self._gateway.checkout_session, name) for name in sessions),
            *(partial(self._gateway.invoice, name) for name in invoices),
        ]
        async for item in self._found(report, asking):
            yield item

    async def _found(self, report: Report, asking: Sequence[Ask]) -> AsyncIterator[Thing]:
        """Ask one after another, and yield what is there."""
        for ask in asking:
            try:
                found = await ask()
            except StripeUnreadable as flaw:
                report.differs(flaw.sentence)
                continue
            if found is not None:
                yield found

    async def _look_at_overdue_plans(self) -> None:
        """Have Stripe asked of plans whose period is over, as far as we know."""
        async with self._database.transaction() as tx:
            overdue = select(Subscription).where(
                Subscription.status.in_(CURRENT),
                Subscription.current_period_end <= await tx.now(),
                Subscription.ask_at.is_(None),
            )
            rows = await tx.scalars(overdue.limit(UNFINISHED_MAX))
            await subscriptions.look_at(tx, {row.id: row.stripe_customer_id for row in rows})

    async def _finish(self, row_id: UUID, report: Report, *, flaw: str | None) -> None:
        async with self._database.transaction() as tx:
            row = await tx.lock(Reconciliation, row_id)
            assert row is not None, "it was begun"
            row.finished_at, row.flaw = await tx.now(), flaw
            row.seen, row.open = dict(report.seen), report.open
            row.drift, row.repaired = report.drift, report.repaired
        log.info("reconciled", drift=report.drift, repaired=report.repaired, open=len(report.open))


async def _batches(objects: AsyncIterator[ShapeT]) -> AsyncIterator[list[ShapeT]]:
    """Yield what comes, so many at once."""
    batch: list[ShapeT] = []
    async for item in objects:
        batch.append(item)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Undone(Exception):
    """What was tried is taken back."""

    def __init__(self, news: list[Thing]) -> None:
        super().__init__()
        self.news = news


def _undo(news: list[Thing]) -> NoReturn:
    raise _Undone(news)


async def latest(tx: Tx, scope: Scope) -> Reconciliation | None:
    """Return the last comparison of a scope that came to its end."""
    done = select(Reconciliation).where(
        Reconciliation.scope == scope,
        Reconciliation.finished_at.is_not(None),
        Reconciliation.flaw.is_(None),
    )
    return await tx.scalar(done.order_by(Reconciliation.id.desc()).limit(1))


async def age_s(tx: Tx) -> float:
    """Return how long ago the last comparison of what is recent began that came to its end, or the first try of all."""
    done = await latest(tx, "recent")
    first = select(func.min(Reconciliation.began_at))
    began_at = done.began_at if done else await tx.scalar(first)
    return (await tx.now() - began_at).total_seconds() if began_at else 0.0


async def listed(tx: Tx, *, limit: int, before: UUID | None) -> Sequence[Reconciliation]:
    """Return comparisons, newest first, older than the given one."""
    statement = select(Reconciliation).order_by(Reconciliation.id.desc())
    if before is not None:
        statement = statement.where(Reconciliation.id < before)
    return await tx.scalars(statement.limit(limit))


async def _begin(tx: Tx, scope: Scope) -> Reconciliation:
    now, before = await tx.now(), await latest(tx, scope)
    since = now - REACH
    if scope == "recent" and before is not None:
        since = before.began_at - OVERLAP
    row = Reconciliation(
        id=tx.new_id(),
        scope=scope,
        since=since,
        began_at=now,
        seen={},
        drift=0,
        repaired=0,
        open=[],
    )
    tx.add(row)
    return row


async def _open_sessions(tx: Tx) -> list[str]:
    """Return the pages that are open or unpaid as far as we know, those first that were asked of longest ago."""
    now = await tx.now()
    is_unfinished = (Checkout.status == "open") | (
        (Checkout.status == "complete") & (Checkout.payment_status == "unpaid")
    )
    statement = select(Checkout).where(
        Checkout.stripe_checkout_session_id.is_not(None),
        is_unfinished,
        Checkout.created_at > now - REACH,
    )
    order = statement.order_by(Checkout.asked_at.asc().nulls_first()).limit(UNFINISHED_MAX)
    rows = await tx.scalars(order.with_for_update(skip_locked=True))
    for row in rows:
        row.asked_at = now
    return [row.stripe_checkout_session_id or "" for row in rows]


async def _open_invoices(tx: Tx) -> list[str]:
    open_ones = select(Invoice.stripe_invoice_id).where(Invoice.status.in_(("draft", "open")))
    return list(await tx.scalars(open_ones.order_by(Invoice.id.desc()).limit(UNFINISHED_MAX)))
