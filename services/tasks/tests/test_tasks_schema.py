"""The tables are what the models say, and the database itself refuses what must never be."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from tasks_parts import Customer, TasksUnderTest, uuid_of

from shared import tables
from tasks.models import Base, Task


async def test_the_migrations_make_what_the_models_describe(tasks: TasksUnderTest):
    def differences(connection) -> list[object]:
        options = {"include_name": lambda name, kind, _: kind != "table" or name in ours}
        return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)

    ours = set(Base.metadata.tables)
    async with tasks.running.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    assert not ours & set(tables.metadata.tables)


@pytest.mark.parametrize(
    "values",
    [
        {"status": "nonsense"},
        {"credits_spent": -1},
        {"credits_spent": 51},
        {"expected": 51},
    ],
)
async def test_the_database_refuses_what_must_never_be(
    tasks: TasksUnderTest, customer: Customer, values
):
    task_id = uuid_of(await customer.ask())

    with pytest.raises(IntegrityError):
        async with tasks.running.database.transaction() as tx:
            await tx.execute(update(Task).where(Task.id == task_id).values(**values))
