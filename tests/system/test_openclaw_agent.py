"""The OpenClaw executor against a real OpenClaw gateway; only the language model is played."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from agent_runner.agents import AgentFailed, Answer, Assignment, Progress
from agent_runner.executors import AGENT_TYPES
from agent_runner.openclaw.agent import OpenClawAgent
from agent_runner.openclaw.failures import MODEL_REJECTED, STOPPED
from shared.testing import eventually
from tests.system.fake_model import ModelCall
from tests.system.openclaw_gateway import OpenClawGateway, openclaw_gateway

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenClawGateway]:
    async with openclaw_gateway(tmp_path_factory.mktemp("openclaw")) as gateway:
        yield gateway


@pytest.fixture
def agent(gateway: OpenClawGateway) -> OpenClawAgent:
    return agent_for(gateway)


def agent_for(gateway: OpenClawGateway) -> OpenClawAgent:
    return OpenClawAgent(
        url=gateway.url,
        token=gateway.token,
        agents={name: name for name in AGENT_TYPES},
        default_agent="general",
        workspaces=gateway.workspaces,
    )


class Task:
    """One customer's task; the model's calls for it are found by its id."""

    def __init__(self, prompt: str, scratch: Path, kind: str = "general") -> None:
        self.id: UUID = uuid4()
        self.heard: dict[int, list[Progress]] = defaultdict(list)
        self._prompt = f"Task {self.id}: {prompt}"
        self._scratch = scratch
        self._kind = kind

    def begin(self, agent: OpenClawAgent, attempt: int = 1) -> asyncio.Task[Answer]:
        assignment = Assignment(self.id, attempt, self._kind, self._prompt, timeout_s=300)

        async def hear(progress: Progress) -> None:
            self.heard[attempt].append(progress)

        return asyncio.create_task(agent.run(assignment, self._scratch, hear))

    def calls(self, gateway: OpenClawGateway) -> list[ModelCall]:
        return gateway.model.calls_with(str(self.id))

    async def until_at_work(self, gateway: OpenClawGateway) -> ModelCall:
        async def is_at_work() -> bool:
            return bool(self.calls(gateway))

        await eventually(is_at_work, within_s=120, what="a call of the model")
        return self.calls(gateway)[0]

    async def until_heard(self, attempt: int) -> None:
        async def is_heard() -> bool:
            return bool(self.heard[attempt])

        await eventually(is_heard, what="progress")


async def until_dropped(call: ModelCall) -> None:
    async def is_dropped() -> bool:
        return call.is_dropped

    await eventually(is_dropped, what="the end of the call of the model")


async def test_the_recommended_configuration_has_all_our_agents(agent):
    await agent.check()


async def test_a_task_is_answered_with_text_and_a_file(agent, tmp_path):
    prompt = "[[WRITE out/leads.csv|name\nAda\n]] [[SAY Here is **one** lead.]]"
    task = Task(prompt, tmp_path, kind="lead-generation")

    answer = await task.begin(agent)

    assert answer.text == "Here is **one** lead."
    assert [(file.name, file.media_type) for file in answer.files] == [("leads.csv", "text/csv")]
    assert answer.files[0].path.read_text() == "name\nAda\n"
    assert any("leads.csv" in (progress.note or "") for progress in task.heard[1])


async def test_a_long_answer_comes_uncut(agent, tmp_path):
    answer = await Task("[[LONG 300000]]", tmp_path).begin(agent)

    assert len(answer.text) == len(("lorem ipsum\n" * 300000)[:300000].strip())


async def test_a_gateway_killed_in_mid_run_still_gives_exactly_one_answer(gateway, agent, tmp_path):
    task = Task("[[SLOW 6]] [[SAY survived]]", tmp_path)
    working = task.begin(agent)
    await task.until_at_work(gateway)

    await gateway.kill()
    await gateway.start()
    answer = await working

    assert answer.text == "word0 word1 word2 word3 word4 word5 survived"
    assert [call.is_dropped for call in task.calls(gateway)] == [True, False]

    again = await task.begin(agent, attempt=2)

    assert again.text == answer.text
    assert len(task.calls(gateway)) == 2


async def test_a_cancelled_task_ends_at_the_model(gateway, agent, tmp_path):
    task = Task("[[HANG 200]]", tmp_path)
    working = task.begin(agent)
    call = await task.until_at_work(gateway)

    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    await until_dropped(call)


async def test_any_runner_can_end_a_run_that_another_began(gateway, agent, tmp_path):
    task = Task("[[SLOW 200]]", tmp_path)
    first = task.begin(agent)
    call = await task.until_at_work(gateway)
    second = task.begin(agent_for(gateway), attempt=2)
    await task.until_heard(attempt=2)

    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second

    await until_dropped(call)
    with pytest.raises(AgentFailed, match=STOPPED):
        await first


async def test_a_failed_attempt_stays_failed_and_the_next_one_is_a_new_run(
    gateway, agent, tmp_path
):
    task = Task("[[ERR 400]]", tmp_path)

    for _ in range(2):
        with pytest.raises(AgentFailed, match=MODEL_REJECTED):
            await task.begin(agent)
    assert len(task.calls(gateway)) == 1

    with pytest.raises(AgentFailed, match=MODEL_REJECTED):
        await task.begin(agent, attempt=2)
    assert len(task.calls(gateway)) == 2


async def test_a_task_cannot_read_the_files_of_another(gateway, agent, tmp_path):
    stranger = Task("[[WRITE secret.txt|for nobody else]]", tmp_path)
    await stranger.begin(agent)
    task = Task(f'[[TOOL read {{"path": "../{stranger.id}/secret.txt"}}]]', tmp_path)

    await task.begin(agent)

    [result] = task.calls(gateway)[-1].tool_results
    assert "escapes" in result
    assert "exec" not in task.calls(gateway)[-1].tools
