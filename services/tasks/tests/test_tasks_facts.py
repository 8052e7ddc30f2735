"""Facts in any order, any number of times, in any batches: one end, and a stream that tells it right."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tasks_parts import (
    Customer,
    TasksUnderTest,
    delivered,
    denied,
    finished,
    held,
    progressed,
    settled,
    started,
)

from shared.contracts.tasks import Outcome, TaskCreated
from shared.events import Event, topology
from tasks.models import Task
from tasks.status import FINAL_RANK, RANK, Status

ENDS = {
    Outcome.SUCCEEDED: "completed",
    Outcome.FAILED: "failed",
    Outcome.CANCELLED: "cancelled",
    Outcome.TIMED_OUT: "timed_out",
}


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("after", Status)
def test_a_status_only_advances_and_a_final_one_never_changes(before, after):
    task = Task(status=before)

    has_moved = task.advance(after)

    assert has_moved == (RANK[after] > RANK[before])
    assert task.status == (after if has_moved else before)
    assert not (has_moved and RANK[before] == FINAL_RANK)


def test_every_event_for_tasks_is_answered(tasks: TasksUnderTest):
    assert tasks.running.service.handlers.names == set(topology()["tasks"])


@pytest.mark.parametrize(("outcome", "status"), ENDS.items())
async def test_a_run_ends_its_task(tasks: TasksUnderTest, customer: Customer, outcome, status):
    task_id = await customer.ask()
    task = await tasks.created(task_id)

    await tasks.running.deliver(finished(task, outcome, reason="Because.", executor="human"))

    view = await customer.view(task_id)
    assert (view["status"], view["error"], view["executor"]) == (status, "Because.", "human")


async def test_a_task_without_credits_is_rejected_with_the_reason(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask()

    await tasks.running.deliver(denied(await tasks.created(task_id), available=3), times=2)

    view = await customer.view(task_id)
    assert view["status"] == "rejected"
    assert view["error"] == "Not enough credits: 50 needed, 3 available."


async def test_the_first_end_is_the_only_one(tasks: TasksUnderTest, customer: Customer):
    task_id = await customer.ask()
    task = await tasks.created(task_id)

    await tasks.running.deliver(finished(task, Outcome.CANCELLED, reason="You asked for it."))
    await tasks.running.deliver(finished(task, result="Late", files=(delivered(),)))
    await tasks.running.deliver(denied(task))

    view = await customer.view(task_id)
    assert (view["status"], view["result"], view["files"]) == ("cancelled", None, [])


async def test_a_later_attempt_begins_anew_and_an_earlier_one_is_silent(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask()
    task = await tasks.created(task_id)

    for fact in (
        started(task, attempt=1, executor="openclaw"),
        progressed(task, attempt=1, note="First", text="Half"),
        started(task, attempt=2, executor="human"),
        progressed(task, attempt=1, note="Too late"),
    ):
        await tasks.running.deliver(fact)
    between = await customer.view(task_id)
    await tasks.running.deliver(progressed(task, attempt=2, note="Second"))
    after = await customer.view(task_id)

    assert (between["executor"], between["progress"]) == ("human", None)
    assert after["progress"] == {"attempt": 2, "note": "Second", "text": None}


async def test_an_older_sign_of_life_does_not_undo_a_newer_one(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask()
    task = await tasks.created(task_id)
    older = tasks.running.envelope(progressed(task, text="One")).to_message()
    newer = tasks.running.envelope(progressed(task, text="One, two")).to_message()

    await tasks.running.receive([newer])
    await tasks.running.receive([older])

    assert (await customer.view(task_id))["progress"]["text"] == "One, two"


async def test_what_an_agent_writes_may_hold_anything(tasks: TasksUnderTest, customer: Customer):
    task_id = await customer.ask()
    task = await tasks.created(task_id)

    await tasks.running.deliver(started(task, executor="open\x00claw"))
    await tasks.running.deliver(progressed(task, note="a\x00b", text="\x00"))
    await tasks.running.deliver(
        finished(
            task,
            result="<b>\x00\u202e'; DROP TABLE tasks; --</b>\r\n\r\nevent: x",
            reason="\x00",
            files=(delivered("a\x00b\r\n.csv", key="k\x00", media_type="text/\x00csv"),),
        )
    )

    view = await customer.view(task_id)
    assert view["status"] == "completed"
    assert view["result"].startswith("<b>\u202e'; DROP")
    assert view["files"][0]["name"] == "ab\r\n.csv"
    assert not await tasks.running.retry_parked()


async def test_line_ends_in_what_an_agent_writes_forge_no_event(
    tasks: TasksUnderTest, customer: Customer
):
    task = await tasks.created(await customer.ask())
    forged = 'x\n\nevent: credits\nid: 99\ndata: {"available": 1000000}\n\n\r\rdata: y'

    await tasks.running.deliver(progressed(task, text=forged))

    async with customer.following(after=3) as stream:
        heard = await stream.up_to(4)
    assert [(event.kind, event.data["text"]) for event in heard] == [("progress", forged)]


@dataclass(frozen=True)
class Deliveries:
    """The facts of one task in the order and the batches of their arrival, some more than once."""

    outcome: Outcome
    batches: list[list[int]]


@st.composite
def deliveries(draw: st.DrawFn) -> Deliveries:
    """Every fact at least once, in any order, some again, cut into batches anywhere."""
    numbers = list(range(8))
    arrivals = draw(st.permutations(numbers + draw(st.lists(st.sampled_from(numbers), max_size=5))))
    cuts = sorted(draw(st.sets(st.integers(1, len(arrivals) - 1), max_size=6)))
    edges = [0, *cuts, len(arrivals)]
    batches = [arrivals[start:end] for start, end in pairwise(edges)]
    return Deliveries(draw(st.sampled_from(Outcome)), batches)


def story(task: TaskCreated, outcome: Outcome) -> list[Event]:
    """What becomes of a task: held, two attempts, its end, what it cost."""
    is_delivered = outcome == Outcome.SUCCEEDED
    files = (delivered(), delivered("notes.md")) if is_delivered else ()
    return [
        held(task, left=900, version=2),
        started(task, attempt=1),
        progressed(task, attempt=1, note="Looking"),
        started(task, attempt=2, executor="human"),
        progressed(task, attempt=2, text="So far"),
        progressed(task, attempt=2, note="Almost", text="So far, so good"),
        finished(task, outcome, executor="human", result="R", reason="Why", files=files),
        settled(task, 20 if is_delivered else 0, left=980, version=3),
    ]


@pytest.mark.parametrize("is_republished", [False, True])
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(arrival=deliveries())
async def test_facts_in_any_order_and_number_end_in_one_state(
    tasks: TasksUnderTest, is_republished: bool, arrival: Deliveries
):
    customer = await tasks.customer(with_credits=1000)
    task_id = await customer.ask()
    facts = story(await tasks.created(task_id), arrival.outcome)
    envelopes = [tasks.running.envelope(fact) for fact in facts]

    for batch in arrival.batches:
        again = [tasks.running.envelope(facts[number]) for number in batch]
        sent = again if is_republished else [envelopes[number] for number in batch]
        await tasks.running.receive([envelope.to_message() for envelope in sent])

    view = await customer.view(task_id)
    assert end_of(view) == expected_end(arrival.outcome)
    assert not await tasks.running.retry_parked()
    await assert_stream_is_right(customer, view)


def end_of(view: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on the order: all but ids and times."""
    kept = ("status", "result", "error", "executor", "credits_spent", "progress")
    return {
        **{name: view[name] for name in kept},
        "files": [file["name"] for file in view["files"]],
        "events": [(event["name"], event["attempt"], event["detail"]) for event in view["events"]],
    }


