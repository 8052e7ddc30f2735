"""One customer's action is one trace: HTTP, outbox, bus, handlers, workers, mails, in every service."""

import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from embedded.defaults import own_secrets
from embedded.postgres import EmbeddedPostgres
from shared.db import Database
from shared.testing import eventually
from tests.flows.product import ADMIN_KEY, Customer, link_token
from tests.stripe_events import WEBHOOK_SECRET

LEADS = "Find me 100 leads in Miami"
STRANGERS_TRACE = "0af7651916cd43dd8448eb211c80319c"

ADMITTED = [
    "tasks: POST /api/tasks (server)",
    "tasks: send task.created.v1 (producer)",
    "billing: process task.created.v1 (consumer)",
    "billing: send credits.held.v1 (producer)",
]
BEGUN = [*ADMITTED, "agent-runner: process credits.held.v1 (consumer)"]
RUN = [*BEGUN, "agent-runner: run demo (internal)"]
FINISHED = [*RUN, "agent-runner: send task.finished.v1 (producer)"]
MAILED = [
    *FINISHED,
    "notifier: process task.finished.v1 (consumer)",
    "notifier: mail task_complete (internal)",
    "notifier: hand over mail (client)",
]
A_TASKS = [
    [*ADMITTED, "tasks: process credits.held.v1 (consumer)"],
    [
        *BEGUN,
        "agent-runner: send task.started.v1 (producer)",
        "tasks: process task.started.v1 (consumer)",
    ],
    [*RUN, "agent-runner: put file (client)"],
    [*RUN, "agent-runner: send task.progressed.v1 (producer)"],
    [*FINISHED, "tasks: process task.finished.v1 (consumer)"],
    [
        *FINISHED,
        "billing: process task.finished.v1 (consumer)",
        "billing: send credits.settled.v1 (producer)",
        "tasks: process credits.settled.v1 (consumer)",
    ],
    MAILED,
]

PAID = ["billing: POST /api/webhooks/stripe (server)"]
REGISTERED = [
    *PAID,
    "billing: send payment.completed.v1 (producer)",
    "auth: process payment.completed.v1 (consumer)",
    "auth: send user.registered.v1 (producer)",
]
A_PAYMENTS = [
    [*PAID, "billing: verify stripe event (internal)"],
    [
        *REGISTERED,
        "billing: process user.registered.v1 (consumer)",
        "billing: send credits.granted.v1 (producer)",
        "tasks: process credits.granted.v1 (consumer)",
    ],
    [
        *REGISTERED,
        "notifier: process user.registered.v1 (consumer)",
        "notifier: mail welcome (internal)",
        "notifier: hand over mail (client)",
    ],
]


def trace_of(answer):
    return answer.headers["traceresponse"].split("-")[1]


@pytest.fixture(autouse=True)
def _traced(module):
    if module == "compose":
        pytest.skip("the containers send their traces elsewhere")


