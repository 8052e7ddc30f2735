"""HTTP: refusals are problem documents, a failed commit is a failed request, a key answers once."""

import asyncio
from typing import Annotated
from uuid import uuid4

import httpx2
import pytest
from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text

from shared.bus_memory import MemoryBus
from shared.db import Database
from shared.errors import Conflict, TooManyRequests
from shared.http import AdminKey, CurrentOperator, CurrentUser, Once, Transaction
from shared.ids import TaskId
from shared.run import build_app
from shared.service import Service
from shared.testing import TokenIssuer
from shared.text import Text
from shared.tokens import Verifier

COUNT = text(
    "INSERT INTO effects VALUES (:id, 1) ON CONFLICT (id) DO UPDATE SET count = effects.count + 1"
)
router = APIRouter()


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[Text, Field(min_length=1, max_length=50)]


class Granted(BaseModel):
    id: str


@router.post("/wishes", status_code=201)
async def wish(body: Wish, user: CurrentUser, tx: Transaction, once: Once) -> Granted:
    async def work():
        await tx.execute(COUNT, {"id": body.text})
        return Granted(id=uuid4().hex)

    return await once.run(tx, user, work, status=201)


@router.get("/wishes/{wish_id}")
async def read(wish_id: TaskId, number: int = 1) -> Granted:
    if number == 3:
        raise TooManyRequests(retry_after_s=7)
    if number == 4:
        raise Conflict("Not like that.", needed=5)
    if number == 5:
        secret_in_a_variable = "hunter2"
        raise RuntimeError(secret_in_a_variable)
    return Granted(id=wish_id.hex)


@router.post("/unfit/{name}")
async def unfit(name: Annotated[str, Path(max_length=50)], tx: Transaction) -> Granted:
    """Answers before it is known that the commit fails: a deferred constraint."""
    await tx.execute(text("INSERT INTO later VALUES (1)"))
    return Granted(id=name)


@router.get("/ops")
async def ops(operator: CurrentOperator) -> Granted:
    return Granted(id=operator.name)


@pytest.fixture
def issuer():
    return TokenIssuer()


@pytest.fixture
async def client(database, issuer):
    async with database.transaction() as tx:
        await tx.execute(text("CREATE TABLE IF NOT EXISTS parents (id int PRIMARY KEY)"))
        await tx.execute(
            text(
                "CREATE TABLE IF NOT EXISTS later"
                " (id int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)"
            )
        )
    service = Service(
        name="billing",
        database=database,
        migrations="none",
        router=router,
        resources={
            Database: database,
            Verifier: issuer.verifier(),
            AdminKey: AdminKey("the right key"),
        },
    )
    transport = httpx2.ASGITransport(
        app=build_app([service], MemoryBus()), raise_app_exceptions=False
    )
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


def bearer(issuer, user_id=None, **headers):
    return {"Authorization": f"Bearer {issuer.token(user_id or uuid4())}", **headers}


def is_problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["detail"]
    return body


async def effects(database):
    async with database.transaction() as tx:
        return {row.id: row.count for row in await tx.execute(text("SELECT * FROM effects"))}


async def test_a_commit_that_fails_is_a_failed_request(client):
    answer = await client.post("/unfit/x")

    is_problem(answer, 500, "internal")


async def test_a_failure_shows_nothing_of_the_inside(client, caplog):
    answer = await client.get(f"/wishes/task_{uuid4().hex}?number=5")

    is_problem(answer, 500, "internal")
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"json": {}}, "body.text"),
        ({"json": {"text": ""}}, "body.text"),
        ({"json": {"text": "x" * 51}}, "body.text"),
        ({"json": {"text": "\x00"}}, "body.text"),
        ({"content": b'{"text": "\\ud800"}', "headers": {"content-type": "application/json"}}, "body"),
        ({"json": {"text": "a", "more": 1}}, "body.more"),
        ({"json": []}, "body"),
        ({"json": None}, "body"),
        ({"content": b"not json", "headers": {"content-type": "application/json"}}, "body"),
        ({"content": b"\xff\xfe", "headers": {"content-type": "application/json"}}, "body"),
        ({"content": b"text=a", "headers": {"content-type": "text/plain"}}, "body"),
        ({"json": {"text": "a"}, "headers": {"idempotency-key": "a b"}}, "header.idempotency-key"),
        ({"json": {"text": "a"}, "headers": {"idempotency-key": "k" * 256}}, "header.idempotency-key"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
async def test_malformed_input_names_the_field(client, issuer, request_, field):
    headers = {**bearer(issuer), **request_.pop("headers", {})}

    answer = await client.post("/wishes", headers=headers, **request_)

    body = is_problem(answer, 422, "invalid")
    assert any(error["field"].startswith(field) for error in body["errors"]), body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"text": ""}, "Must not be empty"),
        ({"text": "x" * 51}, "Must have at most 50 characters"),
        ({"text": "\x00"}, "Must not contain the NUL character"),
        ([], "Must be an object"),
    ],
)
async def test_what_is_wrong_is_said_in_words_for_who_sent_it(client, issuer, body, message):
    answer = await client.post("/wishes", headers=bearer(issuer), json=body)

    assert [error["message"] for error in answer.json()["errors"]] == [message]


