"""A database that is away is an answer which asks for patience, and not an error of ours."""

import asyncio
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import APIRouter
from sqlalchemy import text

from shared.bus_memory import MemoryBus
from shared.contracts.tasks import TaskFinished
from shared.db import Database
from shared.handlers import Handlers
from shared.http import Transaction
from shared.migrate import migrate
from shared.run import build_app
from shared.service import Service
from shared.testing import eventually
from tests.system.proxy import Proxy, before_database, through

router = APIRouter()


@router.post("/write")
async def write(tx: Transaction) -> None:
    await tx.execute(text("SELECT pg_sleep(0.1)"))


@router.post("/mistake")
async def make_a_mistake(tx: Transaction) -> None:
    await tx.execute(text("SELECT 1 / 0"))


@pytest.fixture
async def proxy(database_url):
    return before_database(database_url)


@pytest.fixture
async def client(database_url, proxy):
    async with proxy.listening() as port:
        database = Database(through(database_url, port), source="billing")
        service = Service(
            "billing", database, "none", router=router, resources={Database: database}
        )
        app = build_app([service], MemoryBus())
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
            yield opened
        await database.close()


def asks_for_patience(answer):
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["code"] == "unavailable"


async def test_a_connection_that_is_lost_under_way_asks_for_patience(client, proxy: Proxy):
    asked = asyncio.create_task(client.post("/write"))

    async def is_connected() -> bool:
        return proxy.connections > 0

    await eventually(is_connected, what="a connection")
    proxy.reset()

    asks_for_patience(await asked)
    assert (await client.post("/write")).status_code == 200


async def test_a_connection_that_was_lost_since_asks_for_patience_once(client, proxy: Proxy):
    assert (await client.post("/write")).status_code == 200

    proxy.reset()

    asks_for_patience(await client.post("/write"))
    assert (await client.post("/write")).status_code == 200


async def test_a_server_that_is_away_asks_for_patience(client, proxy: Proxy):
    proxy.move(lambda: 1)

    asks_for_patience(await client.post("/write"))


async def test_a_mistake_of_ours_does_not(client):
    answer = await client.post("/mistake")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")


async def test_health_says_what_is_away_and_nothing_of_where_it_is(client, proxy: Proxy):
    proxy.move(lambda: 1)

    answer = await client.get("/health/ready")

    assert answer.status_code == 503
    [state] = answer.json()["services"].values()
    assert state["dependencies"] == {"database": "it cannot be reached", "bus": "ok"}
    assert state["outbox"] is None


class LostSince(Database):
    """A database that answers when it is checked, and to nothing that is asked after it."""

    @asynccontextmanager
    async def transaction(self, **_):
        raise ConnectionResetError
        yield


class LostBus(MemoryBus):
    """A bus that answers when it is checked, and does not count what waits."""

    async def depth(self, queue):
        raise ConnectionResetError


@pytest.mark.parametrize(
    ("lost", "kind", "bus"), [("database", LostSince, MemoryBus), ("bus", Database, LostBus)]
)
async def test_health_names_what_was_lost_since_it_was_checked(database_url, lost, kind, bus):
    handlers = Handlers("billing")
    handlers.on(TaskFinished)(answer_nothing)
    database = kind(database_url, source="billing")
    await migrate(database.engine)
    app = build_app([Service("billing", database, "none", handlers=handlers)], bus())
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/health/ready")
    await database.close()

    assert answer.status_code == 503, answer.text
    state = answer.json()["services"]["billing"]
    assert state["dependencies"] == {"database": "ok", "bus": "ok", lost: "it cannot be reached"}
    assert state["status"] == "not ready"


async def answer_nothing(event, tx):
    pass
