"""A task that billing does not answer ends all the same, and what is held for it later comes back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from embedded.postgres import EmbeddedPostgres
from shared.db import Database
from shared.testing import eventually
from tests.flows.product import running

HELD = text("SELECT captured, released FROM holds WHERE settled_at IS NOT NULL ORDER BY amount")


async def test_a_task_that_billing_does_not_answer_ends_and_its_credits_come_back(tmp_path):
    async with running("embedded", tmp_path, TASKS_PENDING_S_MAX="3") as product:
        customer = await product.customer(funds=1000)
        billing = Database(EmbeddedPostgres(tmp_path / "postgres").url("billing"), source="test")
        async with nothing_held(billing):
            unwanted = (await customer.ask("Find me 300 leads"))["task_id"]
            answer = await customer.post(f"/api/tasks/{unwanted}/cancel")
            cancelled = await customer.task_is(unwanted, "cancelled")
            left = (await customer.ask("Find me 400 leads"))["task_id"]
            failed = await customer.task_is(left, "failed")
            await customer.credits_are(1000)

        async def all_came_back() -> bool:
            async with billing.transaction() as tx:
                return [tuple(row) for row in await tx.execute(HELD)] == [(0, 300), (0, 400)]

        await eventually(all_came_back, what="the credits that were held too late")
        await billing.close()
        await customer.credits_are(1000)
        assert (answer.status_code, cancelled["error"]) == (202, "The task was cancelled.")
        assert failed["error"] == "The task could not be begun in time."
        await product.mail(customer.address, "could not be completed")
        for task_id, status in ((unwanted, "cancelled"), (left, "failed")):
            task = await customer.task(task_id)
            assert (task["status"], task["credits_spent"]) == (status, 0)


@asynccontextmanager
async def nothing_held(billing: Database) -> AsyncIterator[None]:
    """Have billing fail at every hold within the block."""
    await _execute(
        billing,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not now'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON holds FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    try:
        yield
    finally:
        await _execute(billing, "DROP TRIGGER refuse ON holds", "DROP FUNCTION refuse")


async def _execute(billing: Database, *statements: str) -> None:
    async with billing.transaction() as tx:
        for statement in statements:
            await tx.execute(text(statement))