@pytest.mark.parametrize(
    "text_", ["usr_" + "0" * 32, "task_x", "task_" + "é" * 32, "0" * 32, "%00"]
)
async def test_a_malformed_id_is_not_valid(client, text_):
    is_problem(await client.get(f"/wishes/{text_}"), 422, "invalid")


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(client):
    is_problem(await client.get("/nowhere"), 404, "not_found")
    is_problem(await client.put("/wishes"), 405, "method_not_allowed")


async def test_a_refusal_carries_its_details_and_when_to_come_back(client):
    path = f"/wishes/task_{uuid4().hex}"

    later = await client.get(f"{path}?number=3")
    conflict = await client.get(f"{path}?number=4")

    is_problem(later, 429, "too_many_requests")
    assert later.headers["retry-after"] == "7"
    assert is_problem(conflict, 409, "conflict")["needed"] == 5


async def test_a_body_over_the_limit_is_too_large(client, issuer):
    answer = await client.post("/wishes", content=b"x" * (1024 * 1024 + 1), headers=bearer(issuer))

    is_problem(answer, 413, "too_large")


async def test_the_same_key_does_the_work_once_and_answers_the_same(client, issuer, database):
    headers = bearer(issuer, uuid4(), **{"idempotency-key": "k1"})

    answers = await asyncio.gather(
        *(client.post("/wishes", json={"text": "once"}, headers=headers) for _ in range(20))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await effects(database) == {"once": 1}


async def test_the_same_key_with_another_body_is_a_conflict(client, issuer):
    headers = bearer(issuer, uuid4(), **{"idempotency-key": "k2"})
    await client.post("/wishes", json={"text": "one"}, headers=headers)

    answer = await client.post("/wishes", json={"text": "two"}, headers=headers)

    is_problem(answer, 409, "conflict")


async def test_a_key_is_its_callers_own(client, issuer, database):
    for _ in range(2):
        headers = bearer(issuer, uuid4(), **{"idempotency-key": "k3"})
        await client.post("/wishes", json={"text": "both"}, headers=headers)

    assert await effects(database) == {"both": 2}


async def test_a_request_without_a_token_is_unauthorized(client):
    answer = await client.post("/wishes", json={"text": "a"})

    is_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("key", ["wrong", "", "the right key ", "é"])
async def test_a_wrong_admin_key_is_refused(client, key):
    answer = await client.get("/ops", headers={"x-admin-key": key.encode()})

    is_problem(answer, 401, "unauthorized")


async def test_the_right_admin_key_is_an_operator(client):
    answer = await client.get("/ops", headers={"x-admin-key": "the right key"})

    assert answer.json() == {"id": "admin-key"}


async def test_an_empty_admin_key_matches_nothing():
    assert not AdminKey("").matches("")


async def test_an_answer_carries_the_correlation_id_of_its_action(client):
    own = str(uuid4())

    assert (await client.get("/version", headers={"x-correlation-id": own})).headers[
        "x-correlation-id"
    ] == own
    assert (await client.get("/version", headers={"x-correlation-id": "nonsense"})).headers[
        "x-correlation-id"
    ] != "nonsense"


async def test_readiness_names_each_dependency(client):
    answer = await client.get("/health/ready")

    assert answer.status_code == 200
    state = answer.json()["services"]["billing"]
    assert state["dependencies"] == {"database": "ok", "bus": "ok"}
    assert (state["outbox"], state["parked"]) == (0, {})


async def test_the_docs_page_needs_nothing_from_elsewhere(client):
    page = (await client.get("/api/docs")).text

    assert "https://" not in page
    assert "<script>" not in page
    for name in ("swagger-ui-bundle.js", "start.js", "swagger-ui.css", "favicon.png"):
        assert (await client.get(f"/api/docs/{name}")).status_code == 200
    is_problem(await client.get("/api/docs/other.js"), 404, "not_found")
