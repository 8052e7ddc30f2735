"""The desk: a person sees the runs, takes one over, attaches files, and ends it."""

import asyncio
import hashlib

import pytest
from runner_rig import Gate, PlayedAgent, cancelled, says

from agent_runner import desk, runs
from agent_runner.agents import Answer, ProducedFile
from agent_runner.routes import UPLOAD_BYTES_MAX
from shared.clock import Ids
from shared.contracts.tasks import TaskFinished, TaskStarted
from shared.ids import public
from shared.testing import ADMIN_KEY

OPERATOR = {"x-admin-key": ADMIN_KEY}


async def told(rig, task_id, **body):
    path = f"/api/admin/runs/{public('task', task_id)}/status"
    return await rig.sut.client.post(path, json=body, headers=OPERATOR)


async def attached(rig, task_id, name="leads.csv", content=b"name\n", headers=OPERATOR):
    path = f"/api/admin/runs/{public('task', task_id)}/files"
    files = {"file": (name, content, "text/csv")}
    return await rig.sut.client.post(path, files=files, headers=headers)


async def seen(rig, path="", **query):
    answer = await rig.sut.client.get(f"/api/admin/runs{path}", params=query, headers=OPERATOR)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_person_takes_a_task_attaches_files_and_completes_it(rig):
    task_id = await rig.fund("Call them")

    taken = await told(rig, task_id, status="in-progress")
    file = await attached(rig, task_id)
    done = await told(rig, task_id, status="completed", result="Called.", units_used=7)

    assert [taken.status_code, file.status_code, done.status_code] == [200, 201, 200]
    [started] = await rig.sut.published(TaskStarted)
    [end] = await rig.sut.published(TaskFinished)
    assert (started.executor, started.attempt) == ("human", 1)
    assert (end.outcome, end.result, end.units_used) == ("succeeded", "Called.", 7)
    assert end.executor == "human"
    [delivered] = end.files
    assert (delivered.name, delivered.size, delivered.media_type) == ("leads.csv", 5, "text/csv")
    assert delivered.sha256 == hashlib.sha256(b"name\n").hexdigest()
    assert rig.stored(delivered.key) == b"name\n"
    assert file.json() == done.json()["files"][0]
    assert done.json()["lease_owner"] == "admin-key"


async def test_taking_a_task_over_fences_its_agent(runner_with):
    gate = Gate(says("from the agent"))
    async with runner_with(PlayedAgent(gate)) as rig:
        task_id = await rig.fund()
        working = asyncio.create_task(rig.sut.service.workers[0].work_once())
        await gate.begun()

        await told(rig, task_id, status="running")
        gate.open()
        await working
        await told(rig, task_id, status="completed", result="from a person")

        [end] = await rig.sut.published(TaskFinished)
        assert (end.result, end.executor) == ("from a person", "human")
        attempts = [(one.attempt, one.executor) for one in await rig.sut.published(TaskStarted)]
        assert attempts == [(1, "demo"), (2, "human")]


async def test_completing_a_task_fences_its_agent_too(runner_with):
    gate = Gate(says("from the agent"))
    async with runner_with(PlayedAgent(gate)) as rig:
        task_id = await rig.fund()
        working = asyncio.create_task(rig.sut.service.workers[0].work_once())
        await gate.begun()

        await told(rig, task_id, status="completed", result="from a person")
        gate.open()
        await working

        [end] = await rig.sut.published(TaskFinished)
        assert (end.result, end.files) == ("from a person", ())


async def test_a_task_in_hand_has_the_desks_deadline_and_no_lease(rig):
    task_id = await rig.fund()
    await told(rig, task_id, status="in-progress")

    rig.clock.advance(rig.settings.desk_s_max - 1)
    await rig.reap()
    await rig.sut.work()
    assert (await rig.run_of(task_id)).state == "running"

    rig.clock.advance(1)
    await rig.reap()
    [end] = await rig.sut.published(TaskFinished)
    assert (end.outcome, end.reason) == ("timed_out", runs.TIMED_OUT)


async def test_taking_a_task_twice_begins_one_attempt(rig):
    task_id = await rig.fund()
    headers = {"authorization": f"Bearer {rig.tokens.token(Ids().new(), roles=['admin'])}"}

    await told(rig, task_id, status="in-progress")
    path = f"/api/admin/runs/{public('task', task_id)}/status"
    again = await rig.sut.client.post(path, json={"status": "running"}, headers=headers)

    assert again.json()["lease_owner"].endswith("@example.com")
    assert again.json()["attempt"] == 1
    assert len(await rig.sut.published(TaskStarted)) == 1


