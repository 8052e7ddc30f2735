"""Traces inside one process: who hangs below whom, what is linked, and what never leaves."""

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx2
import pytest
import structlog
from fastapi import APIRouter
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import select, text
from structlog.testing import capture_logs

from shared import logs, tracing
from shared.bus import Delivery, PublishFailed
from shared.bus_memory import MemoryBus
from shared.consumer import Consumer
from shared.contracts.payments import PaymentCompleted
from shared.contracts.users import UserRecognized
from shared.correlation import taking_up
from shared.db import CORRELATION, Database
from shared.events import Envelope, Message, topology
from shared.group_commit import GroupCommit
from shared.handlers import Handlers
from shared.http import Transaction
from shared.outbox import Relay
from shared.run import build_app
from shared.service import Service
from shared.tables import outbox
from shared.trace_export import Outgoing, sampler_of, traced_by
from shared.tracing import Origin, span, step
from shared.tracing_messages import processing, sending
from tests.traces import is_below, linked, span_id, trace_of
from tests.traces import tracing as traced

log = structlog.get_logger()

PLACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NO_PLACES = [
    "",
    "no traceparent",
    PLACE.upper(),
    PLACE.replace("00-", "ff-", 1),
    PLACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
    PLACE.replace("b7ad6b7169203331", "0" * 16),
    PLACE + "-more",
    PLACE[:-1],
    PLACE + "\x00",
    PLACE + "\n",
    PLACE.replace("0af7", "\N{ARABIC-INDIC DIGIT ZERO}af7"),
    "00-" * 100_000,
]


class Flaw(Exception):
    """What a handler fails with here."""


class Bus(MemoryBus):
    """A memory bus that keeps what was published, and may die once it has."""

    def __init__(self):
        super().__init__()
        self.published = []
        self.death = None

    async def publish(self, messages):
        self.published += messages
        if self.death is not None:
            raise self.death


@pytest.fixture
async def bus():
    made = Bus()
    await made.declare(topology())
    return made


@pytest.fixture
def handlers():
    made = Handlers("auth")
    made.failures = 0

    @made.on(PaymentCompleted)
    async def recognize(event, tx):
        if made.failures:
            made.failures -= 1
            message = f"nobody is called {event.email}"
            raise Flaw(message)
        tx.publish(UserRecognized(user_id=uuid4(), payment_id=event.payment_id))

    return made


def payment(email="payer@example.com"):
    return PaymentCompleted(
        payment_id=uuid4(),
        email=email,
        user_id=None,
        claim_key_hash="0" * 64,
        amount_cents=1000,
        currency="usd",
        credits=1000,
    )


async def publish(database, *, request="request"):
    with span(request, service="billing", kind=SpanKind.SERVER):
        async with database.transaction() as tx:
            tx.publish(payment())


async def waiting(database):
    async with database.transaction() as tx:
        return (await tx.execute(select(outbox).order_by(outbox.c.id))).all()


async def deliver(consumer, messages):
    await consumer.receive([Delivery(message) for message in messages])


async def test_where_nobody_traces_messages_stay_as_they_are(database, bus):
    messages = [Message("payment.completed.v1", {"traceparent": PLACE}, b"{}")]

    with span("work", service="auth"), step("part", service="auth"), sending("auth", messages) as a:
        assert a is messages
    with processing("auth", messages) as b:
        assert b is messages
    assert tracing.current() is None
    await publish(database)
    await Relay(database, bus).run_once()
    assert "traceparent" not in bus.published[0].headers


