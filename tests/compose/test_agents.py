"""The agents' container: the real OpenClaw gateway of the profile, at a model that does what it is told."""

import inspect

import pytest

from shared.testing import eventually
from tests.system import fake_model

PORT = 9999
SERVED = f"""{inspect.getsource(fake_model)}
app = Starlette(routes=[Route("/v1/chat/completions", FakeModel()._complete, methods=["POST"])])
uvicorn.run(app, host="0.0.0.0", port={PORT})
"""


@pytest.fixture
async def agents(stack):
    """The stack with the profile and the model, which lives beside the runner for want of a place of its own."""
    usual = dict(stack.variables)
    stack.variables |= {
        "COMPOSE_PROFILES": "openclaw",
        "OPENCLAW_URL": "ws://openclaw:18789",
        "LLM_BASE_URL": f"http://agent-runner:{PORT}/v1",
        "LLM_API_KEY": "none is needed",
        "LLM_MODEL": "fake",
        "AGENT_RUNNER_RUN_S_MAX": "600",
    }
    await stack.compose("up", "-d", "--build", "--wait")
    await stack.compose("exec", "-d", "agent-runner", "python", "-c", SERVED)
    yield stack
    await stack.compose("rm", "--stop", "--force", "openclaw")
    stack.variables.clear()
    stack.variables.update(usual)
    await stack.compose("up", "-d", "--wait")


async def test_a_task_is_done_by_the_agent_and_its_file_comes_back(agents, product):
    customer = await product.customer(funds=1000)
    asked = "Find leads [[WRITE leads.csv|name,town]] [[SAY Here is one lead.]]"

    task_id = (await customer.post("/api/tasks", {"description": asked})).json()["task_id"]
    await customer.task_is(task_id, "completed", within_s=300)

    async def is_charged() -> bool:
        return bool((await customer.task(task_id))["credits_spent"])

    await eventually(is_charged, what="the charge, a moment after the delivery")
    task = await customer.task(task_id)
    assert (task["executor"], task["result"]) == ("openclaw", "Here is one lead.")
    assert [file["name"] for file in task["files"]] == ["leads.csv"]
    await customer.credits_are(1000 - task["credits_spent"])
    assert task["credits_spent"] > 0
