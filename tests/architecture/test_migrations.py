"""Migrations make what the models say, and each can be taken back."""

from collections.abc import AsyncIterator, Callable
from importlib import import_module

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shared import tables
from shared.migrate import migrate, scripts
from tests.architecture.places import ROOMS, Room
from tests.servers import PostgresServer

HISTORIES = {"alembic_version", "alembic_version_shared"}

# What no autogeneration compares: constraints and indexes, with their conditions, as the server says them.
DEFINITIONS = """
SELECT 'constraint', c.conname, c.conrelid::regclass::text, pg_get_constraintdef(c.oid)
FROM pg_constraint c WHERE c.connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', indexname, tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
"""
EVERYTHING = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
"""


@pytest.fixture
async def engine(postgres: PostgresServer) -> AsyncIterator[AsyncEngine]:
    """An empty database."""
    url = await postgres.create_database()
    engine = create_async_engine(url, poolclass=NullPool)
    yield engine
    await engine.dispose()
    await postgres.drop_database(url)


def metadata_of(room: Room) -> MetaData:
    """The tables of a service and those that every service has."""
    own: MetaData = room.module("models").Base.metadata
    whole = MetaData(naming_convention=tables.NAMING)
    for part in (own, tables.metadata):
        for table in part.sorted_tables:
            table.to_metadata(whole)
    return whole


@pytest.mark.parametrize("room", ROOMS, ids=str)
async def test_migrations_make_the_tables_that_the_models_say(room: Room, engine: AsyncEngine):
    metadata = metadata_of(room)
    await migrate(engine, f"{room.package}.migrations")

    async with engine.connect() as connection:
        differences = await connection.run_sync(lambda sync: compared(sync, metadata))

    assert differences == []


def compared(connection: Connection, metadata: MetaData) -> list[object]:
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, _: kind != "table" or name not in HISTORIES,
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


@pytest.mark.parametrize("room", ROOMS, ids=str)
async def test_migrations_make_the_constraints_and_indexes_that_the_models_say(
    room: Room, engine: AsyncEngine
):
    metadata = metadata_of(room)
    await migrate(engine, f"{room.package}.migrations")
    migrated = await definitions(engine)
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
        await connection.run_sync(metadata.create_all)

    assert migrated == await definitions(engine)


async def definitions(engine: AsyncEngine) -> set[tuple[str, ...]]:
    async with engine.connect() as connection:
        rows = await connection.execute(text(DEFINITIONS))
        return {tuple(row) for row in rows if row[2] not in HISTORIES}


@pytest.mark.parametrize(
    ("package", "version_table"),
    [
        ("shared.migrations", "alembic_version_shared"),
        *((f"{room.package}.migrations", "alembic_version") for room in ROOMS),
    ],
)
async def test_every_migration_can_be_taken_back_and_made_again(
    package: str, version_table: str, engine: AsyncEngine
):
    async with engine.connect() as connection:
        left = await connection.run_sync(lambda sync: climb(sync, package, version_table))

    assert left == set()


def climb(connection: Connection, package: str, version_table: str) -> set[str]:
    """Go up step by step, each one back and up again; then all the way down, and up.

    Return what was left in the database at the bottom.
    """
    script = scripts(import_module(package))

    def walk(steps: Callable[[str], list[RevisionStep]]) -> None:
        context = EnvironmentContext(Config(), script)
        context.configure(
            connection=connection, version_table=version_table, fn=lambda here, _: steps(here)
        )
        with context.begin_transaction():
            context.run_migrations()

    def up(to: str) -> None:
        walk(lambda here: script._upgrade_revs(to, here))

    def down(to: str) -> None:
        walk(lambda here: script._downgrade_revs(to, here))

    below = "base"
    for step in reversed(list(script.walk_revisions())):
        up(step.revision)
        down(below)
        up(step.revision)
        below = step.revision
    down("base")
    left = {str(name) for name in connection.execute(text(EVERYTHING)).scalars()}
    up("head")
    return {name for name in left if version_table not in name}
