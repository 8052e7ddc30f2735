"""The OpenClaw executor against a gateway in this process, whose agents the tests play."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from fake_gateway import TOKEN, FakeGateway, Run

from agent_runner.agents import AgentFailed, Answer, Assignment, Progress
from agent_runner.openclaw.agent import OpenClawAgent
from agent_runner.openclaw.failures import (
    MODEL_FAILED,
    NEVER_REACHED,
    NO_AGENT,
    NO_ANSWER,
    NOT_AVAILABLE,
    OUT_OF_TIME,
)
from agent_runner.openclaw.files import safe_name, unique_names
from agent_runner.openclaw.limits import Limits

IN_NO_TIME = Limits(poll_s=0, reconnect_s=0, progress_interval_s=0)


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        yield gateway


@pytest.fixture
def agent(gateway: FakeGateway) -> OpenClawAgent:
    return agent_for(gateway)


def agent_for(gateway: FakeGateway, **changes) -> OpenClawAgent:
    settings = {
        "url": gateway.url,
        "token": TOKEN,
        "agents": {"lead-generation": "researcher"},
        "default_agent": "writer",
        "limits": IN_NO_TIME,
    }
    return OpenClawAgent(**settings | changes)


class Customer:
    """Somebody whose task is being worked on; `heard` is what they are shown."""

    def __init__(self, scratch: Path) -> None:
        self.task_id = uuid4()
        self.heard: asyncio.Queue[Progress] = asyncio.Queue()
        self._scratch = scratch
        self._tasks: list[asyncio.Task[Answer]] = []

    def ask(
        self, agent: OpenClawAgent, attempt: int = 1, kind: str = "general", timeout_s: float = 60
    ) -> asyncio.Task[Answer]:
        assignment = Assignment(self.task_id, attempt, kind, "Find leads", timeout_s)
        self._tasks.append(
            asyncio.create_task(agent.run(assignment, self._scratch, self.heard.put))
        )
        return self._tasks[-1]

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def session_key(self, agent_id: str = "writer") -> str:
        return f"agent:{agent_id}:task:{self.task_id}"


@pytest.fixture
async def customer(gateway: FakeGateway, tmp_path: Path) -> AsyncIterator[Customer]:
    customer = Customer(tmp_path)
    yield customer
    await customer.leave()


async def test_a_task_is_answered_with_text_and_files(gateway, agent, customer):
    working = customer.ask(agent)

    run = await gateway.next_run()
    folder = f"tasks/{customer.task_id}"
    files = {f"{folder}/out/leads.csv": b"name\nAda\n", f"{folder}/.cache/x": b"-", "old.txt": b"-"}
    gateway.finish(run, "Here is **one** lead.", files)
    answer = await working

    assert answer.text == "Here is **one** lead."
    assert [(file.name, file.media_type) for file in answer.files] == [("leads.csv", "text/csv")]
    assert answer.files[0].path.read_bytes() == b"name\nAda\n"


async def test_the_agent_is_chosen_by_the_type_of_task(gateway, agent, customer):
    working = customer.ask(agent, kind="lead-generation")

    gateway.finish(await gateway.next_run(), "Done.")
    await working

    [order] = gateway.orders
    assert order["agentId"] == "researcher"
    assert order["sessionKey"] == customer.session_key("researcher")
    assert order["idempotencyKey"] == f"{customer.task_id}:1"


async def test_a_customer_hears_what_is_being_done(gateway, agent, customer):
    working = customer.ask(agent)
    run = await gateway.next_run()
    stranger = Run("another", type(run.session)("agent:writer:task:other", "writer", None), None)

    await gateway.say(stranger, "a secret")
    await gateway.use_tool(run, "Write to out/leads.csv")
    assert (await customer.heard.get()).note == "Write to out/leads.csv"
    await gateway.say(run, "Two le")
    assert await customer.heard.get() == Progress(note=None, text="Two le")
    await gateway.say(run, "Two leads")
    assert (await customer.heard.get()).text == "Two leads"

    gateway.finish(run, "Two leads")
    await working


async def test_a_talkative_agent_is_heard_once_an_interval(gateway, customer):
    working = customer.ask(agent_for(gateway, limits=Limits(poll_s=0, progress_interval_s=3600)))
    run = await gateway.next_run()

    await gateway.say(run, "One")
    assert (await customer.heard.get()).text == "One"
    await gateway.say(run, "One, two")
    await gateway.say(run, "One, two, three")
    gateway.finish(run, "One, two, three")
    await working

    assert customer.heard.get_nowait().text == "One, two, three"
    assert customer.heard.empty()


async def test_a_task_works_in_a_folder_of_its_own_on_a_shared_disk(gateway, customer, tmp_path):
    agent = agent_for(gateway, workspaces=tmp_path / "workspaces")
    working = customer.ask(agent)

    run = await gateway.next_run()
    gateway.finish(run, "Done.", {"leads.csv": b"name"})
    answer = await working

    directory = tmp_path / "workspaces" / "writer" / "tasks" / str(customer.task_id)
    assert run.session.cwd == str(directory)
    assert directory.is_dir()
    assert [file.name for file in answer.files] == ["leads.csv"]


async def test_files_beyond_the_limits_are_named_and_not_delivered(gateway, customer):
    limits = Limits(poll_s=0, files_max=2, file_bytes_max=10)
    working = customer.ask(agent_for(gateway, limits=limits))

    run = await gateway.next_run()
    files = {"a.txt": b"a", "b.bin": b"more than ten bytes", "c.txt": b"c", "d.txt": b"d"}
    gateway.finish(
        run, "Done.", {f"tasks/{customer.task_id}/{name}": files[name] for name in files}
    )
    answer = await working

    assert [file.name for file in answer.files] == ["a.txt", "c.txt"]
    assert "could not be delivered" in answer.text
    assert "b.bin" in answer.text
    assert "d.txt" in answer.text


async def test_a_failure_of_the_model_is_worth_another_attempt(gateway, agent, customer):
    working = customer.ask(agent)

    gateway.fail(await gateway.next_run(), "LLM request failed: HTTP 500 from 10.0.0.7")
    with pytest.raises(AgentFailed) as failure:
        await working

    assert failure.value.reason == MODEL_FAILED
    assert failure.value.is_worth_retrying


async def test_a_run_that_took_too_long_is_not_worth_another_attempt(gateway, agent, customer):
    working = customer.ask(agent)

    gateway.fail(await gateway.next_run(), "", status="timeout")
    with pytest.raises(AgentFailed, match=OUT_OF_TIME) as failure:
        await working

    assert not failure.value.is_worth_retrying


async def test_an_attempt_that_uses_up_its_time_is_ended_at_the_gateway(gateway, agent, customer):
    with pytest.raises(AgentFailed, match=OUT_OF_TIME):
        await customer.ask(agent, timeout_s=0.5)

    assert gateway.aborted == [f"{customer.task_id}:1"]


async def test_an_answer_with_nothing_in_it_is_a_failure(gateway, agent, customer):
    working = customer.ask(agent)

    gateway.finish(await gateway.next_run(), "")
    with pytest.raises(AgentFailed, match=NO_ANSWER):
        await working


async def test_a_cancelled_task_ends_at_the_gateway(gateway, agent, customer):
    working = customer.ask(agent)
    await gateway.next_run()

    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert gateway.aborted == [f"{customer.task_id}:1"]


async def test_a_cancelled_attempt_leaves_a_later_one_alone(gateway, agent, customer):
    gateway.begin(customer.task_id, attempt=2)
    working = customer.ask(agent, attempt=1)
    await gateway.until(lambda: "agent.wait" in gateway.requests)

    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert gateway.aborted == []


async def test_a_failing_report_ends_the_run(gateway, agent, customer):
    async def lost_lease(_: Progress) -> None:
        raise LookupError("the lease is lost")

    customer.heard.put = lost_lease
    working = customer.ask(agent)
    run = await gateway.next_run()
    await gateway.say(run, "Two leads")

    with pytest.raises(LookupError):
        await working
    assert gateway.aborted == [run.id]


async def test_a_lost_connection_does_not_matter(gateway, agent, customer):
    working = customer.ask(agent)
    run = await gateway.next_run()

    await gateway.drop_connections()
    gateway.finish(run, "Still here.")

    assert (await working).text == "Still here."
    assert len(gateway.orders) == 1


async def test_a_run_cancelled_over_a_second_connection_ends(gateway, agent, customer):
    working = customer.ask(agent)
    run = await gateway.next_run()
    await gateway.drop_connections()
    await gateway.until(lambda: gateway.requests.count("connect") == 2)

    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert gateway.aborted == [run.id]


async def test_a_run_that_the_gateway_resumes_after_a_crash_gives_the_answer(
    gateway, agent, customer
):
    working = customer.ask(agent)
    run = await gateway.next_run()

    await gateway.crash()
    looks_count = gateway.requests.count("chat.history")
    await gateway.until(lambda: gateway.requests.count("chat.history") > looks_count + 2)
    gateway.finish(gateway.recover(run.session), "Resumed.")

    assert (await working).text == "Resumed."
    assert len(gateway.orders) == 1


async def test_a_run_that_nobody_resumes_is_asked_for_again_with_the_same_key(gateway, customer):
    agent = agent_for(gateway, limits=Limits(poll_s=0, reconnect_s=0, recovery_s=0))
    working = customer.ask(agent)
    await gateway.next_run()

    await gateway.crash()
    gateway.finish(await gateway.next_run(), "At last.")

    assert (await working).text == "At last."
    assert {order["idempotencyKey"] for order in gateway.orders} == {f"{customer.task_id}:1"}


async def test_an_order_that_was_never_read_is_given_again_under_a_new_key(
    gateway, agent, customer
):
    working = customer.ask(agent)
    await gateway.next_run()

    await gateway.crash(is_message_read=False)
    gateway.finish(await gateway.next_run(), "At last.")

    assert (await working).text == "At last."
    keys = [order["idempotencyKey"] for order in gateway.orders]
    assert keys == [f"{customer.task_id}:1", f"{customer.task_id}:1:2"]


async def test_a_finished_answer_is_taken_and_not_worked_out_again(gateway, agent, customer):
    gateway.finish(gateway.begin(customer.task_id, attempt=1), "Done while you were away.")

    answer = await customer.ask(agent, attempt=2)

    assert answer.text == "Done while you were away."
    assert gateway.orders == []


async def test_a_redelivered_attempt_goes_on_with_its_run(gateway, agent, customer):
    run = gateway.begin(customer.task_id, attempt=1)
    working = customer.ask(agent, attempt=1)
    await gateway.until(lambda: "chat.history" in gateway.requests)

    gateway.finish(run, "One run.")

    assert (await working).text == "One run."
    assert gateway.orders == []


async def test_a_redelivered_attempt_that_failed_has_failed(gateway, agent, customer):
    gateway.fail(gateway.begin(customer.task_id, attempt=1), "LLM request failed")

    with pytest.raises(AgentFailed, match=MODEL_FAILED):
        await customer.ask(agent, attempt=1)

    assert gateway.orders == []


async def test_another_attempt_after_a_failure_is_a_new_run(gateway, agent, customer):
    gateway.fail(gateway.begin(customer.task_id, attempt=1), "LLM request failed")
    working = customer.ask(agent, attempt=2)

    gateway.finish(await gateway.next_run(), "Better now.")

    assert (await working).text == "Better now."
    assert gateway.orders[0]["idempotencyKey"] == f"{customer.task_id}:2"


async def test_a_wrong_token_is_told_to_the_operator_not_to_the_customer(gateway, customer):
    agent = agent_for(gateway, token="a-wrong-token")

    with pytest.raises(AgentFailed, match="refuses our token"):
        await agent.check()
    with pytest.raises(AgentFailed, match=NOT_AVAILABLE) as failure:
        await customer.ask(agent)

    assert failure.value.is_worth_retrying


async def test_a_connection_without_rights_is_told_at_the_check(gateway, agent):
    gateway.scopes = []

    with pytest.raises(AgentFailed, match="openclaw devices approve"):
        await agent.check()


async def test_an_unknown_agent_is_no_agent_for_the_task(gateway, customer):
    agent = agent_for(gateway, default_agent="nobody")

    with pytest.raises(AgentFailed, match="has no agent named nobody"):
        await agent.check()
    with pytest.raises(AgentFailed, match=NO_AGENT):
        await customer.ask(agent)


async def test_a_gateway_with_all_agents_passes_the_check(gateway):
    await agent_for(gateway).check()
    await agent_for(gateway, workspaces=Path("/workspaces")).check()


async def test_workspaces_elsewhere_fail_the_check(gateway):
    agent = agent_for(gateway, workspaces=Path("/elsewhere"))

    with pytest.raises(AgentFailed, match="works in /workspaces/researcher, not in /elsewhere"):
        await agent.check()


async def test_a_gateway_that_is_away_is_waited_for(gateway, agent, customer):
    await gateway.stop()
    with pytest.raises(AgentFailed, match="cannot be reached"):
        await agent.check()
    working = customer.ask(agent)

    await gateway.start()
    gateway.finish(await gateway.next_run(), "Back again.")

    assert (await working).text == "Back again."


async def test_a_gateway_that_stays_away_was_never_reached(gateway, customer):
    limits = Limits(reconnect_s=0.01, abort_s=0.01)
    agent = agent_for(gateway, limits=limits)
    await gateway.stop()

    with pytest.raises(AgentFailed, match=NEVER_REACHED) as failure:
        await customer.ask(agent, timeout_s=0.05)

    assert failure.value.is_worth_retrying


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("out/leads.csv", "leads.csv"),
        ("out/..", "file"),
        ('a:b"c\x00.txt', "a_b_c_.txt"),
        (" .hidden. ", "hidden"),
        ("x" * 300 + ".csv", "x" * 116 + ".csv"),
    ],
)
def test_a_file_name_is_safe_everywhere(path, name):
    assert safe_name(path) == name


def test_files_of_the_same_name_are_numbered():
    names = unique_names(["a/leads.csv", "b/Leads.csv", "c/leads.csv"])

    assert names == ["leads.csv", "Leads-2.csv", "leads-3.csv"]
