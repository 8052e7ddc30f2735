"""Parked events over HTTP, as operators see them."""

from uuid import uuid4

import httpx2
import pytest

from shared.bus_memory import MemoryBus
from shared.db import Database
from shared.events import Message
from shared.http import AdminKey
from shared.ids import public
from shared.parked import park
from shared.run import build_app
from shared.service import Service
from shared.testing import TokenIssuer
from shared.tokens import Verifier

PATH = "/api/admin/events/billing"
KEY = {"x-admin-key": "the right key"}


@pytest.fixture
async def client(database):
    service = Service(
        name="billing",
        database=database,
        migrations="none",
        resources={
            Database: database,
            Verifier: TokenIssuer().verifier(),
            AdminKey: AdminKey("the right key"),
        },
    )
    transport = httpx2.ASGITransport(app=build_app([service], MemoryBus()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def park_one(database, name="thing.happened.v1", *, is_hopeless=True):
    headers = {"ce-id": str(uuid4()), "ce-source": "test"}
    async with database.transaction() as tx:
        await park(tx, Message(name, headers, b"\xff{}"), "it broke", is_hopeless=is_hopeless)


async def test_parked_events_are_listed_newest_first_in_pages(client, database):
    for index in range(5):
        await park_one(database, f"thing{index}.happened.v1")

    seen, cursor = [], None
    while True:
        parameters = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(PATH, params=parameters, headers=KEY)).json()
        seen += [event["name"] for event in page["events"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == [f"thing{index}.happened.v1" for index in (4, 3, 2, 1, 0)]


async def test_one_is_shown_with_its_bytes_and_reason(client, database):
    await park_one(database)
    [event] = (await client.get(PATH, headers=KEY)).json()["events"]

    shown = (await client.get(f"{PATH}/{event['id']}", headers=KEY)).json()

    assert (shown["body"], shown["reason"], shown["state"]) == ("\\xff{}", "it broke", "parked")


async def test_one_is_replayed_and_another_discarded_with_a_reason(client, database):
    await park_one(database)
    await park_one(database)
    one, two = (await client.get(PATH, headers=KEY)).json()["events"]

    replayed = await client.post(f"{PATH}/{one['id']}/replay", headers=KEY)
    discarded = await client.post(
        f"{PATH}/{two['id']}/discard", json={"reason": "a test"}, headers=KEY
    )

    assert (replayed.status_code, replayed.json()["state"]) == (202, "retrying")
    assert (discarded.json()["state"], discarded.json()["resolved_by"]) == (
        "discarded",
        "admin-key",
    )
    again = await client.post(f"{PATH}/{two['id']}/replay", headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("state", ["", "nonsense", "\x00"])
async def test_an_unknown_state_is_not_valid(client, state):
    answer = await client.get(PATH, params={"state": state}, headers=KEY)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_what_is_not_there_is_not_found(client):
    answer = await client.get(f"{PATH}/{public('parked', uuid4())}", headers=KEY)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_nobody_else_sees_them(client):
    assert (await client.get(PATH)).status_code == 401
    assert (await client.get(PATH, headers={"x-admin-key": "wrong"})).status_code == 401
