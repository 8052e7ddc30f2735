"""The live stream: nothing missed, nothing twice, nobody else's, and it ends."""

import asyncio
import random
import time
from contextlib import aclosing, asynccontextmanager, suppress

import pytest
from sqlalchemy import text
from tasks_parts import (
    Customer,
    TasksUnderTest,
    finished,
    granted,
    held,
    opened,
    progressed,
    settled,
    started,
)

from shared.contracts.tasks import Outcome, TaskCreated
from shared.db import Database
from shared.testing import eventually
from tasks.hub import STREAMS_OF_ONE_MAX, Hub, Listener


async def test_a_stream_says_hello_with_where_it_starts_and_the_credits(customer: Customer):
    await customer.ask()

    async with customer.following() as stream:
        hello = await stream.next()

        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
    assert (hello.kind, hello.seq) == ("hello", 2)
    assert hello.data == {
        "sequence": 2,
        "credits": {"available": 1000, "reserved": 0, "balance": 1000},
    }


async def test_a_stream_of_somebody_new_starts_at_zero(tasks: TasksUnderTest):
    stranger = await tasks.customer()

    async with stranger.following() as stream:
        hello = await stream.next()

    assert hello.data == {"sequence": 0, "credits": {"available": 0, "reserved": 0, "balance": 0}}


async def test_every_change_of_a_task_is_shown_as_it_is_committed(
    tasks: TasksUnderTest, customer: Customer
):
    async with customer.following() as stream:
        await stream.next()
        task_id = await customer.ask("Find me 100 leads")
        task = await tasks.created(task_id)
        for fact in (
            held(task, left=900),
            started(task),
            progressed(task, note="Looking", text="So far"),
            finished(task, result="Done!"),
            settled(task, 90, left=910),
        ):
            await tasks.running.deliver(fact)
        heard = await stream.up_to(9)

    shown = [event for event in heard if event.kind == "task"]
    assert [event.data["status"] for event in shown] == [
        "pending",
        "queued",
        "running",
        "completed",
        "completed",
    ]
    assert [event.data["credits_spent"] for event in shown] == [0, 0, 0, 0, 90]
    assert shown[-1].data["task_id"] == task_id
    assert shown[-1].data["description"] == "Find me 100 leads"
    assert [event.data for event in heard if event.kind == "progress"] == [
        {"task_id": task_id, "attempt": 1, "note": "Looking", "text": "So far"}
    ]
    assert [event.data for event in heard if event.kind == "credits"] == [
        {"available": 900, "reserved": 100, "balance": 1000},
        {"available": 910, "reserved": 0, "balance": 910},
    ]
    assert [event.seq for event in heard] == list(range(1, 10))


async def test_a_stream_resumes_after_the_last_event_seen(customer: Customer):
    for _ in range(3):
        await customer.ask()

    async with customer.following(after=2) as stream:
        heard = await stream.up_to(4)

    assert [event.seq for event in heard] == [3, 4]


async def test_a_reader_that_cannot_set_headers_resumes_by_the_query(customer: Customer):
    await customer.ask()

    async with customer.following(path="/api/events?last_event_id=1") as stream:
        heard = await stream.up_to(2)

    assert [(event.kind, event.seq) for event in heard] == [("task", 2)]


async def test_the_header_wins_over_the_query(customer: Customer):
    await customer.ask()

    async with customer.following(after=1, path="/api/events?last_event_id=0") as stream:
        heard = await stream.up_to(2)

    assert [event.seq for event in heard] == [2]


async def test_a_number_that_never_was_starts_anew_with_a_hello(customer: Customer):
    async with customer.following(after=10**9) as stream:
        hello = await stream.next()

    assert (hello.kind, hello.seq) == ("hello", 1)


@pytest.mark.parametrize(("days", "goes_on"), [(6, True), (7.5, False), (9, False)])
async def test_a_reader_goes_on_for_a_week_and_then_starts_anew(
    tasks: TasksUnderTest, customer: Customer, days: float, *, goes_on: bool
):
    await customer.ask()
    older = "UPDATE stream_events SET created_at = created_at - make_interval(secs => :seconds)"
    async with tasks.running.database.transaction() as tx:
        await tx.execute(text(older), {"seconds": days * 24 * 3600})
    await tasks.running.prune()
    await customer.ask()

    async with customer.following(after=1) as stream:
        first = await stream.next()

    assert (first.kind, first.seq) == (("task", 2) if goes_on else ("hello", 3))


