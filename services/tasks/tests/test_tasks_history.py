"""A user's tasks, listed and shown; their files; what operators see; nobody else's."""

import csv
import io
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from tasks_parts import (
    IDS,
    SHA256,
    Customer,
    TasksUnderTest,
    delivered,
    finished,
    held,
    progressed,
    settled,
    started,
    task_of,
)

from shared.contracts.tasks import Outcome
from shared.ids import public
from shared.testing import ADMIN_KEY


async def test_a_task_is_shown_with_all_that_came_of_it(tasks: TasksUnderTest, customer: Customer):
    task_id = await customer.ask("Find me 100 leads")
    task = await tasks.created(task_id)
    file = delivered()
    for fact in (
        held(task),
        started(task),
        finished(task, result="Done! Found 103.", files=(file,), units_used=103),
        settled(task, 100, left=900),
    ):
        await tasks.running.deliver(fact)

    view = await customer.view(task_id)

    assert view["task_id"] == task_id
    assert view["description"] == "Find me 100 leads"
    assert view["status"] == "completed"
    assert view["agent_type"] == "lead-generation"
    assert (view["expected"], view["maximum"], view["credits_spent"]) == (100, 100, 100)
    assert (view["result"], view["error"], view["executor"]) == (
        "Done! Found 103.",
        None,
        "openclaw",
    )
    assert view["progress"] is None
    assert view["files"] == [
        {
            "id": public("file", file.file_id),
            "name": "leads.csv",
            "size": 5,
            "media_type": "text/csv",
            "sha256": SHA256,
        }
    ]
    assert [(event["name"], event["attempt"]) for event in view["events"]] == [
        ("created", None),
        ("queued", None),
        ("started", 1),
        ("completed", None),
        ("settled", None),
    ]
    assert view["created_at"].endswith("Z")
    assert view["updated_at"] >= view["created_at"]


async def test_a_running_task_shows_the_latest_sign_of_life(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask()
    task = await tasks.created(task_id)
    await tasks.running.deliver(started(task))
    await tasks.running.deliver_together(
        progressed(task, note="Looking", text="One"), progressed(task, text="One, two")
    )

    view = await customer.view(task_id)

    assert view["status"] == "running"
    assert view["progress"] == {"attempt": 1, "note": "Looking", "text": "One, two"}


async def test_tasks_are_listed_newest_first_page_by_page(customer: Customer):
    asked = [await customer.ask(str(number), agent_type="general") for number in range(5)]

    seen: list[str] = []
    cursor = None
    while cursor or not seen:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await customer.get("/api/tasks", params=params)).json()
        seen += [task["task_id"] for task in page["tasks"]]
        cursor = page["next_cursor"]

    assert seen == asked[::-1]


async def test_tasks_are_filtered_by_status_in_todays_words_and_the_older_ones(
    tasks: TasksUnderTest, customer: Customer
):
    pending, running, done = [await customer.ask() for _ in range(3)]
    await tasks.running.deliver(started(await tasks.created(running)))
    await tasks.running.deliver(finished(await tasks.created(done)))

    for words, expected in (
        ("status=running", {running}),
        ("status=in-progress", {running}),
        ("status=completed", {done}),
        ("status=done", {done}),
        ("status=pending&status=done", {pending, done}),
        ("status=failed", set()),
    ):
        answer = await customer.get(f"/api/tasks?{words}")
        assert {task["task_id"] for task in answer.json()["tasks"]} == expected, words


async def test_tasks_are_filtered_by_kind_text_and_time(customer: Customer):
    leads = await customer.ask("Find me 10 LEADS, 100% fresh_ones")
    other = await customer.ask("Research tea")
    now = datetime.now(UTC)

    for params, expected in (
        ({"agent_type": "research"}, {other}),
        ({"q": "leads"}, {leads}),
        ({"q": "100%"}, {leads}),
        ({"q": "%"}, {leads}),
        ({"q": "_"}, {leads}),
        ({"q": "nothing of the kind"}, set()),
        ({"created_after": (now - timedelta(hours=1)).isoformat()}, {leads, other}),
        ({"created_after": (now + timedelta(hours=1)).isoformat()}, set()),
        ({"created_before": (now - timedelta(hours=1)).isoformat()}, set()),
        ({"created_before": "9999-12-31T23:59:59-14:00"}, {leads, other}),
        ({"created_after": "0001-01-01T00:00:00+14:00"}, {leads, other}),
    ):
        answer = await customer.get("/api/tasks", params=params)
        assert answer.status_code == 200, answer.text
        assert {task["task_id"] for task in answer.json()["tasks"]} == expected, params


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense",
        "status=" + "&status=".join(["done"] * 11),
        "agent_type=spy",
        "q=",
        "q=%00",
        "q=" + "x" * 201,
        "created_after=yesterday",
        "created_after=2026-01-01T00:00:00",
        "created_after=2026-01-01",
        "created_after=0.5",
        "limit=0",
        "limit=201",
        "cursor=x",
        "cursor=" + "g" * 32,
    ],
)
async def test_what_is_no_filter_is_refused(customer: Customer, query):
    answer = await customer.get(f"/api/tasks?{query}")

    assert answer.status_code == 422


