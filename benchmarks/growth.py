"""Growth: what an event costs when the tables are long, against when they are short.

The money path and spending on a ledger of 10 thousand postings and on one of 10 million,
inbox and lots grown alike; and the relay with 1 million rows waiting in the outbox, against 10 thousand. The rows are made by the
server itself, with triggers off; the measured part is the product's own process, the two sizes in turn.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from benchmarks.money import drained
from benchmarks.rounds import Effort, Once, Samples
from benchmarks.spending import spent
from benchmarks.stage import Site, Stage
from billing.chain import genesis_sql, link_sql
from shared.bus import Bus
from shared.run import open_bus

SHORT_LEDGER = 10_000
USERS = 2_000
QUEUE = "tasks"
POLL_S = 0.02
RELAY_S_MAX = 120
ID = "('01900000-000{kind}-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"
ACCOUNT, USER, POSTING, EVENT = (partial(ID.format, kind=kind) for kind in range(1, 5))
FILLING = (
    "SET session_replication_role = replica",
    "SET synchronous_commit = off",
    "SET maintenance_work_mem = '512MB'",
)
FILLED = ("postings", "lots", "inbox")
FILL_LEDGER = (
    f"""INSERT INTO accounts (id, user_id, balance, reserved, version, line, created_at)
        SELECT {ACCOUNT(number="n")}, {USER(number="n")},
               1000 * $2::int, 0, $2::int, $2::int, now()
        FROM generate_series(1, $1::bigint / $2::int) AS n""",
    # The first lines of all accounts, then all their second ones, and so on, as time would have written them.
    f"""WITH RECURSIVE chain AS (
            SELECT n AS account, NULL::uuid AS id, 0 AS line, '' AS key, {genesis_sql(USER(number="n"))} AS hash
            FROM generate_series(1, $1::bigint / $2::int) AS n
            UNION ALL
            SELECT account, p.id, p.line, p.key, {link_sql("p", "hash")}
            FROM chain, LATERAL (SELECT (account - 1) * $2 + line + 1 AS number) AS nth, LATERAL (
                SELECT {POSTING(number="number")} AS id, chain.line + 1 AS line, 1000 AS amount,
                       1000 * (chain.line + 1) AS balance_after, 'sales' AS counterpart,
                       'purchase' AS kind, '1,000 credits bought' AS description,
                       'grown:' || number AS key, now() AS created_at,
                       NULL::uuid AS payment_id, NULL::uuid AS task_id) AS p
            WHERE chain.line < $2)
        INSERT INTO postings (id, account_id, counterpart, line, amount, balance_after, kind,
                              description, key, created_at, hash)
        SELECT id, {ACCOUNT(number="account")}, 'sales', line, 1000, 1000 * line, 'purchase',
               '1,000 credits bought', key, now(), hash
        FROM chain WHERE line > 0""",
    """UPDATE accounts a SET hash = p.hash FROM postings p
        WHERE p.account_id = a.id AND p.line = $2 AND a.line = $2 AND $1::bigint > 0""",
    f"""INSERT INTO lots (id, account_id, kind, amount, remaining)
        SELECT {POSTING(number="n")}, {ACCOUNT(number="1 + (n - 1) / $2")}, 'purchase', 1000, 1000
        FROM generate_series(1, $1::bigint) AS n WHERE $2::int > 0""",
    f"""INSERT INTO inbox (event_id, source, name, first_seen_at)
        SELECT {EVENT(number="n")}, 'billing', 'payment.completed.v1',
               now() - interval '1 day'
        FROM generate_series(1, $1::bigint) AS n WHERE $2::int > 0""",
)
# Indexes are made of the whole table, which is many times faster than row by row.
WITHOUT_INDEXES = """
    UPDATE pg_index SET indisready = false, indisvalid = false
    WHERE indrelid = ANY ($1::text[]::regclass[])
"""
FILL_OUTBOX = """
    INSERT INTO outbox (name, headers, body, created_at)
    SELECT 'credits.granted.v1',
           jsonb_build_object('ce-id', gen_random_uuid(), 'ce-type', 'credits.granted.v1',
                              'ce-source', 'billing', 'ce-specversion', '1.0', 'ce-time', now(),
                              'ce-correlationid', gen_random_uuid()),
           convert_to(repeat('x', 400), 'UTF8'), now()
    FROM generate_series(1, $1::bigint)
"""
USERS_OF = "SELECT user_id FROM accounts ORDER BY hashtext(id::text) LIMIT $1"


@asynccontextmanager
async def ledger_growth(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure the money path and spending on a short and a long ledger."""
    sizes = {"short": min(SHORT_LEDGER, effort.ledger_rows), "long": effort.ledger_rows}
    sites = {name: await stage.site(f"ledger_{name}", room="ledger_growth") for name in sizes}
    users = {name: await _grown(sites[name], rows) for name, rows in sizes.items()}

    async def once() -> Samples:
        samples = {}
        for name, site in sites.items():
            drain = await drained(site, effort.events // 2, users[name], effort=effort)
            samples[f"growth/ledger/{name}"] = drain["rate"]
            samples[f"growth/spending/{name}"] = (await spent(site, users[name], effort))["rate"]
        return samples

    yield once


@asynccontextmanager
async def outbox_growth(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure the relay with few and with many rows waiting."""
    sites = {
        name: await stage.site(f"outbox_{name}", room="outbox_growth") for name in ("short", "long")
    }
    for site in sites.values():
        async with site.running("billing"):
            pass
    await _fill(sites["long"], effort.outbox_rows)

    async def once() -> Samples:
        await _fill(sites["short"], effort.events)
        return {
            f"growth/outbox/{name}": await _relayed(site, effort.events)
            for name, site in sites.items()
        }

    yield once


async def _grown(site: Site, rows: int) -> list[UUID]:
    """Fill the ledger of a site; return some of those whose accounts are in it."""
    async with site.running("billing"):
        pass
    lines = max(rows // 100_000, 1) if rows > SHORT_LEDGER else max(rows // USERS, 1)
    connection = await site.connect("billing", user="postgres")
    try:
        for setting in FILLING:
            await connection.execute(setting)
        await connection.execute(WITHOUT_INDEXES, FILLED)
        for statement in FILL_LEDGER:
            await connection.execute(statement, rows, lines)
        for table in FILLED:
            await connection.execute(f"REINDEX TABLE {table}")
        await connection.execute("VACUUM ANALYZE")
        return [row["user_id"] for row in await connection.fetch(USERS_OF, USERS)]
    finally:
        await connection.close()


async def _fill(site: Site, rows: int) -> None:
    connection = await site.connect("billing")
    try:
        await connection.execute(FILL_OUTBOX, rows)
        await connection.execute("VACUUM ANALYZE outbox")
    finally:
        await connection.close()


async def _relayed(site: Site, count: int) -> float:
    """Return how many events a second the relay brings to the broker."""
    bus = open_bus(site.bus_url)
    try:
        before = await bus.depth(QUEUE)
        async with site.running("billing"):
            first, began_at = await _depth_over(bus, before)
            last, ended_at = await _depth_over(bus, before + count * 9 // 10)
    finally:
        await bus.close()
    return (last - first) / (ended_at - began_at)


async def _depth_over(bus: Bus, depth: int) -> tuple[int, float]:
    async with asyncio.timeout(RELAY_S_MAX):
        while (now := await bus.depth(QUEUE)) <= depth:
            await asyncio.sleep(POLL_S)
    return now, time.perf_counter()
