"""The demo executor: the same answer each time, and always called what it is."""

import asyncio
import csv

import pytest
from runner_rig import held

from agent_runner import demo
from agent_runner.agents import AgentFailed, Assignment, Progress
from agent_runner.demo import DemoAgent
from shared.clock import Ids
from shared.contracts.tasks import TaskFinished, TaskProgressed


def assignment(prompt, agent_type="lead-generation", attempt=1):
    return Assignment(
        task_id=Ids().new(),
        attempt=attempt,
        agent_type=agent_type,
        prompt=prompt,
        timeout_s=60,
    )


async def run(prompt, folder, *, hear=lambda _: None, **details):
    notes = []

    async def report(step: Progress) -> None:
        notes.append(step.note)
        hear(step.note)

    folder.mkdir(exist_ok=True)
    return await DemoAgent().run(assignment(prompt, **details), folder, report), notes


async def test_as_many_leads_as_were_asked_for(tmp_path):
    answer, notes = await run("Find me 100 leads in Miami", tmp_path)

    [file] = answer.files
    with file.path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert (file.name, file.media_type, answer.units_used) == ("leads.csv", "text/csv", 100)
    assert len(rows) == 100
    assert len({row["email"] for row in rows}) == 100
    assert all(row["email"].endswith("@example.com") for row in rows)
    assert all(row["website"].endswith(".example.com") for row in rows)
    assert all("(demo)" in row["company"] and row["city"] == "Miami" for row in rows)
    assert demo.LABEL in answer.text
    assert "Found 100 leads in Miami" in answer.text
    assert len(notes) == 2


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("Find leads", demo.LEADS_USUAL),
        ("Find 1,250 leads", 1250),
        ("Find 0 leads", 1),
        ("Find 99999999999999999999999 leads", demo.LEADS_MAX),
        ("[demo: slow 0] find 3 leads", 3),
        ("", demo.LEADS_USUAL),
    ],
)
async def test_the_number_is_read_from_the_prompt(tmp_path, prompt, count):
    answer, _ = await run(prompt, tmp_path)

    assert answer.units_used == count


async def test_the_same_prompt_gives_the_same_result(tmp_path):
    one, _ = await run("Find 10 leads", tmp_path / "one")
    two, _ = await run("Find 10 leads", tmp_path / "two")
    other, _ = await run("Find 10 leads soon", tmp_path / "other")

    assert one.files[0].path.read_bytes() == two.files[0].path.read_bytes()
    assert one.files[0].path.read_bytes() != other.files[0].path.read_bytes()


async def test_other_work_is_a_labelled_text_and_a_file(tmp_path):
    answer, _ = await run("Compare\nbanks", tmp_path, agent_type="research")

    [file] = answer.files
    assert answer.text.startswith(demo.LABEL)
    assert "> Compare\n> banks" in answer.text
    assert (file.name, file.path.read_text(), answer.units_used) == ("result.md", answer.text, None)


async def test_a_prompt_can_ask_the_demo_to_fail(tmp_path):
    with pytest.raises(AgentFailed) as failure:
        await run("Do it [demo: fail]", tmp_path)

    assert not failure.value.is_worth_retrying


async def test_a_prompt_can_ask_the_demo_to_fail_at_first(tmp_path):
    with pytest.raises(AgentFailed) as failure:
        await run("Do it [demo: flaky]", tmp_path)
    assert failure.value.is_worth_retrying

    answer, _ = await run("Do it [demo: flaky]", tmp_path, attempt=2)
    assert answer.text


async def test_a_prompt_can_ask_the_demo_to_break(tmp_path):
    with pytest.raises(RuntimeError):
        await run("Do it [demo: break]", tmp_path)


async def test_a_prompt_can_ask_the_demo_to_hang_until_it_is_cancelled(tmp_path):
    heard = asyncio.Queue()
    hanging = asyncio.create_task(run("Do it [Demo: hang]", tmp_path, hear=heard.put_nowait))
    async with asyncio.timeout(30):
        while "hangs" not in await heard.get():
            pass

    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging


async def test_a_prompt_can_ask_the_demo_to_take_its_time(tmp_path):
    _, notes = await run("Do it [demo: slow 1]", tmp_path)

    assert "The demo agent works slowly: 0 of 1 seconds." in notes


async def test_the_demo_can_always_take_work():
    await DemoAgent().check()


async def test_the_demo_serves_a_whole_run(runner_with):
    async with runner_with(DemoAgent()) as rig:
        await rig.sut.deliver(held("Find me 5 leads in New York City", "lead-generation"))
        await rig.sut.work()

        [end] = await rig.sut.published(TaskFinished)
        assert (end.outcome, end.executor, end.units_used) == ("succeeded", "demo", 5)
        assert "New York City" in end.result
        assert [file.name for file in end.files] == ["leads.csv"]
        assert len(await rig.sut.published(TaskProgressed)) == 2
