"""Faults planted into the product, to prove that the simulation finds them.

Where the product has two guards, one of them alone breaks nothing: such a fault takes both away.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

from sqlalchemy import delete, text

import shared.http
from agent_runner import runs
from agent_runner.delivery import Store
from agent_runner.models import Run
from agent_runner.runs import Ending
from billing import checkouts, ledger, payments, plans, revocations, telling
from billing.ledger import holds
from billing.reconciliation import Reconciler
from billing.stripe_events import StripeInbox
from billing.stripe_gateway import StripeGateway
from notifier import messages
from shared import consumer, outbox
from shared.consumer import Consumer
from shared.db import Tx
from tests.simulation.connection import SimulatedConnection

Change = tuple[Any, str, Any]
Plant = Callable[[], list[Change]]
MUTANTS: dict[str, Plant] = {}
WORLDS: dict[str, tuple[int, str]] = {}


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """Plant the fault of this name for the length of the block, or none."""
    changes = MUTANTS[name]() if name else []
    patches = [mock.patch.object(place, attribute, new) for place, attribute, new in changes]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def mutant(*, seed: int, mix: str = "work") -> Callable[[Plant], Plant]:
    """Know a fault by the name of the function that plants it, and a world that finds it: a seed of a mix."""

    def enter(plant: Plant) -> Plant:
        MUTANTS[plant.__name__], WORLDS[plant.__name__] = plant, (seed, mix)
        return plant

    return enter


def sql(pattern: str, replacement: str) -> Change:
    """Change the text of every statement that fits."""
    original = SimulatedConnection.prepare

    async def prepare(self: SimulatedConnection, text: str, **options: Any) -> Any:
        return await original(self, re.sub(pattern, replacement, text, flags=re.DOTALL), **options)

    return (SimulatedConnection, "prepare", prepare)


@mutant(seed=7)
def forgotten_before_the_confirm() -> list[Change]:
    """The relay deletes its rows, and publishes them then."""

    async def run_once(self: outbox.Relay) -> int:
        async with self._database.transaction() as tx:
            rows = await outbox._take(tx)
            ids = [row.id for row in rows]
            await tx.execute(delete(outbox.outbox).where(outbox.outbox.c.id.in_(ids)))
        if rows:
            await self._publish(rows)
        return len(rows)

    return [(outbox.Relay, "run_once", run_once)]


@mutant(seed=11)
def acknowledged_before_the_commit() -> list[Change]:
    """The consumer says that it is done when it begins."""
    original, begun = Consumer.receive, set[asyncio.Task[None]]()

    async def receive(self: Consumer, deliveries: Any) -> None:
        begun.add(asyncio.create_task(original(self, deliveries)))

    return [(Consumer, "receive", receive)]


@mutant(seed=4)
def payments_known_by_event_id_only() -> list[Change]:
    """Two events about one Checkout Session are two payments."""
    original = telling.read

    def read(event: Any, *rest: Any) -> Any:
        found = original(event, *rest)
        if isinstance(found, str):
            return found
        other = found.object.model_copy(update={"id": f"{found.object.id}/{event.id}"})
        return replace(found, object=other)

    return [(telling, "read", read)]


@mutant(seed=75)
def spending_without_a_lock() -> list[Change]:
    """Balances are read and written back, and nobody else is kept from it."""
    return [sql(r"(FROM accounts.*?)\s*FOR NO KEY UPDATE", r"\1")]


@mutant(seed=6)
def late_attempts_are_heard() -> list[Change]:
    """Whoever once held the lease may end the run, even if it has ended."""
    original = runs.end

    async def end(tx: Tx, run: Run, ending: Ending) -> None:
        run.state = runs.RunState.RUNNING
        await original(tx, run, ending)

    return [(runs, "_held", lambda lease: (Run.task_id == lease.task_id,)), (runs, "end", end)]


@mutant(seed=15)
def grants_without_a_key() -> list[Change]:
    """A payment is granted as often as somebody says whose it is, also in an event that comes again."""
    original, count = payments._grant, iter(range(10**9))

    def grant(*args: Any) -> ledger.Grant:
        made = original(*args)
        return replace(made, key=f"{made.key}:{next(count)}")

    is_paid = r"(FROM payments\s+WHERE .*?)AND status = 'paid'"
    return [(payments, "_grant", grant), sql(is_paid, r"\1"), *_without_inbox()]


@mutant(seed=2)
def failed_work_is_charged() -> list[Change]:
    """A hold is captured however the task ended."""
    original = holds._cost

    def cost(hold: Any, settlement: ledger.Settlement) -> int:
        delivered = ledger.Settlement(
            task_id=settlement.task_id,
            is_delivered=True,
            units_used=settlement.units_used,
            description=settlement.description,
        )
        return original(hold, delivered)

    return [(holds, "_cost", cost)]


@mutant(seed=1)
def holds_end_again() -> list[Change]:
    """An event that comes again acts again, and a hold that has ended is settled once more."""
    return [sql(r"(?:holds\.)?settled_at IS NULL", "true"), *_without_inbox()]


@mutant(seed=15)
def keys_of_requests_are_ignored() -> list[Change]:
    """A request that is repeated does its work again."""
    return [(shared.http.OnceOnly, "mark", lambda *_: None)]


@mutant(seed=18)
def tombstones_are_not_read() -> list[Change]:
    """A task that was cancelled before its credits were held runs all the same."""
    original = Tx.get

    async def get(self: Tx, model: Any, key: object) -> Any:
        return None if model.__name__ == "Tombstone" else await original(self, model, key)

    return [(Tx, "get", get)]


@mutant(seed=3)
def published_beside_the_transaction() -> list[Change]:
    """What happened is committed, and then told in a transaction of its own."""
    original = Tx._finish

    async def finish(self: Tx) -> None:
        told, self._outgoing = self._outgoing, []
        await original(self)
        if told:
            async with self._database.transaction() as tx:
                tx._outgoing = told

    return [(Tx, "_finish", finish)]


@mutant(seed=13)
def mails_without_a_cause() -> list[Change]:
    """An event that comes again acts again, and its mail is written down again."""
    original, count, seen = messages.queue, iter(range(10**9)), set[str]()

    async def queue(tx: Tx, template: str, user_id: Any, *, cause: str, **rest: Any) -> bool:
        again = f":{next(count)}" if cause in seen else ""
        seen.add(cause)
        return await original(tx, template, user_id, cause=cause + again, **rest)

    return [(messages, "queue", queue), *_without_inbox()]


@mutant(seed=3)
def answered_before_the_commit() -> list[Change]:
    """Stripe is told 200 before its event is stored."""
    original, begun = StripeInbox.receive, set[asyncio.Task[bool]]()

    async def receive(self: StripeInbox, body: bytes, signature: str | None) -> bool:
        begun.add(asyncio.create_task(original(self, body, signature)))
        return True

    return [(StripeInbox, "receive", receive)]


@mutant(seed=1)
def files_are_promised_and_not_stored() -> list[Change]:
    """A file that the store would not take is delivered all the same."""
    original = Store.keep

    async def keep(self: Store, *args: Any, **rest: Any) -> Any:
        put = self._blobs

        class Careless:
            async def put(self, *args: Any) -> None:
                try:
                    await put.put(*args)
                except OSError:
                    return

        self._blobs = Careless()  # type: ignore[assignment]
        try:
            return await original(self, *args, **rest)
        finally:
            self._blobs = put

    return [(Store, "keep", keep)]


@mutant(seed=7, mix="all")
def refunds_count_twice() -> list[Change]:
    """What a charge says went back in all is added to the refunds that it consists of."""
    in_all = "+ (SELECT coalesce(sum(refunded_cents), 0) FROM charges WHERE payment_id = p.id)"
    return [_returned("AS refunded,", f"{in_all} AS refunded,")]


@mutant(seed=38, mix="all")
def disputes_that_are_won_are_lost() -> list[Change]:
    """What a dispute took is not given back when it is won."""
    return [(revocations, "TAKING", [*revocations.TAKING, "won"])]


@mutant(seed=112, mix="all")
def a_second_click_opens_a_second_page() -> list[Change]:
    """Stripe is asked for a page without saying that it is the same one."""
    original, count = StripeGateway.open_checkout, iter(range(10**9))

    async def open_checkout(self: StripeGateway, order: Any) -> Any:
        return await original(self, replace(order, key=f"{order.key}:{next(count)}"))

    return [(StripeGateway, "open_checkout", open_checkout)]


@mutant(seed=1, mix="all")
def periods_are_not_told_apart() -> list[Change]:
    """A plan's credits are granted once for the plan, not once for each of its periods."""
    original = plans.parts_of

    def parts_of(*args: Any) -> list[plans.Part]:
        return [replace(part, key=part.key.rpartition(":")[0]) for part in original(*args)]

    return [(plans, "parts_of", parts_of)]


@mutant(seed=1, mix="all")
def comparing_brings_nothing_in() -> list[Change]:
    """What Stripe has and we have not is looked at, and left where it is."""
    return [(Reconciler, "_compare_batch", _nothing)]


@mutant(seed=17, mix="all")
def money_on_its_way_is_there() -> list[Change]:
    """A page that was completed is paid, whether or not the money has arrived."""
    return [(checkouts, "PAID", {*checkouts.PAID, "unpaid"})]


async def _nothing(*_: object) -> None:
    """What should have been done is not."""


def _returned(words: str, others: str) -> Change:
    """Change how is counted what went back of payments; `words` have to be there."""
    before, after = str(revocations.RETURNED).split(words)
    return (revocations, "RETURNED", text(f"{before}{others}{after}"))


def _without_inbox() -> list[Change]:
    original = consumer.first_time

    async def first_time(tx: Tx, envelopes: Any) -> set[Any]:
        await original(tx, envelopes)
        return {(envelope.source, envelope.id) for envelope in envelopes}

    return [(consumer, "first_time", first_time)]
