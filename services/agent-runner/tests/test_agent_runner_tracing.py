"""A run in its customer's trace: through attempts, people and the reaper, down to OpenClaw."""

import asyncio
from uuid import UUID, uuid4

from fake_gateway import TOKEN, FakeGateway
from opentelemetry.trace import SpanKind, StatusCode
from runner_rig import PlayedAgent, fails, held, says
from sqlalchemy import select

from agent_runner.agents import Assignment
from agent_runner.openclaw.agent import OpenClawAgent
from agent_runner.openclaw.limits import Limits
from shared.contracts.tasks import TaskFinished, TaskStarted
from shared.events import Envelope, Message
from shared.ids import public
from shared.tables import outbox
from shared.testing import ADMIN_KEY
from shared.tracing import span
from tests.traces import is_below, span_id, trace_of, tracing

PLACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = int(PLACE.split("-")[1], 16)


async def fund(rig):
    """Begin a run as part of a trace; return its envelope."""
    envelope = rig.sut.envelope(held())
    message = envelope.to_message()
    headers = {**message.headers, "traceparent": PLACE}
    await rig.sut.receive([Message(message.name, headers, message.body)])
    return envelope


async def told(rig, kind):
    """Return the envelopes of the events of a kind that were published."""
    async with rig.database.transaction() as tx:
        rows = await tx.execute(select(outbox).where(outbox.c.name == kind.name))
        return [Envelope.from_message(Message(row.name, row.headers, row.body)) for row in rows]


async def test_every_attempt_and_what_it_says_is_in_the_customers_trace(runner_with):
    agent = PlayedAgent(fails("Not now.", is_worth_retrying=True), says("Done."))
    with tracing() as seen:
        async with runner_with(agent, retry_s=0) as rig:
            cause = await fund(rig)
            await rig.sut.work()

            [end] = await told(rig, TaskFinished)
            starts = await told(rig, TaskStarted)

        begun, attempts = seen.one("process credits.held.v1"), seen.all("run demo")
    assert [trace_of(each) for each in (begun, *attempts)] == [TRACE] * 3
    assert all(is_below(each, begun) for each in attempts)
    assert [each.attributes["run.attempt"] for each in attempts] == [1, 2]
    assert place_of(end) == (TRACE, span_id(attempts[1]))
    assert [place_of(each) for each in starts] == [(TRACE, span_id(begun))] * 2
    assert {each.correlation_id for each in (end, *starts)} == {cause.correlation_id}


async def test_what_the_reaper_ends_is_in_the_customers_trace(rig):
    with tracing():
        cause = await fund(rig)
        rig.clock.advance(rig.settings.run_s_max)
        await rig.reap()

        [end] = await told(rig, TaskFinished)
    assert place_of(end)[0] == TRACE
    assert end.correlation_id == cause.correlation_id


async def test_what_a_person_ends_is_in_the_customers_trace_and_linked_with_who_did(rig):
    with tracing() as seen:
        cause = await fund(rig)
        task_id = public("task", cause.open().task.task_id)
        with span("the operator's request", service="agent-runner"):
            for body in ({"status": "in-progress"}, {"status": "completed", "result": "Called."}):
                answer = await rig.sut.client.post(
                    f"/api/admin/runs/{task_id}/status",
                    json=body,
                    headers={"x-admin-key": ADMIN_KEY},
                )
                assert answer.is_success

        [start], [end] = await told(rig, TaskStarted), await told(rig, TaskFinished)
        links = seen.one("the operator's request").links
    assert {place_of(each)[0] for each in (start, end)} == {TRACE}
    assert {each.correlation_id for each in (start, end)} == {cause.correlation_id}
    assert {link.context.trace_id for link in links} == {TRACE}


async def test_where_nobody_traces_the_correlation_is_kept_all_the_same(rig):
    envelope = rig.sut.envelope(held())
    await rig.sut.receive([envelope.to_message()])

    await rig.sut.work()

    [end] = await told(rig, TaskFinished)
    assert (end.correlation_id, end.traceparent) == (envelope.correlation_id, None)


async def test_an_openclaw_turn_says_what_it_took_and_the_gateway_is_told_the_trace(tmp_path):
    task_id = uuid4()
    async with FakeGateway() as gateway:
        agent = openclaw(gateway)
        with tracing() as seen:
            with span("run openclaw", service="agent-runner"):
                working = begin(agent, task_id, tmp_path)
                run = await gateway.next_run()
                gateway.finish(run, "Here is one lead.")
                await working

            turn, run_span = seen.one("invoke_agent writer"), seen.one("run openclaw")
    assert is_below(turn, run_span)
    assert turn.kind is SpanKind.CLIENT
    assert dict(turn.attributes) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": "writer",
        "gen_ai.conversation.id": f"agent:writer:task:{task_id}",
        "gen_ai.response.id": f"{task_id}:1",
        "gen_ai.response.model": "fake-1",
        "gen_ai.usage.input_tokens": 200,
        "gen_ai.usage.output_tokens": 20,
        "run.attempt": 1,
    }
    assert gateway.places["agent"].split("-")[1:3] == [
        f"{trace_of(turn):032x}",
        f"{span_id(turn):016x}",
    ]


async def test_an_openclaw_turn_that_fails_is_marked(tmp_path):
    async with FakeGateway() as gateway:
        agent = openclaw(gateway)
        with tracing() as seen:
            with span("run openclaw", service="agent-runner"):
                working = begin(agent, uuid4(), tmp_path)
                gateway.fail(await gateway.next_run(), "the model said no to payer@example.com")
                await asyncio.wait([working])

            turn = seen.one("invoke_agent writer")
    assert working.exception() is not None
    assert turn.status.status_code is StatusCode.ERROR
    assert turn.attributes["error.type"] == "AgentFailed"


async def test_the_gateway_is_told_nothing_where_nobody_traces(tmp_path):
    async with FakeGateway() as gateway:
        working = begin(openclaw(gateway), uuid4(), tmp_path)
        gateway.finish(await gateway.next_run(), "Here is one lead.")
        await working

    assert set(gateway.places.values()) == {None}


def openclaw(gateway):
    limits = Limits(poll_s=0, reconnect_s=0, progress_interval_s=0)
    return OpenClawAgent(
        url=gateway.url, token=TOKEN, agents={}, default_agent="writer", limits=limits
    )


def begin(agent, task_id: UUID, scratch):
    async def hear(_progress):
        pass

    assignment = Assignment(task_id, 1, "general", "Find leads", timeout_s=60)
    return asyncio.create_task(agent.run(assignment, scratch, hear))


def place_of(envelope):
    _, trace_hex, span_hex, _ = envelope.traceparent.split("-")
    return int(trace_hex, 16), int(span_hex, 16)
