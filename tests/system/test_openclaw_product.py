"""The whole product on the real OpenClaw gateway: work asked for in the chat, done by an agent, and paid once."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from shared.testing import eventually
from tests.collector import Collector, collecting
from tests.flows.product import Product, running
from tests.system.openclaw_gateway import OpenClawGateway, openclaw_gateway

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

TURN = "agent-runner: invoke_agent general (client)"


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenClawGateway]:
    async with openclaw_gateway(tmp_path_factory.mktemp("openclaw")) as started:
        yield started


@pytest.fixture(scope="module")
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as started:
        yield started


@pytest.fixture(scope="module")
async def product(
    gateway: OpenClawGateway, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Product]:
    folder: Path = tmp_path_factory.mktemp("product")
    variables = {
        "OPENCLAW_URL": gateway.url,
        "OPENCLAW_TOKEN": gateway.token,
        "AGENT_RUNNER_OPENCLAW_WORKSPACES": str(gateway.workspaces),
        "AGENT_RUNNER_RUN_S_MAX": "240",
    }
    async with running("embedded", folder, **variables, **collector.variables) as started:
        yield started


async def test_a_task_is_done_by_an_agent_and_captured(product):
    customer = await product.customer(funds=100)

    accepted = await customer.ask(
        "Research it [[WRITE report.md|# What was found]]", agent_type="research"
    )

    task = await customer.task_is(accepted["task_id"], "completed", within_s=120)
    [file] = [item for item in task["files"] if item["name"] == "report.md"]
    link = await product.http.get(
        f"/api/tasks/{task['task_id']}/files/{file['id']}", headers=customer.headers
    )
    assert (await product.http.get(link.headers["location"])).text == "# What was found"
    await customer.credits_are(80)


async def test_an_agents_turn_is_in_the_customers_trace_down_to_the_model(
    product, collector, gateway
):
    customer = await product.customer(funds=100)
    description = f"Say it {uuid4().hex} [[SAY Done.]]"
    answer = await customer.post(
        "/api/tasks", {"description": description, "agent_type": "general"}
    )
    trace_id = answer.headers["traceresponse"].split("-")[1]
    await customer.task_is(answer.json()["task_id"], "completed", within_s=120)

    trace = await collector.trace_with(trace_id, TURN, "notifier: mail task_complete (internal)")

    turn = trace.one(TURN)
    assert trace.path(turn)[-2:] == ["agent-runner: run openclaw (internal)", TURN]
    assert turn.attributes["gen_ai.response.model"]
    assert turn.attributes["gen_ai.usage.output_tokens"] > 0
    [call] = gateway.model.calls_with(description)
    assert (call.traceparent or "").split("-")[1:2] == [trace_id]


async def test_a_gateway_killed_in_mid_run_costs_the_customer_nothing_twice(product, gateway):
    customer = await product.customer(funds=100)
    accepted = await customer.ask("Take your time [[SLOW 6]]", agent_type="general")
    await customer.task_is(accepted["task_id"], "running")

    async def is_asked() -> bool:
        return bool(gateway.model.calls_with("[[SLOW 6]]"))

    await eventually(is_asked, within_s=240, what="a call of the model")
    await gateway.kill()
    await gateway.start()

    await customer.task_is(accepted["task_id"], "completed", within_s=240)
    summary = await customer.credits_are(90)
    captures = [row for row in summary["transactions"] if row["kind"] == "capture"]
    assert [row["amount"] for row in captures] == [-10]


async def test_a_cancelled_task_ends_at_the_model_too(product, gateway):
    customer = await product.customer(funds=100)
    accepted = await customer.ask("Never mind [[SLOW 120]]", agent_type="general")

    async def is_asked() -> bool:
        return bool(gateway.model.calls_with("[[SLOW 120]]"))

    await eventually(is_asked, within_s=240, what="a call of the model")
    await customer.post(f"/api/tasks/{accepted['task_id']}/cancel")

    await customer.task_is(accepted["task_id"], "cancelled")
    await customer.credits_are(100)

    async def is_dropped() -> bool:
        return all(call.is_dropped for call in gateway.model.calls_with("[[SLOW 120]]"))

    await eventually(is_dropped, within_s=240, what="the end of the model's work")