@pytest.mark.parametrize(
    ("body", "outcome", "reason"),
    [
        ({"status": "failed", "reason": "Nobody answered."}, "failed", "Nobody answered."),
        ({"status": "failed"}, "failed", desk.NOT_DONE),
        ({"status": "cancelled", "reason": " "}, "cancelled", runs.CANCELLED),
    ],
)
async def test_a_task_ended_without_a_result_says_why(rig, body, outcome, reason):
    task_id = await rig.fund()
    await told(rig, task_id, status="in-progress")
    await attached(rig, task_id)

    assert (await told(rig, task_id, **body)).status_code == 200

    [end] = await rig.sut.published(TaskFinished)
    assert (end.outcome, end.reason, end.files) == (outcome, reason, ())


@pytest.mark.parametrize(
    "body",
    [
        {"status": "completed"},
        {"status": "completed", "result": " \n\u0007"},
        {"status": "completed", "result": "\N{SNOWMAN}" * 50_000},
        {"status": "completed", "result": "x" * 100_001},
        {"status": "completed", "result": "nul\x00"},
        {"status": "completed", "result": "x", "units_used": -1},
        {"status": "completed", "result": "x", "units_used": 10**30},
        {"status": "done"},
        {"status": "failed", "because": "unknown field"},
        {},
    ],
)
async def test_an_unfit_order_is_refused_and_changes_nothing(rig, body):
    task_id = await rig.fund()

    answer = await told(rig, task_id, **body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert (await rig.run_of(task_id)).state == "waiting"


async def test_a_finished_task_is_a_conflict(rig):
    task_id = await rig.fund()
    await told(rig, task_id, status="in-progress")
    await rig.sut.deliver(cancelled(task_id))

    for body in ({"status": "in-progress"}, {"status": "completed", "result": "x"}):
        answer = await told(rig, task_id, **body)
        assert (answer.status_code, answer.json()["outcome"]) == (409, "cancelled")
    assert (await attached(rig, task_id)).status_code == 409
    assert len(await rig.sut.published(TaskFinished)) == 1


async def test_an_unknown_task_is_not_found(rig):
    nobody = Ids().new()

    assert (await told(rig, nobody, status="running")).status_code == 404
    assert (await told(rig, nobody, status="failed")).status_code == 404
    assert (await attached(rig, nobody)).status_code == 404
    path = f"/api/admin/runs/{public('task', nobody)}"
    assert (await rig.sut.client.get(path, headers=OPERATOR)).status_code == 404


async def test_only_operators_reach_the_desk(rig):
    task = public("task", await rig.fund())
    someone = {"authorization": f"Bearer {rig.tokens.token(Ids().new())}"}
    client = rig.sut.client
    for headers, status in (({}, 401), ({"x-admin-key": "guess"}, 401), (someone, 403)):
        answers = [
            await client.get("/api/admin/runs", headers=headers),
            await client.get("/api/admin/executors", headers=headers),
            await client.get(f"/api/admin/runs/{task}", headers=headers),
            await client.post(
                f"/api/admin/runs/{task}/status", json={"status": "failed"}, headers=headers
            ),
            await client.post(f"/api/admin/runs/{task}/files", content=b"x", headers=headers),
        ]
        assert [answer.status_code for answer in answers] == [status] * 5


async def test_files_are_attached_only_to_a_task_in_hand(rig):
    task_id = await rig.fund()

    answer = await attached(rig, task_id)

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert await rig.files_of(task_id) == []


async def test_the_same_file_attached_again_is_the_same_and_another_gets_a_name_of_its_own(rig):
    task_id = await rig.fund()
    await told(rig, task_id, status="in-progress")

    first = await attached(rig, task_id)
    again = await attached(rig, task_id)
    other = await attached(rig, task_id, content=b"another\n")

    assert again.json() == first.json()
    assert other.json()["name"] == "leads (2).csv"
    assert len(await rig.files_of(task_id)) == 2


async def test_a_files_name_is_made_harmless(rig):
    task_id = await rig.fund()
    await told(rig, task_id, status="in-progress")

    answer = await attached(rig, task_id, name="../../\u202esecret.csv")

    assert answer.json()["name"] == "secret.csv"


async def test_more_than_a_file_may_weigh_is_refused(runner_with):
    async with runner_with(PlayedAgent(says("x")), file_bytes_max=10) as rig:
        task_id = await rig.fund()
        await told(rig, task_id, status="in-progress")

        answer = await attached(rig, task_id, content=b"x" * 11)
        far_too_long = {**OPERATOR, "content-length": str(UPLOAD_BYTES_MAX + 1)}
        refused = await rig.sut.client.post(
            f"/api/admin/runs/{public('task', task_id)}/files",
            content=b"x",
            headers=far_too_long,
        )

        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
        assert await rig.files_of(task_id) == []


async def test_a_file_larger_than_other_bodies_may_be_is_taken(rig):
    task_id = await rig.fund()
    await told(rig, task_id, status="in-progress")

    answer = await attached(rig, task_id, content=b"x" * 3 * 1024 * 1024)

    assert (answer.status_code, answer.json()["size"]) == (201, 3 * 1024 * 1024)


async def test_no_more_files_than_can_be_delivered_are_taken(runner_with):
    async with runner_with(PlayedAgent(says("x")), files_max=1) as rig:
        task_id = await rig.fund()
        await told(rig, task_id, status="in-progress")

        assert (await attached(rig, task_id)).status_code == 201
        assert (await attached(rig, task_id, name="b.csv")).status_code == 409


@pytest.mark.parametrize(
    "upload",
    [
        {},
        {"content": b"no form"},
        {"data": {"file": "not a file"}},
        {"files": {"other": ("a.txt", b"a")}},
        {"files": [("file", ("a.txt", b"a")), ("file", ("b.txt", b"b"))]},
        {"content": b"--x\r\nnonsense", "headers": {"content-type": "multipart/form-data"}},
        {
            "content": b"--x\r\nContent-Disposition: \xff",
            "headers": {"content-type": "multipart/form-data; boundary=x"},
        },
    ],
)
async def test_what_is_not_one_file_is_refused(rig, upload):
    task_id = await rig.fund()
    await told(rig, task_id, status="in-progress")
    path = f"/api/admin/runs/{public('task', task_id)}/files"
    headers = {**OPERATOR, **upload.pop("headers", {})}

    answer = await rig.sut.client.post(path, headers=headers, **upload)

    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_runs_are_listed_newest_first_by_state_and_page(rig):
    tasks = []
    for _ in range(3):
        rig.clock.advance(1)
        tasks.append(await rig.fund())
    await told(rig, tasks[0], status="in-progress")

    first = await seen(rig, limit=2)
    second = await seen(rig, limit=2, cursor=first["next_cursor"])
    waiting = await seen(rig, state="waiting")
    running = await seen(rig, state="running")

    ids = [public("task", task_id) for task_id in tasks]
    assert [run["task_id"] for run in first["runs"] + second["runs"]] == ids[::-1]
    assert second["next_cursor"] is None
    assert [run["task_id"] for run in waiting["runs"]] == ids[:0:-1]
    assert [run["task_id"] for run in running["runs"]] == ids[:1]


async def test_a_run_is_shown_with_what_it_delivered(runner_with):
    async def make(_, scratch, __):
        path = scratch / "a"
        path.write_text("a")
        return Answer(text="Done.", files=(ProducedFile("a.txt", path, "text/plain"),))

    async with runner_with(PlayedAgent(make)) as rig:
        task_id = await rig.fund("Find it")
        await rig.sut.work()

        run = await seen(rig, f"/{public('task', task_id)}")

        assert run["id"].startswith("run_")
        assert run["created_at"] == "2026-01-01T00:00:00Z"
        assert (run["state"], run["outcome"], run["result"]) == ("finished", "succeeded", "Done.")
        [file] = run["files"]
        assert (run["description"], file["name"], file["size"]) == ("Find it", "a.txt", 1)


@pytest.mark.parametrize(
    "query", ["state=asleep", "limit=0", "limit=999", "cursor=x", "cursor=%00"]
)
async def test_an_unfit_query_is_refused(rig, query):
    answer = await rig.sut.client.get(f"/api/admin/runs?{query}", headers=OPERATOR)

    assert answer.status_code == 422


async def test_executors_are_listed_with_what_is_wrong_with_them(runner_with):
    async with runner_with(PlayedAgent(says("x")), executors={"research": "human"}) as rig:
        answer = await rig.sut.client.get("/api/admin/executors", headers=OPERATOR)

        assert answer.json() == {
            "executors": [
                {"name": "demo", "state": "The played agent rests."},
                {"name": "human", "state": "ok"},
            ]
        }


async def test_an_executor_that_rests_does_not_make_the_service_unready(rig):
    answer = await rig.sut.client.get("/health/ready")

    state = answer.json()["services"]["agent-runner"]
    assert (answer.status_code, state["status"]) == (200, "ready")
    assert state["dependencies"]["demo"] == "it does not serve us"
