"""Books that were kept before the chain: the migration gives every line its hash, and every rule holds after it."""

from importlib import import_module

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import text

from billing.models import Book
from billing.proof import prove
from shared.db import Database
from shared.migrate import migrate, scripts

# Two accounts as they were kept at revision 0002: a purchase, a bonus and a capture; a bonus with odd characters.
OLD_BOOKS = """
INSERT INTO payments (id, stripe_checkout_session_id, user_id, amount_cents, currency, credits, status, created_at)
VALUES ('01900000-0000-7000-8000-00000000000a', 'cs_1', '01900000-0000-7000-8000-0000000000f1',
        1000, 'usd', 1000, 'granted', now());
INSERT INTO accounts (id, user_id, balance, reserved, version, line, created_at) VALUES
('01900000-0000-7000-8000-0000000000e1', '01900000-0000-7000-8000-0000000000f1', 998, 5, 4, 3, now()),
('01900000-0000-7000-8000-0000000000e2', '01900000-0000-7000-8000-0000000000f2', 7, 0, 1, 1, now()),
('01900000-0000-7000-8000-0000000000e3', '01900000-0000-7000-8000-0000000000f3', 0, 0, 0, 0, now());
INSERT INTO postings (id, account_id, counterpart, line, amount, balance_after, kind, description, key, payment_id,
                      task_id, created_at) VALUES
('01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-0000000000e1', 'sales', 1, 1000, 1000,
 'purchase', '1,000 credits bought', 'payment:1', '01900000-0000-7000-8000-00000000000a', NULL,
 '2026-11-01 12:00:00.000001+00'),
('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-0000000000e1', 'promotion', 2, 10, 1010,
 'bonus', 'Bonus', 'bonus:1', NULL, NULL, '2026-11-01 12:00:01+00'),
('01900000-0000-7000-8000-000000000003', '01900000-0000-7000-8000-0000000000e1', 'delivered', 3, -12, 998,
 'capture', E'Find "leads"\n\t\\ in Zürich ✓', 'capture:01900000-0000-7000-8000-0000000000d1', NULL,
 '01900000-0000-7000-8000-0000000000c1', '2026-11-01 23:59:59.999999+01'),
('01900000-0000-7000-8000-000000000004', '01900000-0000-7000-8000-0000000000e2', 'promotion', 1, 7, 7,
 'bonus', 'Bonus', 'bonus:2', NULL, NULL, '2026-11-02 00:00:00+00');
INSERT INTO lots (id, account_id, kind, amount, remaining, expires_at) VALUES
('01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-0000000000e1', 'purchase', 1000, 998, NULL),
('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-0000000000e1', 'bonus', 10, 0, NULL),
('01900000-0000-7000-8000-000000000004', '01900000-0000-7000-8000-0000000000e2', 'bonus', 7, 7, NULL);
INSERT INTO lot_uses (posting_id, lot_id, amount) VALUES
('01900000-0000-7000-8000-000000000003', '01900000-0000-7000-8000-000000000001', 2),
('01900000-0000-7000-8000-000000000003', '01900000-0000-7000-8000-000000000002', 10);
INSERT INTO holds (id, account_id, task_id, amount, terms, captured, released, created_at, settled_at) VALUES
('01900000-0000-7000-8000-0000000000d1', '01900000-0000-7000-8000-0000000000e1',
 '01900000-0000-7000-8000-0000000000c1', 20, '{"expected": 12, "maximum": 20}', 12, 8, now(), now()),
('01900000-0000-7000-8000-0000000000d2', '01900000-0000-7000-8000-0000000000e1',
 '01900000-0000-7000-8000-0000000000c2', 5, '{"expected": 5, "maximum": 5}', 0, 0, now(), NULL)
"""


def climb(connection, revision):
    script = scripts(import_module("billing.migrations"))
    context = EnvironmentContext(Config(), script)
    context.configure(
        connection=connection, fn=lambda here, _: script._upgrade_revs(revision, here)
    )
    with context.begin_transaction():
        context.run_migrations()


async def test_books_from_before_the_chain_are_whole_after_the_migration(postgres):
    url = await postgres.create_database()
    database = Database(url, source="billing")
    async with database.engine.begin() as connection:
        await connection.run_sync(climb, "0002")
        for statement in OLD_BOOKS.split(";\n"):
            await connection.exec_driver_sql(statement)

    await migrate(database.engine, "billing.migrations")

    async with database.transaction() as tx:
        assert await prove(tx) == {}
        lots = await tx.execute(text("SELECT count(payment_id) AS paid, count(*) FROM lots"))
        [(paid, total)] = lots
        [begins] = (await tx.execute(text("SELECT day FROM books"))).scalars()
        assert (paid, total) == (1, 3)
        assert begins == (await tx.now()).date(), "what ended today is not all known to tasks"
        assert (await tx.get(Book, begins)).asked_count == 0
    await database.close()
    await postgres.drop_database(url)