def expected_end(outcome: Outcome) -> dict[str, Any]:
    is_delivered = outcome == Outcome.SUCCEEDED
    return {
        "status": ENDS[outcome],
        "result": "R",
        "error": "Why",
        "executor": "human",
        "credits_spent": 20 if is_delivered else 0,
        "progress": None,
        "files": ["leads.csv", "notes.md"] if is_delivered else [],
        "events": [
            ("created", None, None),
            ("queued", None, None),
            ("started", 1, "openclaw"),
            ("started", 2, "human"),
            (ENDS[outcome], None, "Why"),
            ("settled", None, None),
        ],
    }


async def assert_stream_is_right(customer: Customer, view: dict[str, Any]) -> None:
    """Its numbers have no gap, its statuses only advance, and it ends with what is kept."""
    async with customer.following() as stream:
        last = (await stream.next()).seq
    async with customer.following(after=0) as stream:
        heard = await stream.up_to(last)
    shown = [event.data for event in heard if event.kind == "task"]
    ranks = [RANK[Status(data["status"])] for data in shown]
    balances = [event.data for event in heard if event.kind == "credits"]

    assert [event.seq for event in heard] == list(range(1, last + 1))
    assert ranks == sorted(ranks)
    assert shown[-1] == {name: view[name] for name in shown[-1]}
    assert balances[-1]["available"] == 980
