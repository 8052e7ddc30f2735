"""From deliveries to effects: once each, failures parked, poison alone, nothing lost while a database is away."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text

from shared import parked
from shared.bus import Delivery
from shared.consumer import Consumer
from shared.contracts.users import UserPasswordResetRequested, UserVerificationRequested
from shared.db import Database
from shared.errors import Conflict
from shared.events import Message
from shared.handlers import Handlers

COUNT = text(
    "INSERT INTO effects VALUES (:id, 1) ON CONFLICT (id) DO UPDATE SET count = effects.count + 1"
)


class Flaw(Exception):
    """What a handler fails with here."""


def fact(email):
    return UserVerificationRequested(user_id=uuid4(), email=email, sealed_token="x")


@pytest.fixture
def handlers():
    made = Handlers("notifier")

    @made.on(UserVerificationRequested)
    async def count(event, tx):
        await tx.execute(COUNT, {"id": event.email})
        if event.email.startswith("bad"):
            raise Flaw("it is bad")

    return made


@pytest.fixture
def consumer(database, handlers):
    return Consumer(database, handlers)


def messages(database, *emails):
    return [database.envelope(fact(email), None).to_message() for email in emails]


async def receive(consumer, sent, **options):
    await consumer.receive([Delivery(message, **options) for message in sent])


async def effects(database):
    async with database.transaction() as tx:
        return {row.id: row.count for row in await tx.execute(text("SELECT * FROM effects"))}


async def rows(database):
    async with database.transaction() as tx:
        return (await tx.execute(text("SELECT * FROM parked ORDER BY first_failed_at"))).all()


async def make_due(database):
    async with database.transaction() as tx:
        await tx.execute(
            text(
                "UPDATE parked SET retry_at = now() - interval '1 second'"
                " WHERE retry_at IS NOT NULL"
            )
        )


async def test_an_event_has_its_effect_once_however_often_it_comes(database, consumer):
    sent = messages(database, "a")

    await receive(consumer, sent * 3)
    await receive(consumer, sent)
    await receive(consumer, sent, is_redelivered=True)

    assert await effects(database) == {"a": 1}


async def test_five_deliveries_at_once_on_five_consumers_count_once(database, handlers):
    sent = messages(database, "a")

    await asyncio.gather(*(receive(Consumer(database, handlers), sent) for _ in range(5)))

    assert await effects(database) == {"a": 1}


async def test_the_path_of_a_duplicate_commits_a_write_too(database, consumer):
    sent = messages(database, "a")

    await receive(consumer, sent)
    await receive(consumer, sent)

    async with database.transaction() as tx:
        assert (await tx.execute(text("SELECT seen FROM inbox"))).scalar_one() == 2


async def test_a_failing_event_costs_its_neighbours_nothing(database, consumer):
    await receive(consumer, messages(database, "a", "bad", "b"))

    assert await effects(database) == {"a": 1, "b": 1}
    [row] = await rows(database)
    assert (row.state, row.attempt, row.reason) == ("retrying", 1, "Flaw: it is bad")


async def test_a_parked_event_is_retried_when_due_and_not_before(database, consumer, handlers):
    await receive(consumer, messages(database, "bad"))
    assert not await consumer.retry_once()

    await make_due(database)
    assert await consumer.retry_once()

    [row] = await rows(database)
    assert (row.state, row.attempt) == ("retrying", 2)
    assert await effects(database) == {}


async def test_after_the_last_attempt_it_stays_parked(database, consumer):
    await receive(consumer, messages(database, "bad"))

    for _ in range(parked.ATTEMPTS_MAX):
        await make_due(database)
        await consumer.retry_once()

    [row] = await rows(database)
    assert (row.state, row.attempt, row.retry_at) == ("parked", parked.ATTEMPTS_MAX, None)


async def test_a_replayed_event_has_its_effect_once(database, consumer, handlers):
    sent = messages(database, "bad")
    await receive(consumer, sent)
    [row] = await rows(database)
    async with database.transaction() as tx:
        await parked.replay(tx, row.id, by="ops")
    mended = Handlers("notifier")

    @mended.on(UserVerificationRequested)
    async def count(event, tx):
        await tx.execute(COUNT, {"id": event.email})

    assert await Consumer(database, mended).retry_once()
    await receive(Consumer(database, mended), sent)

    assert await effects(database) == {"bad": 1}
    [row] = await rows(database)
    assert (row.state, row.resolved_by) == ("done", "ops")


async def test_a_discarded_event_keeps_its_reason_and_is_not_run(database, consumer):
    await receive(consumer, messages(database, "bad"))
    [row] = await rows(database)

    async with database.transaction() as tx:
        await parked.discard(tx, row.id, by="ops", reason="a test order")

    [row] = await rows(database)
    assert (row.state, row.resolution) == ("discarded", "a test order")
    with pytest.raises(Conflict):
        async with database.transaction() as tx:
            await parked.replay(tx, row.id, by="ops")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Message("user.verification_requested.v1", {}, b"\xff\x00"), "header"),
        (Message("", {"x\x00": "\ud800"}, b""), "header"),
        (Message("nobody.knows.v1", {}, b"{}"), "header"),
    ],
    ids=["bytes", "hostile headers", "unknown name"],
)
async def test_what_is_no_event_of_ours_is_parked_with_its_bytes(
    database, consumer, message, reason
):
    await receive(consumer, [message, *messages(database, "a")])

    [row] = await rows(database)
    assert (row.state, bytes(row.body)) == ("parked", message.body)
    assert reason in row.reason
    assert await effects(database) == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'{"user_id": 7}', b"[" * 50_000, b'{"a":' * 50_000, b"\xff\xfe", b"NaN"],
    ids=lambda body: repr(body[:12]),
)
async def test_a_body_that_does_not_fit_is_parked_and_says_where(database, consumer, body):
    headers = messages(database, "a")[0].headers

    await receive(consumer, [Message("user.verification_requested.v1", headers, body)])

    [row] = await rows(database)
    assert (row.state, row.reason.split(":")[0]) == ("parked", "CannotDecode")


async def test_a_message_that_killed_its_process_three_times_is_parked_alone(database, handlers):
    sent, neighbour = messages(database, "killer"), messages(database, "a")

    class Killed(BaseException):
        """Stands for the end of the process: nothing of ours runs after it."""

    lethal = Handlers("notifier")

    @lethal.on(UserVerificationRequested)
    async def die(event, tx):
        if event.email == "killer":
            raise Killed
        await tx.execute(COUNT, {"id": event.email})

    deaths = 0
    for _ in range(10):
        try:
            await receive(Consumer(database, lethal), sent + neighbour, is_redelivered=True)
        except Killed:
            deaths += 1

    assert deaths == parked.DEATHS_MAX
    [row] = await rows(database)
    assert (row.state, row.name) == ("parked", "user.verification_requested.v1")
    assert await effects(database) == {"a": 1}


async def test_a_retry_that_kills_its_process_three_times_is_parked(database, consumer):
    await receive(consumer, messages(database, "bad"))

    class Killed(BaseException):
        """Stands for the end of the process: nothing of ours runs after it."""

    lethal = Handlers("notifier")

    @lethal.on(UserVerificationRequested)
    async def die(event, tx):
        raise Killed

    deaths = 0
    for _ in range(10):
        await make_due(database)
        try:
            await Consumer(database, lethal).retry_once()
        except Killed:
            deaths += 1

    assert deaths == parked.DEATHS_MAX
    [row] = await rows(database)
    assert (row.state, row.retry_at) == ("parked", None)


async def test_a_retry_under_way_is_nobody_elses_until_its_process_is_not_heard_of(
    database, consumer
):
    await receive(consumer, messages(database, "bad"))
    await make_due(database)
    async with database.transaction() as tx:
        assert await parked.begin_retry(tx, outlived=())

    assert not await consumer.retry_once()

    await make_due(database)
    assert await consumer.retry_once()
    [row] = await rows(database)
    assert (row.state, row.attempt, row.deaths) == ("retrying", 3, 0)


async def test_the_end_of_a_delivery_leaves_a_retry_alone(database, consumer):
    [sent] = messages(database, "bad")
    await receive(consumer, [sent])
    await make_due(database)

    async with database.transaction() as tx:
        assert await parked.begin_retry(tx, outlived=())
        await parked.end_attempt(tx, sent)

    [row] = await rows(database)
    assert row.state == "attempting"


async def test_failures_are_no_deaths(database, consumer):
    [sent] = messages(database, "bad")
    await receive(consumer, [sent])
    for _ in range(3):
        await make_due(database)
        await consumer.retry_once()

    async with database.transaction() as tx:
        assert await parked.begin_attempt(tx, sent)
        assert await parked.begin_attempt(tx, sent)

    [row] = await rows(database)
    assert (row.state, row.deaths) == ("attempting", 2)


async def test_a_handler_that_hangs_is_parked(database, monkeypatch):
    monkeypatch.setattr("shared.consumer.HANDLING_S_MAX", 0.05)
    hanging = Handlers("notifier")

    @hanging.on(UserVerificationRequested)
    async def hang(event, tx):
        await asyncio.Event().wait()

    await receive(Consumer(database, hanging), messages(database, "a"))

    [row] = await rows(database)
    assert (row.state, row.reason.split(":")[0]) == ("retrying", "TimeoutError")


async def hang_in_a_statement(database, tx):
    await tx.execute(text("SELECT pg_sleep(5)"))


async def lose_the_session(database, tx):
    pid = (await tx.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    async with database.transaction() as other:
        await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    await tx.execute(text("SELECT pg_sleep(5)"))


@pytest.mark.parametrize("lose", [hang_in_a_statement, lose_the_session])
async def test_a_retry_that_loses_its_connection_is_counted_and_parked_at_last(
    database, monkeypatch, lose
):
    monkeypatch.setattr("shared.consumer.HANDLING_S_MAX", 0.2)
    losing = Handlers("notifier")

    @losing.on(UserVerificationRequested)
    async def lose_it(event, tx):
        await lose(database, tx)

    consumer = Consumer(database, losing)
    await receive(consumer, messages(database, "a"))
    for attempt in range(2, parked.ATTEMPTS_MAX + 1):
        await make_due(database)
        assert await consumer.retry_once()
        [row] = await rows(database)
        assert (row.attempt, row.deaths) == (attempt, 0)

    assert (row.state, row.retry_at) == ("parked", None)


async def test_a_retry_that_cannot_be_parked_counts_as_a_death(database, monkeypatch):
    failing = Handlers("notifier")

    @failing.on(UserVerificationRequested)
    async def fail(event, tx):
        raise Flaw("it is bad")

    consumer = Consumer(database, failing)
    await receive(consumer, messages(database, "a"))

    async def refuse(*_, **__):
        raise Flaw("it cannot be written")

    monkeypatch.setattr(parked, "park", refuse)
    for _ in range(parked.DEATHS_MAX):
        await make_due(database)
        with pytest.raises(Flaw, match="written"):
            await consumer.retry_once()
    await make_due(database)
    assert await consumer.retry_once()

    [row] = await rows(database)
    assert (row.state, row.retry_at) == ("parked", None)


class Flapping(Database):
    """A database that is away whenever somebody looks."""

    async def check(self):
        raise OSError("away")


async def test_an_outage_is_nobodys_death_however_often_it_comes(database, database_url):
    flapping, outages = Flapping(database_url, source="auth"), 5
    made = Handlers("notifier")

    @made.on(UserVerificationRequested)
    async def count(event, tx):
        nonlocal outages
        outages -= 1
        if outages >= 0:
            raise OSError("the connection was lost")
        await tx.execute(COUNT, {"id": event.email})

    consumer, sent = Consumer(flapping, made), messages(database, "a")
    for _ in range(5):
        with pytest.raises(OSError, match="lost"):
            await receive(consumer, sent, is_redelivered=True)
    await receive(consumer, sent, is_redelivered=True)

    assert await effects(database) == {"a": 1}
    assert await rows(database) == []
    await flapping.close()


async def test_while_the_database_is_away_nothing_is_parked_and_the_bus_keeps_it(handlers):
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", source="auth")

    with pytest.raises(OSError):  # noqa: PT011 - whatever the driver says
        await receive(Consumer(away, handlers), messages(away, "a"))

    await away.close()


async def test_a_batch_handler_gets_runs_of_one_kind_in_order(database):
    seen = []
    made = Handlers("notifier")

    @made.on_many(UserVerificationRequested)
    async def together(received, tx):
        seen.append([item.event.email for item in received])

    @made.on(UserPasswordResetRequested)
    async def alone(event, tx):
        seen.append(event.email)

    other = UserPasswordResetRequested(user_id=uuid4(), email="c", sealed_token="x")
    sent = [
        *messages(database, "a", "b"),
        database.envelope(other, None).to_message(),
        *messages(database, "d"),
    ]
    await receive(Consumer(database, made), sent)

    assert seen == [["a", "b"], "c", ["d"]]


async def test_a_handler_for_an_event_that_does_not_name_its_service_is_refused():
    with pytest.raises(AssertionError, match="does not name"):
        Handlers("billing").on(UserVerificationRequested)(lambda event, tx: None)