async def begin(customer, description=LEADS, **headers):
    """Ask for work; return the task's id and the trace's."""
    answer = await customer.post(
        "/api/tasks", {"description": description}, **{"Idempotency-Key": uuid4().hex, **headers}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["task_id"], trace_of(answer)


async def whole(collector, trace_id, paths):
    """Return the trace, once it has all these paths from its root."""
    trace = await collector.trace_with(trace_id, *{name for path in paths for name in path})
    there = [trace.path(span) for span in trace.spans]
    missing = [path for path in paths if path not in there]
    assert not missing, f"{missing}\n{trace}"
    return trace


async def test_a_task_is_one_trace_from_the_request_to_the_mail(product, collector, customer):
    task_id, trace_id = await begin(customer)

    trace = await whole(collector, trace_id, A_TASKS)

    assert [span for span in trace.spans if not span.parent_id] == trace.all(ADMITTED[0])
    assert trace.services == {"tasks", "billing", "auth", "agent-runner", "notifier"}
    assert not any(span.is_failed for span in trace.spans)
    run = trace.one(RUN[-1]).attributes
    assert (run["task.id"], run["run.attempt"], run["run.turn"]) == (task_id, 1, "done")
    correlations = {span.attributes.get("correlation.id") for span in trace.spans} - {None}
    assert len(correlations) == 1


async def test_a_payment_is_one_trace_from_the_webhook_to_the_mail(product, collector):
    payer = Customer(product, f"{uuid4().hex}@example.com")
    before = len(collector.spans)
    await product.pay(payer.address)
    await product.mail(payer.address, "Welcome")

    async def has_arrived():
        return webhooks(collector, before)

    await eventually(has_arrived, what="the webhook's span")
    trace = await whole(collector, webhooks(collector, before)[0].trace_id, A_PAYMENTS)

    assert trace.services == {"tasks", "billing", "auth", "notifier"}


def webhooks(collector, before):
    return [span for span in collector.spans[before:] if str(span) == PAID[0]]


async def test_what_is_retried_after_it_was_parked_stays_in_the_trace(product, collector, customer):
    user_id = (await customer.get("/api/user"))["id"]
    notifier = Database(
        EmbeddedPostgres(product.folder / "postgres").url("notifier"), source="test"
    )
    try:
        async with refused(notifier, user_id):
            _, trace_id = await begin(customer)
            await eventually(lambda: is_parked(notifier, user_id), what="a parked event")
    finally:
        await notifier.close()
    await product.mail(customer.address, "complete")

    trace = await whole(collector, trace_id, A_TASKS)

    tries = sorted(trace.all(MAILED[-3]), key=lambda span: span.start)
    assert [span.is_failed for span in tries] == [True] * (len(tries) - 1) + [False]
    assert len(tries) > 1
    assert {span.parent_id for span in tries} == {trace.one(FINISHED[-1]).id}
    log = b"".join(file.read_bytes() for file in logs_of(product))
    assert f'"trace_id": "{trace_id}"' in log.decode()


class refused:  # noqa: N801 - it reads as what it does
    """Have the notifier's database refuse a user's mails within the block."""

    def __init__(self, notifier, user_id):
        self._notifier = notifier
        self._user_id = user_id

    async def __aenter__(self):
        await self._execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'not now'; END $$",
            "CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW"
            f" WHEN (NEW.user_id = '{UUID(hex=self._user_id.removeprefix('usr_'))}') EXECUTE FUNCTION refuse()",
        )

    async def __aexit__(self, *_):
        await self._execute("DROP TRIGGER refuse ON messages", "DROP FUNCTION refuse")

    async def _execute(self, *statements):
        async with self._notifier.transaction() as tx:
            for statement in statements:
                await tx.execute(text(statement))


async def is_parked(notifier, user_id):
    statement = text(
        "SELECT body FROM parked WHERE state = 'retrying' AND name = 'task.finished.v1'"
    )
    async with notifier.transaction() as tx:
        bodies = [json.loads(bytes(row.body)) for row in await tx.execute(statement)]
    return user_id in [body["user_id"] for body in bodies]


@pytest.mark.parametrize(
    "said", [f"00-{STRANGERS_TRACE}-b7ad6b7169203331-01", "00-not-a-trace", "x" * 5000]
)
async def test_a_traceparent_from_the_internet_is_not_believed(collector, customer, said):
    correlation = str(uuid4())

    task_id, trace_id = await begin(customer, traceparent=said, **{"x-correlation-id": correlation})
    await customer.task_is(task_id, "completed")

    trace = await whole(collector, trace_id, [FINISHED])
    assert trace_id != STRANGERS_TRACE
    assert trace.one(ADMITTED[0]).parent_id == ""
    assert trace.one(ADMITTED[0]).attributes["correlation.id"] == correlation
    assert not collector.trace(STRANGERS_TRACE).spans


async def test_nothing_personal_and_no_secret_is_in_any_byte_of_a_trace(product, collector):
    secret = uuid4().hex
    payer = Customer(product, f"{secret}@example.com", password=f"the password {secret}")
    session = await product.pay(payer.address)
    token = link_token(await product.mail(payer.address, "Welcome"))
    claim = {"token": token, "password": payer.password}
    payer.take(await product.http.post("/api/auth/claim", json=claim))
    await product.http.get(f"/api/tasks?q={secret}", headers=payer.headers)
    await eventually(lambda: knows_credits(payer), what="the credits")
    task_id, trace_id = await begin(payer, f"Find leads {secret} [demo: fail {secret}]")
    await product.http.get(f"/nowhere/{secret}")
    await payer.post("/api/tasks", {"description": f"Find leads {secret}", "quote_id": secret})
    await payer.task_is(task_id, "failed", "completed", "timed_out")
    await product.mail(payer.address, "task")
    await whole(collector, trace_id, [FINISHED])

    sent = b"".join(collector.received)
    words = {
        *(secret, token, session["id"], payer.headers["Authorization"].split()[1]),
        *("example.com", "the password", "Find leads", "Bearer", "whsec_", "sk_test", "?"),
        *(ADMIN_KEY, WEBHOOK_SECRET, *own_secrets(product.folder).values()),
    }
    assert [word for word in words if word.encode() in sent and word != "?"] == []
    assert not any("?" in str(value) for span in collector.spans for value in all_of(span))


async def knows_credits(customer):
    return (await customer.first_event())["credits"]["available"]


def all_of(span):
    return [span.name, *span.attributes.values()]


def logs_of(product) -> list[Path]:
    return [product.folder / "product.log", *(product.folder / "logs").glob("*.log")]