async def test_nobody_hears_of_somebody_else(tasks: TasksUnderTest, customer: Customer):
    other = await tasks.customer(with_credits=50)

    async with customer.following() as stream:
        await stream.next()
        await other.ask("A secret of the other")
        await customer.ask("My own")
        heard = await stream.up_to(2)

    assert [event.data["description"] for event in heard[1:]] == ["My own"]


async def test_two_pages_of_one_user_hear_the_same(customer: Customer):
    async with customer.following(after=0) as first, customer.following(after=0) as second:
        await customer.ask()

        assert await first.up_to(2) == await second.up_to(2)


async def test_what_another_process_commits_is_heard_by_the_poll(
    tasks: TasksUnderTest, replica: TasksUnderTest, customer: Customer
):
    elsewhere = Customer(replica, customer.id, customer.token)

    async with polling(tasks), customer.following() as stream:
        await stream.next()
        await elsewhere.ask("From the other process")
        heard = await stream.up_to(2)

    assert heard[-1].data["description"] == "From the other process"


async def test_no_poll_is_made_while_nobody_listens(tasks: TasksUnderTest):
    polled = await tasks.hub.poll_once()

    assert polled is False
    assert tasks.hub._listeners == {}


async def test_a_long_past_is_read_in_pages(tasks: TasksUnderTest, customer: Customer):
    task = await tasks.created(await customer.ask())
    signs = [progressed(task, note=str(number)) for number in range(450)]
    for start in range(0, 450, 50):
        await tasks.running.deliver_together(*signs[start : start + 50])

    async with customer.following(after=0) as stream:
        heard = await stream.up_to(453)

    assert [event.seq for event in heard] == list(range(1, 454))
    notes = [event.data["note"] for event in heard if event.kind == "progress"]
    assert notes == [str(number) for number in range(450)]


async def test_no_event_is_missed_or_repeated_while_writers_commit_and_readers_come_and_go(
    tasks: TasksUnderTest, replica: TasksUnderTest, customer: Customer
):
    work = [await tasks.created(await customer.ask()) for _ in range(6)]
    # granted, created; for each: queued, running (the first sign), the signs, completed; credits once
    last = 1 + 6 + 6 * (1 + 1 + 12 + 1) + 1

    async with polling(tasks), asyncio.TaskGroup() as together:
        readers = [together.create_task(restless(customer, last, seed)) for seed in range(4)]
        for number, task in enumerate(work):
            together.create_task(tell(task, (tasks, replica)[number % 2]))

    for reader in readers:
        assert reader.result() == list(range(1, last + 1))


async def tell(task: TaskCreated, process: TasksUnderTest) -> None:
    """Have a process hear a task's whole story, fact by fact."""
    await process.running.deliver(held(task))
    for number in range(12):
        await process.running.deliver(progressed(task, note=str(number)))
    await process.running.deliver(finished(task))


async def restless(customer: Customer, last: int, seed: int) -> list[int]:
    """Read up to the last number, leaving and coming back every few events."""
    chance = random.Random(seed)
    seen = [0]
    while seen[-1] < last:
        patience = min(chance.randrange(1, 15), last - seen[-1])
        async with customer.following(after=seen[-1]) as stream:
            seen += [(await stream.next()).seq for _ in range(patience)]
    return seen[1:]


async def test_replicas_with_the_same_users_in_their_batches_never_deadlock(
    tasks: TasksUnderTest, replica: TasksUnderTest
):
    customers = [await tasks.customer(with_credits=100) for _ in range(6)]
    work = [await tasks.created(await customer.ask()) for customer in customers]

    for number in range(10):
        forth = [progressed(task, note=f"forth {number}") for task in work]
        back = [progressed(task, note=f"back {number}") for task in reversed(work)]
        await asyncio.gather(
            tasks.running.deliver_together(*forth), replica.running.deliver_together(*back)
        )

    async with tasks.running.database.transaction() as tx:
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert (await tx.execute(text(deadlocks))).scalar_one() == 0


async def test_no_connection_is_held_while_a_stream_is_open(
    tasks: TasksUnderTest, customer: Customer
):
    async with customer.following(after=0) as stream:
        await stream.up_to(1)
        await asyncio.gather(*(customer.ask() for _ in range(3)))
        await stream.up_to(4)

        async def is_nothing_held() -> bool:
            return tasks.running.database.engine.pool.checkedout() == 0

        await eventually(is_nothing_held)


