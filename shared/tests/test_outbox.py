"""The outbox and its relay: an event is published if its change was committed, and until it is confirmed."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from shared import outbox as outbox_module
from shared.bus import PublishFailed
from shared.bus_memory import MemoryBus
from shared.contracts.users import UserVerificationRequested
from shared.db import EventTooLarge
from shared.events import Envelope, topology
from shared.outbox import Relay, backlog
from shared.tables import outbox
from shared.testing import eventually


def fact(email="a@example.com"):
    return UserVerificationRequested(user_id=uuid4(), email=email, sealed_token="x")


async def waiting(database):
    async with database.transaction() as tx:
        return (await tx.execute(select(outbox).order_by(outbox.c.id))).all()


class Bus(MemoryBus):
    """A memory bus whose publishing can fail as a broker's does."""

    def __init__(self):
        super().__init__()
        self.published = []
        self.fail = lambda messages: {}

    async def publish(self, messages):
        reasons = self.fail(messages)
        self.published += [m for index, m in enumerate(messages) if index not in reasons]
        if reasons:
            raise PublishFailed(reasons)


@pytest.fixture
async def bus():
    made = Bus()
    await made.declare(topology())
    return made


async def test_what_a_transaction_published_is_committed_with_its_change(database):
    async with database.transaction() as tx:
        await tx.execute(text("INSERT INTO effects VALUES ('a', 1)"))
        tx.publish(fact())

    assert len(await waiting(database)) == 1


async def test_a_transaction_that_fails_publishes_nothing(database):
    async def publish_and_fail():
        async with database.transaction() as tx:
            tx.publish(fact())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await publish_and_fail()

    assert await waiting(database) == []


async def test_a_savepoint_that_fails_takes_its_events_with_it(database):
    async def publish_and_fail(tx):
        async with tx.savepoint():
            tx.publish(fact("dropped@example.com"))
            raise RuntimeError

    async with database.transaction() as tx:
        tx.publish(fact("kept@example.com"))
        with pytest.raises(RuntimeError):
            await publish_and_fail(tx)

    [row] = await waiting(database)
    assert b"kept@" in row.body


async def test_a_savepoint_that_fails_takes_its_callbacks_with_it(database):
    called = []

    async def ask_and_fail(tx):
        async with tx.savepoint():
            tx.after_commit(lambda: called.append("dropped"))
            raise RuntimeError

    async with database.transaction() as tx:
        tx.after_commit(lambda: called.append("kept"))
        with pytest.raises(RuntimeError):
            await ask_and_fail(tx)

    assert called == ["kept"]


async def test_an_event_over_256_kib_is_refused_before_anything_is_committed(database):
    with pytest.raises(EventTooLarge):
        async with database.transaction() as tx:
            tx.publish(fact("x" * 300_000))

    assert await waiting(database) == []


async def test_a_row_leaves_the_outbox_only_after_its_confirm(database, bus):
    async with database.transaction() as tx:
        tx.publish(fact())
    bus.fail = lambda messages: {0: "no confirm"}

    assert await Relay(database, bus).run_once() == 0

    [row] = await waiting(database)
    assert row.attempts == 1
    assert row.retry_at is not None


async def test_what_the_bus_will_not_take_does_not_hold_up_what_is_behind_it(database, bus):
    for index in range(3):
        async with database.transaction() as tx:
            tx.publish(fact(f"{index}@example.com"))
    bus.fail = lambda messages: {i: "no" for i, m in enumerate(messages) if b"0@" in m.body}

    assert await Relay(database, bus).run_once() == 2

    assert [b"0@" in row.body for row in await waiting(database)] == [True]


async def test_an_event_that_failed_is_published_once_the_bus_takes_it(database, bus, monkeypatch):
    async with database.transaction() as tx:
        tx.publish(fact())
    relay = Relay(database, bus)
    bus.fail = lambda messages: {0: "no"}
    await relay.run_once()
    bus.fail = lambda messages: {}

    async def moved():
        return await relay.run_once()

    await eventually(moved)
    assert await waiting(database) == []


async def test_two_relays_share_the_work_and_publish_each_event_once(database, bus):
    for _ in range(20):
        async with database.transaction() as tx:
            for _ in range(10):
                tx.publish(fact())

    async def drain():
        while await Relay(database, bus).run_once():
            pass

    await asyncio.gather(drain(), drain())
    while await Relay(database, bus).run_once():
        pass

    ids = [message.headers["ce-id"] for message in bus.published]
    assert len(ids) == len(set(ids)) == 200


async def test_a_local_commit_wakes_the_relay(database, bus, monkeypatch):
    monkeypatch.setattr(outbox_module, "POLL_S", 3600)
    relay = asyncio.create_task(Relay(database, bus).run())
    await asyncio.sleep(0)

    async with database.transaction() as tx:
        tx.publish(fact())

    async def arrived():
        return bus.published

    await eventually(arrived)
    relay.cancel()


async def test_the_relay_outlives_a_bus_that_is_away(database, bus, monkeypatch):
    monkeypatch.setattr(outbox_module, "POLL_S", 0.01)
    failures = iter([RuntimeError("gone"), RuntimeError("gone")])

    def fail(messages):
        for failure in failures:
            raise failure
        return {}

    bus.fail = fail
    relay = asyncio.create_task(Relay(database, bus).run())
    async with database.transaction() as tx:
        tx.publish(fact())

    async def arrived():
        return bus.published

    await eventually(arrived)
    relay.cancel()


async def test_an_answer_names_its_cause_and_keeps_the_correlation(database):
    cause = database.envelope(fact(), None)

    async with database.transaction(cause=cause) as tx:
        tx.publish(fact())

    [row] = await waiting(database)
    assert row.headers["ce-causationid"] == str(cause.id)
    assert row.headers["ce-correlationid"] == str(cause.correlation_id)


async def test_an_envelope_survives_the_way_through_a_message(database):
    envelope = database.envelope(fact(), database.envelope(fact(), None))

    assert Envelope.from_message(envelope.to_message()) == envelope


async def test_the_backlog_tells_how_many_wait_and_how_long(database):
    async with database.transaction() as tx:
        assert await backlog(tx) == (0, 0.0)
    async with database.transaction() as tx:
        tx.publish(fact())
        tx.publish(fact())

    async with database.transaction() as tx:
        count, age_s = await backlog(tx)
    assert count == 2
    assert age_s >= 0
