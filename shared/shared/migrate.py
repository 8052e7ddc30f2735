"""Migrations at start: each database is brought up to date by whoever comes first, the others wait.

A database has two histories: that of the messaging tables (`shared.migrations`) and the service's own.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

LOCK = 7_250
NO_LIMITS = {
    "timeout": 10,
    "command_timeout": None,
    "server_settings": {"statement_timeout": "0", "lock_timeout": "0"},
}


async def migrate(engine: AsyncEngine, package: str | None = None) -> None:
    """Bring the database up to date under an advisory lock; without a package the shared tables alone."""
    async with _patient(engine) as patient, patient.connect() as connection:
        await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        await connection.commit()
        try:
            await connection.run_sync(_upgrade, "shared.migrations", "alembic_version_shared")
            if package is not None:
                await connection.run_sync(_upgrade, package, "alembic_version")
        finally:
            await connection.rollback()
            await connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
            await connection.commit()


@asynccontextmanager
async def _patient(engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    """An engine to the same database without the limits of requests: a long table takes its time, and others wait."""
    patient = create_async_engine(engine.url, poolclass=NullPool, connect_args=NO_LIMITS)
    try:
        yield patient
    finally:
        await patient.dispose()


def _upgrade(connection: Connection, package: str, version_table: str) -> None:
    script = scripts(import_module(package))
    if _is_current(connection, script, version_table):
        return
    context = EnvironmentContext(Config(), script)
    context.configure(
        connection=connection,
        target_metadata=MetaData(),
        version_table=version_table,
        transaction_per_migration=True,
        fn=lambda revision, _: script._upgrade_revs("head", revision),  # noqa: SLF001 - as alembic's own commands do
    )
    with context.begin_transaction():
        context.run_migrations()


def scripts(package: ModuleType) -> ScriptDirectory:
    """Return the revisions of a migrations package."""
    assert package.__file__ is not None
    return ScriptDirectory(str(Path(package.__file__).parent))


def _is_current(connection: Connection, script: ScriptDirectory, version_table: str) -> bool:
    context = MigrationContext.configure(connection, opts={"version_table": version_table})
    is_current = set(context.get_current_heads()) == set(script.get_heads())
    connection.rollback()
    return is_current
