"""What the database holds: the tables as declared, no secret, nothing for ever."""

import json

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from auth_parts import OTHER_PASSWORD, PASSWORD, World, use
from sqlalchemy import Connection, func, select, text

from auth.models import Base, OneTimeToken, RefreshToken, Session, Throttle
from shared import tables
from shared.contracts.users import (
    UserClaimRequested,
    UserPasswordResetRequested,
    UserRegistered,
)


async def test_the_migrations_make_the_tables_that_the_models_declare(world: World) -> None:
    def differences(connection: Connection) -> list[object]:
        def is_own(thing: object, name: str, kind: str, *_: object) -> bool:
            foreign = {*tables.metadata.tables, "alembic_version", "alembic_version_shared"}
            return kind != "table" or name not in foreign

        options = {"include_object": is_own, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        return compare_metadata(context, Base.metadata)

    async with world.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_no_secret_is_stored_or_published_in_clear(world: World) -> None:
    browser = await world.sign_up()
    secrets = [PASSWORD, browser.cookies["refresh_token"]]
    answer = use(browser, await browser.post("/api/auth/refresh"))
    secrets += [answer.json()["token"], browser.cookies["refresh_token"]]
    await world.browser().post("/api/auth/password/forgot", json={"email": world.address()})
    session_id, _ = await world.pay("guest")
    await world.pay()
    secrets += [
        session_id,
        await world.mailed(UserRegistered),
        await world.mailed(UserRegistered, "guest"),
        await world.mailed(UserPasswordResetRequested),
        await world.mailed(UserClaimRequested),
    ]
    await world.claim(session_id=session_id, password=OTHER_PASSWORD)
    secrets.append(OTHER_PASSWORD)

    stored = await everything(world)
    for secret in secrets:
        assert secret not in stored


async def test_what_is_long_over_is_pruned_and_the_rest_stays(world: World) -> None:
    await world.sign_up()
    await world.log_in(password=OTHER_PASSWORD)
    world.clock.advance(days=20)
    await world.auth.prune()
    assert min(await counts(world)) > 0

    world.clock.advance(days=18)
    browser = await world.sign_up("ben")
    await world.auth.prune()

    assert await counts(world) == [1, 1, 1, 0]
    assert (await browser.post("/api/auth/refresh")).status_code == 200
    assert (await world.log_in()).status_code == 200


POSTS = [
    "signup",
    "register",
    "login",
    "claim",
    "password/forgot",
    "password/reset",
    "email/verify",
]
BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe",
    b'{"email": "\\u0000"}',
    b'{"email": "\\ud800", "password": "\\ud800\\ud800", "token": "\\ud800"}',
    b'{"email": {}, "password": [], "token": 1, "session_id": true}',
    b'{"email": "a@example.com", "password": "' + b"x" * 2000 + b'"}',
    b"[" * 5000,
    json.dumps({"email": "x" * 100_000, "password": "y" * 100_000}).encode(),
    b'{"email": "ann@example.com", "password": NaN}',
]


@pytest.mark.parametrize("path", POSTS)
async def test_no_body_is_ever_a_failure_of_ours(world: World, path: str) -> None:
    browser = world.browser(**{"content-type": "application/json"})
    for body in BODIES:
        answer = await browser.post(f"/api/auth/{path}", content=body)
        assert answer.status_code in (400, 422), (body[:60], answer.text[:200])
        assert answer.headers["content-type"] == "application/problem+json"


async def test_every_route_is_described_with_its_refusals(world: World) -> None:
    document = (await world.browser().get("/api/openapi.json")).json()

    own = {path: item for path, item in document["paths"].items() if "events" not in path}
    assert "/api/auth/register" not in own
    assert own["/api/auth/login"]["post"]["operationId"] == "log_in"
    assert set(own["/api/auth/login"]["post"]["responses"]) >= {"200", "401", "422", "429", "503"}
    assert set(own["/api/auth/signup"]["post"]["responses"]) >= {"201", "409", "422", "503"}


async def counts(world: World) -> list[int]:
    async with world.database.transaction() as tx:
        return [
            await tx.scalar(select(func.count()).select_from(model)) or 0
            for model in (OneTimeToken, Session, RefreshToken, Throttle)
        ]


async def everything(world: World) -> str:
    async with world.database.transaction() as tx:
        names = [*Base.metadata.tables, *tables.metadata.tables]
        rows = [str((await tx.execute(text(f"select * from {name}"))).all()) for name in names]
    return "".join(rows)
