"""The whole product on the real OpenClaw gateway: work asked for in the chat, done by an agent, and paid once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.testing import eventually
from tests.flows.product import Product, running
from tests.system.openclaw_gateway import OpenClawGateway, openclaw_gateway

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenClawGateway]:
    async with openclaw_gateway(tmp_path_factory.mktemp("openclaw")) as started:
        yield started


@pytest.fixture(scope="module")
async def product(
    gateway: OpenClawGateway, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Product]:
    folder: Path = tmp_path_factory.mktemp("product")
    variables = {
        "OPENCLAW_URL": gateway.url,
        "OPENCLAW_TOKEN": gateway.token,
        "AGENT_RUNNER_OPENCLAW_WORKSPACES": str(gateway.workspaces),
        "AGENT_RUNNER_RUN_S_MAX": "240",
    }
    async with running("embedded", folder, **variables) as started:
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


async def test_a_gateway_killed_in_mid_run_costs_the_customer_nothing_twice(product, gateway):
    customer = await product.customer(funds=100)
    accepted = await customer.ask("Take your time [[SLOW 6]]", agent_type="general")
    await customer.task_is(accepted["task_id"], "running")

    async def is_asked() -> bool:
        return bool(gateway.model.calls_with("[[SLOW 6]]"))

    await eventually(is_asked, within_s=60, what="a call of the model")
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

    await eventually(is_asked, within_s=60, what="a call of the model")
    await customer.post(f"/api/tasks/{accepted['task_id']}/cancel")

    await customer.task_is(accepted["task_id"], "cancelled")
    await customer.credits_are(100)

    async def is_dropped() -> bool:
        return all(call.is_dropped for call in gateway.model.calls_with("[[SLOW 120]]"))

    await eventually(is_dropped, within_s=60, what="the end of the model's work")