async def test_so_many_streams_of_one_user_are_open_and_no_more(
    tasks: TasksUnderTest, customer: Customer
):
    for _ in range(STREAMS_OF_ONE_MAX):
        listener = Listener(user_id=customer.id, after=0, until=time.monotonic() + 60)
        tasks.hub._listeners.setdefault(customer.id, set()).add(listener)

    refused = await customer.get("/api/events")

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
    assert refused.headers["retry-after"] == "5"
    stranger = await tasks.customer()
    async with stranger.following() as stream:
        assert (await stream.next()).kind == "hello"
    tasks.hub._listeners.clear()


async def test_a_stream_that_is_left_is_forgotten(tasks: TasksUnderTest, customer: Customer):
    async with customer.following(after=0) as stream:
        await stream.up_to(1)
        assert customer.id in tasks.hub._listeners

    async def is_forgotten() -> bool:
        return customer.id not in tasks.hub._listeners

    await eventually(is_forgotten)


async def test_a_stream_ends_when_its_token_would_not_be_accepted_any_more(
    tasks: TasksUnderTest, customer: Customer
):
    almost_over = tasks.issuer.token(customer.id, exp=int(time.time()) - 28)

    async with customer.following(token=almost_over) as stream:
        hello = await stream.next()
        await stream.ended()

    assert hello.kind == "hello"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}])
async def test_a_stream_needs_a_token(tasks: TasksUnderTest, headers):
    answer = await tasks.running.client.get("/api/events", headers=headers)

    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthorized"


async def test_a_token_in_the_url_opens_nothing(tasks: TasksUnderTest, customer: Customer):
    answer = await tasks.running.client.get(
        "/api/events", params={"token": customer.token, "access_token": customer.token}
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("number", ["x", "-1", "1.5", str(2**63), "9" * 5000])
async def test_a_last_event_id_that_is_no_number_of_ours_is_refused(customer: Customer, number):
    answer = await customer.tasks.running.client.get(
        "/api/events", headers={**customer.headers, "Last-Event-ID": number}
    )

    assert answer.status_code == 422


async def test_an_idle_stream_is_kept_alive(tasks: TasksUnderTest, customer: Customer):
    hub = Hub(tasks.running.database, ping_s=0.01)
    listener = Listener(user_id=customer.id, after=1, until=time.monotonic() + 60)

    async with aclosing(hub.follow(listener)) as changes:
        assert [await anext(changes) for _ in range(3)] == [(), (), ()]


async def test_streams_end_at_once_when_the_service_says_farewell(postgres, issuer, tmp_path):
    url = await postgres.create_database()
    async with opened(url, issuer, tmp_path) as tasks:
        customer = await tasks.customer(with_credits=10)
        async with customer.following() as stream:
            await stream.next()

            tasks.running.service.farewell()

            await stream.ended()


async def test_a_stream_that_loses_the_database_ends_and_its_reader_goes_on_where_it_was(
    postgres, issuer, tmp_path
):
    url = await postgres.create_database()
    async with opened(url, issuer, tmp_path) as tasks:
        customer = await tasks.customer(with_credits=100)
        async with customer.following() as stream:
            await stream.next()
            await kill_connections(url)

            tasks.hub._wake([customer.id])

            await stream.ended()
        await tasks.running.deliver(granted(customer.id, 200, version=2))
        async with customer.following(after=1) as stream:
            assert (await stream.next()).data["available"] == 200


async def test_a_denied_or_failed_task_is_shown_with_its_reason(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask()
    task = await tasks.created(task_id)

    await tasks.running.deliver(finished(task, Outcome.FAILED, reason="The site was down."))

    async with customer.following(after=0) as stream:
        last = (await stream.up_to(3))[-1]
    assert (last.data["status"], last.data["error"]) == ("failed", "The site was down.")


@asynccontextmanager
async def polling(tasks: TasksUnderTest):
    """Have the process poll, as its worker does."""
    worker, _ = tasks.running.service.workers
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def kill_connections(url: str) -> None:
    """End everybody's connections to the database."""
    killer = Database(url, source="a test")
    async with killer.transaction() as tx:
        others = "FROM pg_stat_activity WHERE datname = current_database()"
        kill = f"SELECT pg_terminate_backend(pid, 5000) {others} AND pid <> pg_backend_pid()"
        await tx.execute(text(kill))
    await killer.close()
