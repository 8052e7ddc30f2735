"""The history of the tables ends in what the models say."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from notifier.models import Base
from shared.testing import ServiceUnderTest

OURS = set(Base.metadata.tables)


def differences(connection: Connection) -> list[object]:
    options = {"include_name": lambda name, kind, _: kind != "table" or name in OURS}
    context = MigrationContext.configure(connection, opts=options)
    return compare_metadata(context, Base.metadata)


async def test_the_migrations_make_the_models(notifier: ServiceUnderTest) -> None:
    async with notifier.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