async def test_an_event_hangs_below_the_request_that_published_it_and_its_answer_below_its_handler(
    database, bus, handlers
):
    with traced() as seen:
        await publish(database)
        await Relay(database, bus).run_once()
        await deliver(Consumer(database, handlers), bus.published)
        await Relay(database, bus).run_once()

        request, sent = seen.one("request"), seen.one("send payment.completed.v1")
        handled, answer = (
            seen.one("process payment.completed.v1"),
            seen.one("send user.recognized.v1"),
        )
    assert {trace_of(each) for each in (request, sent, handled, answer)} == {trace_of(request)}
    assert is_below(sent, request)
    assert is_below(handled, sent)
    assert is_below(answer, handled)
    assert (sent.kind, handled.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert seen.service(sent) == "auth"


async def test_a_transaction_is_one_span_that_counts_its_statements(database):
    with traced() as seen:
        with span("request", service="billing"):
            async with database.transaction() as tx:
                await tx.now()
                await tx.execute(text("SELECT 1"))
                tx.publish(payment())
        async with database.transaction() as tx:
            await tx.execute(text("SELECT 1"))

        made = seen.one("transaction")
    assert is_below(made, seen.one("request"))
    assert made.attributes["db.statements"] == 3
    assert made.attributes["db.namespace"] == "auth"


async def test_the_place_in_the_trace_is_in_the_outbox_row_with_the_change(database):
    with traced() as seen:
        await publish(database)
        [row] = await waiting(database)

        request = seen.one("request")
    assert row.headers["traceparent"].split("-")[2] == f"{span_id(request):016x}"


async def test_a_batch_is_a_trace_of_its_own_linked_with_each_message(database, bus, handlers):
    with traced() as seen:
        await publish(database, request="one")
        await publish(database, request="two")
        await Relay(database, bus).run_once()
        await deliver(Consumer(database, handlers), bus.published)
        await Relay(database, bus).run_once()

        one, two = seen.one("one"), seen.one("two")
        sent, handled = (
            seen.all("send payment.completed.v1"),
            seen.all("process payment.completed.v1"),
        )
        answers = seen.all("send user.recognized.v1")
        both = {trace_of(one), trace_of(two)}
        for spans in (sent, handled, answers):
            assert [trace_of(each) for each in spans] == [trace_of(one), trace_of(two)]
        for answer, cause in zip(answers, handled, strict=True):
            assert is_below(answer, cause)
        batch, first_send = seen.one("process batch"), seen.all("send batch")[0]
        assert trace_of(batch) not in both
        assert linked(batch) == {span_id(each) for each in sent} == linked(first_send)
        assert all(linked(each) == {span_id(batch)} for each in handled)
        assert all(linked(each) == {span_id(first_send)} for each in sent)
        assert any(is_below(each, batch) for each in seen.all("transaction"))


async def test_an_event_that_is_parked_and_retried_stays_in_its_trace(database, bus, handlers):
    consumer = Consumer(database, handlers)
    handlers.failures = 3  # in its batch, alone, and when it is tried again first
    with traced() as seen, capture_logs() as lines:
        await publish(database)
        await Relay(database, bus).run_once()
        await deliver(consumer, bus.published)
        async with database.transaction() as tx:
            await tx.execute(text("UPDATE parked SET retry_at = now()"))
        await consumer.retry_once()
        async with database.transaction() as tx:
            await tx.execute(text("UPDATE parked SET retry_at = now()"))
        assert await consumer.retry_once()
        await Relay(database, bus).run_once()

        sent, tries = (
            seen.one("send payment.completed.v1"),
            seen.all("process payment.completed.v1"),
        )
        answer = seen.one("send user.recognized.v1")
    assert [each.status.status_code for each in tries][-1] is StatusCode.UNSET
    assert all(each.status.status_code is StatusCode.ERROR for each in tries[:-1])
    assert all(is_below(each, sent) for each in tries)
    assert is_below(answer, tries[-1])
    assert {"event_failed"} <= {line["event"] for line in lines}


async def test_an_event_that_a_dying_relay_published_twice_stays_in_its_trace(
    database, bus, handlers
):
    consumer = Consumer(database, handlers)
    with traced() as seen:
        await publish(database)
        bus.death = asyncio.CancelledError()  # after the broker has it, before the row is deleted
        with pytest.raises(asyncio.CancelledError):
            await Relay(database, bus).run_once()
        bus.death = None
        await Relay(database, bus).run_once()
        await deliver(consumer, bus.published)
        await Relay(database, bus).run_once()

        request, sent = seen.one("request"), seen.all("send payment.completed.v1")
        assert len(sent) == 2
        assert all(is_below(each, request) for each in sent)
        assert sent[0].attributes["error.type"] == "CancelledError"
        assert {trace_of(each) for each in seen.all("process payment.completed.v1")} == {
            trace_of(request)
        }
        assert trace_of(seen.one("send user.recognized.v1")) == trace_of(request)


async def test_what_the_bus_did_not_confirm_is_marked_and_the_rest_is_not(database, bus):
    with traced() as seen:
        await publish(database)
        await publish(database)
        bus.death = PublishFailed({1: "no"})
        await Relay(database, bus).run_once()

        sent = seen.all("send payment.completed.v1")
    assert [each.status.status_code for each in sent] == [StatusCode.UNSET, StatusCode.ERROR]


@pytest.mark.parametrize("said", NO_PLACES, ids=range(len(NO_PLACES)))
async def test_a_malformed_traceparent_counts_as_none_and_costs_nobody_anything(
    database, bus, handlers, said
):
    message = database.envelope(payment(), None).to_message()
    message = Message(message.name, {**message.headers, "traceparent": said}, message.body)

    assert Envelope.from_message(message).traceparent is None
    assert tracing.remote_context(said) is None
    with traced() as seen:
        await deliver(Consumer(database, handlers), [message])
        handled = seen.one("process payment.completed.v1")
    assert handled.parent is None
    [row] = await waiting(database)
    assert Envelope.from_message(Message(row.name, row.headers, row.body)).traceparent


async def test_work_of_a_row_goes_on_with_its_action(database):
    correlation = uuid4()
    with traced() as seen:
        with taking_up(Origin(correlation, PLACE)), span("work", service="notifier"):
            assert CORRELATION.get() == correlation
            async with database.transaction() as tx:
                assert tx.origin.correlation_id == correlation
                tx.publish(payment())
        [row] = await waiting(database)

        work = seen.one("work")
    assert f"{trace_of(work):032x}" == PLACE.split("-")[1]
    assert row.headers["traceparent"].split("-")[1] == PLACE.split("-")[1]
    assert row.headers["ce-correlationid"] == str(correlation)
    assert CORRELATION.get() is None


async def test_a_request_that_takes_up_anothers_work_is_linked_to_it():
    with traced() as seen:
        with span("operator", service="agent-runner"), taking_up(Origin(None, PLACE)):
            pass

        [link] = seen.one("operator").links
    assert f"{link.context.trace_id:032x}" == PLACE.split("-")[1]


async def test_no_trace_begins_with_a_step():
    with traced() as seen, step("put file", service="agent-runner"):
        pass

    assert seen.spans == []


async def test_requests_that_are_answered_together_keep_their_traces_and_are_linked(database):
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def decide(tx, asked):
        entered.set()
        await go_on.wait()
        for item in asked:
            item.publish(tx, payment())
        return [None for _ in asked]

    group = GroupCommit(database, decide)

    async def ask(name):
        with span(name, service="tasks", kind=SpanKind.SERVER):
            await group.ask(name)

    with traced() as seen:
        async with asyncio.TaskGroup() as requests:
            requests.create_task(ask("alone"))
            await entered.wait()
            requests.create_task(ask("one"))
            requests.create_task(ask("two"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            go_on.set()
        places = [row.headers["traceparent"].split("-")[2] for row in await waiting(database)]

        alone, one, two = (seen.one(name) for name in ("alone", "one", "two"))
        batch, transactions = seen.one("answer batch"), seen.all("transaction")
    assert places == [f"{span_id(each):016x}" for each in (alone, one, two)]
    assert [is_below(each, above) for each, above in zip(transactions, (alone, batch), strict=True)]
    assert linked(batch) == {span_id(one), span_id(two)}
    assert linked(one) == {span_id(batch)}


async def test_only_known_attributes_leave_and_no_text_of_an_error():
    def fail():
        with span("work", service="auth", attributes={"run.attempt": 1}) as work:
            work.set_attribute("url.query", "token=secret")
            work.add_event("said", {"text": "secret"})
            message = "payer@example.com"
            raise Flaw(message)

    with traced() as seen:
        with pytest.raises(Flaw):
            fail()

        left = seen.one("work")
    assert dict(left.attributes) == {"run.attempt": 1, "error.type": "Flaw"}
    assert (left.events, left.status.description) == ((), None)
    assert left.status.status_code is StatusCode.ERROR


async def test_each_span_leaves_under_its_services_name():
    with traced(owners={"/api/tasks": "tasks"}) as seen:
        for service in ("billing", "auth"):
            with span(service, service=service):
                pass
        with seen.provider.get_tracer("fastapi").start_as_current_span("POST") as served:
            served.set_attribute("http.route", "/api/tasks")
        seen.provider.get_tracer("fastapi").start_span("GET").end()

        names = {each.name: seen.service(each) for each in seen.spans}
    assert names == {"billing": "billing", "auth": "auth", "POST": "tasks", "GET": "impacter"}


async def test_one_name_for_a_process_is_kept_beside_each_services_own():
    kept = InMemorySpanExporter()
    provider = traced_by(Outgoing(kept, name="all of it"), ALWAYS_ON)

    provider.get_tracer("x").start_span("work", attributes={tracing.SERVICE: "auth"}).end()
    provider.shutdown()

    [left] = kept.get_finished_spans()
    assert left.resource.attributes["service.name"] == "all of it"
    assert left.resource.attributes["impacter.service"] == "auth"


@asynccontextmanager
async def served(database):
    router = APIRouter()

    @router.get("/things/{thing_id}")
    async def show(thing_id: str, tx: Transaction) -> str | None:
        if thing_id == "bad":
            message = "payer@example.com"
            raise Flaw(message)
        log.info("shown")
        return tracing.current()

    service = Service(
        name="auth", database=database, migrations="", router=router, resources={Database: database}
    )
    transport = httpx2.ASGITransport(build_app([service], MemoryBus()), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize("said", [PLACE, "00-x", "", "é" * 40, PLACE + ",x"])
async def test_a_request_begins_a_trace_of_its_own_whatever_it_says(database, said):
    correlation = str(uuid4())
    headers = {"traceparent": said.encode(), "tracestate": "a=b", "x-correlation-id": correlation}
    with traced(owners={"/things/{thing_id}": "auth"}) as seen, capture_logs() as lines:
        async with served(database) as client:
            answer = await client.get("/things/7?token=secret", headers=headers)

        request = seen.one("GET /things/{thing_id}")
    assert (answer.status_code, request.parent, request.links) == (200, None, ())
    assert f"{trace_of(request):032x}" != PLACE.split("-")[1]
    assert answer.headers["traceresponse"] == answer.json()
    assert answer.headers["traceresponse"].split("-")[2] == f"{span_id(request):016x}"
    assert dict(request.attributes) == {
        "correlation.id": correlation,
        "http.request.method": "GET",
        "http.route": "/things/{thing_id}",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "url.scheme": "http",
    }
    assert seen.service(request) == "auth"
    assert is_below(seen.one("transaction"), request)
    assert [line["event"] for line in lines] == ["shown"]


async def test_a_request_that_fails_says_so_and_not_why(database):
    with traced() as seen:
        async with served(database) as client:
            answer = await client.get("/things/bad")

        request = seen.one("GET /things/{thing_id}")
    assert answer.status_code == 500
    assert request.status.status_code is StatusCode.ERROR
    assert request.attributes["error.type"] == "test_tracing.Flaw"
    assert (request.events, request.status.description) == ((), None)


async def test_probes_are_not_traced(database):
    with traced() as seen:
        async with served(database) as client:
            answers = [await client.get(path) for path in ("/health/live", "/version")]

        assert seen.spans == []
    assert all("traceresponse" not in answer.headers for answer in answers)


async def test_a_log_line_names_the_trace():
    with traced() as seen, span("work", service="auth"):
        line = logs._add_correlation(None, "info", {"event": "done"})

    assert line == {"event": "done", "trace_id": f"{trace_of(seen.one('work')):032x}"}
    assert logs._add_correlation(None, "info", {"event": "done"}) == {"event": "done"}


class Away(InMemorySpanExporter):
    """A collector that is away until it is back."""

    is_away = True

    def export(self, spans):
        return SpanExportResult.FAILURE if self.is_away else super().export(spans)


async def test_a_collector_that_is_away_costs_one_log_line():
    inner = Away()
    outgoing = Outgoing(inner)
    provider = traced_by(InMemorySpanExporter(), ALWAYS_ON)
    one = provider.get_tracer("x").start_span("work")
    one.end()

    with capture_logs() as lines:
        for _ in range(3):
            outgoing.export([one])
        inner.is_away = False
        outgoing.export([one])
        outgoing.export([one])

    assert [line["event"] for line in lines] == ["traces_not_delivered", "traces_delivered_again"]
    provider.shutdown()


async def test_what_is_not_sampled_is_not_sampled_further_on(database, bus, handlers):
    with traced(ALWAYS_OFF):
        await publish(database)
        await Relay(database, bus).run_once()
    [message] = bus.published
    assert tracing.remote_context(message.headers["traceparent"]).trace_flags.sampled is False

    with traced(sampler_of("parentbased_always_on", 1)) as seen:
        await deliver(Consumer(database, handlers), [message])
        assert seen.all("process payment.completed.v1") == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("always_on", "AlwaysOnSampler"),
        ("always_off", "AlwaysOffSampler"),
        ("traceidratio", "TraceIdRatioBased{0.25}"),
        ("parentbased_always_on", "ParentBased{root:AlwaysOnSampler"),
        ("parentbased_always_off", "ParentBased{root:AlwaysOffSampler"),
        ("parentbased_traceidratio", "ParentBased{root:TraceIdRatioBased{0.25}"),
    ],
)
async def test_samplers_have_opentelemetrys_names(name, said):
    assert sampler_of(name, 0.25).get_description().startswith(said)
