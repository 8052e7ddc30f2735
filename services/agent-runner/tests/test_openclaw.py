"""The OpenClaw executor against a gateway in this process, whose agents the tests play."""

import asyncio
from pathlib import Path

import pytest
from fake_gateway import Run
from openclaw_parts import agent_for

from agent_runner.agents import AgentFailed, Progress
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


@pytest.mark.parametrize("earlier", ["", "First I search."])
async def test_an_answer_that_comes_while_the_transcript_is_read_is_not_missed(
    gateway, agent, customer, earlier
):
    working = customer.ask(agent)
    run = await gateway.next_run()

    run.session.add("assistant", earlier)
    gateway.finish(run, "Found it.", files={"out/leads.csv": b"name"})
    run.session.late_count = 1

    assert (await working).text == "Found it."


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