async def test_somebody_elses_task_is_not_there(tasks: TasksUnderTest, customer: Customer):
    other = await tasks.customer(with_credits=100)
    task_id = await other.ask("A secret")
    task = await tasks.created(task_id)
    file = delivered()
    await tasks.running.deliver(finished(task, Outcome.FAILED, files=(file,)))
    file_id = public("file", file.file_id)

    answers = [
        await customer.get(f"/api/tasks/{task_id}"),
        await customer.post(f"/api/tasks/{task_id}/cancel"),
        await customer.post(f"/api/tasks/{task_id}/retry"),
        await customer.get(f"/api/tasks/{task_id}/files/{file_id}"),
        await customer.get(f"/api/tasks/{task_id}/files/{file_id}/link"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert (await customer.get("/api/tasks")).json()["tasks"] == []


async def test_a_task_that_never_was_is_not_there(customer: Customer):
    answer = await customer.get(f"/api/tasks/{public('task', IDS.new())}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "task_id", ["x", "task_1", "usr_" + "0" * 32, "task_" + "z" * 32, "task_%00" + "0" * 31]
)
async def test_what_is_no_id_of_a_task_is_refused(customer: Customer, task_id):
    answer = await customer.get(f"/api/tasks/{task_id}")

    assert answer.status_code == 422


async def test_a_file_is_given_out_by_a_link_signed_on_each_click(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask()
    file = delivered("größe \u4f60.csv")
    content = tasks.blobs / file.key
    content.parent.mkdir(exist_ok=True)
    content.write_text("name\nAda\n")
    await tasks.running.deliver(finished(await tasks.created(task_id), files=(file,)))

    answer = await customer.get(f"/api/tasks/{task_id}/files/{public('file', file.file_id)}")

    assert answer.status_code == 302
    assert answer.headers["cache-control"] == "no-store"
    assert parse_qs(urlsplit(answer.headers["location"]).query)["name"] == ["größe \u4f60.csv"]
    given = await tasks.running.client.get(answer.headers["location"])
    assert list(csv.reader(io.StringIO(given.text))) == [["name"], ["Ada"]]
    assert given.headers["content-type"].startswith("text/csv")
    assert given.headers["content-disposition"].startswith("attachment")


async def test_a_page_is_told_the_link_to_a_file(tasks: TasksUnderTest, customer: Customer):
    task_id = await customer.ask()
    file = delivered()
    (tasks.blobs / file.key).parent.mkdir(exist_ok=True)
    (tasks.blobs / file.key).write_text("leads")
    await tasks.running.deliver(finished(await tasks.created(task_id), files=(file,)))
    place = f"/api/tasks/{task_id}/files/{public('file', file.file_id)}/link"

    answer = await customer.get(place)

    assert answer.status_code == 200
    assert (await tasks.running.client.get(answer.json()["url"])).text == "leads"


async def test_a_file_of_another_task_is_not_there(tasks: TasksUnderTest, customer: Customer):
    first, second = await customer.ask(), await customer.ask()
    file = delivered()
    await tasks.running.deliver(finished(await tasks.created(first), files=(file,)))

    answer = await customer.get(f"/api/tasks/{second}/files/{public('file', file.file_id)}")

    assert answer.status_code == 404


async def test_operators_see_everybodys_tasks(tasks: TasksUnderTest, customer: Customer):
    other = await tasks.customer(with_credits=100)
    mine, theirs = await customer.ask(), await other.ask()
    await tasks.running.deliver(finished(await tasks.created(theirs), Outcome.FAILED))

    async def listed(**params: str) -> dict[str, str]:
        answer = await tasks.running.client.get(
            "/api/admin/tasks", params=params, headers={"x-admin-key": ADMIN_KEY}
        )
        assert answer.status_code == 200, answer.text
        return {task["task_id"]: task["user_id"] for task in answer.json()["tasks"]}

    everybodys = await listed(limit="200")
    assert everybodys[mine] == public("usr", customer.id)
    assert everybodys[theirs] == public("usr", other.id)
    assert await listed(user_id=public("usr", other.id)) == {theirs: public("usr", other.id)}
    assert await listed(user_id=public("usr", customer.id), status="failed") == {}


async def test_admins_see_everybodys_tasks_and_customers_do_not(
    tasks: TasksUnderTest, customer: Customer
):
    admin = tasks.issuer.token(IDS.new(), roles=["admin"])

    as_admin = await tasks.running.client.get(
        "/api/admin/tasks", headers={"Authorization": f"Bearer {admin}"}
    )
    as_customer = await customer.get("/api/admin/tasks")
    as_nobody = await tasks.running.client.get("/api/admin/tasks")

    assert [answer.status_code for answer in (as_admin, as_customer, as_nobody)] == [200, 403, 401]


async def test_facts_about_tasks_that_are_kept_elsewhere_change_nothing_but_the_credits(
    tasks: TasksUnderTest, customer: Customer
):
    elsewhere = task_of(customer.id)

    for fact in (
        held(elsewhere, left=7),
        started(elsewhere),
        progressed(elsewhere, note="x"),
        finished(elsewhere),
        settled(elsewhere, 1, left=8),
    ):
        await tasks.running.deliver(fact)

    assert (await customer.get("/api/tasks")).json()["tasks"] == []
    async with customer.following() as stream:
        hello = await stream.next()
    assert hello.data["credits"]["available"] == 8
    assert not await tasks.running.retry_parked()
