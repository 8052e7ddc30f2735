"""What billing does by itself with the ledger: it proves its books, closes each day, and lets credits expire."""

from collections.abc import Awaitable, Callable

from billing import books, expiry, patrol
from shared.db import Database, Tx
from shared.workers import Loop

CALENDAR_POLL_S = 5.0


def ledger_loops(database: Database) -> list[Loop]:
    """Return the loops that keep the ledger."""
    return [
        prover(database),
        Loop("billing books", _in_transaction(database, books.step), poll_s=CALENDAR_POLL_S),
        Loop("billing expiry", _in_transaction(database, expiry.expire), poll_s=CALENDAR_POLL_S),
        Loop("billing notices", _in_transaction(database, expiry.warn), poll_s=CALENDAR_POLL_S),
    ]


def prover(database: Database) -> Loop:
    """Return the loop that walks the ledger, a slice a second."""

    async def prove_once() -> bool:
        async with database.transaction() as tx:
            await patrol.step(tx)
        return False  # the rest of the second belongs to customers, however much is left to prove

    return Loop("billing proof", prove_once)


def _in_transaction(
    database: Database, work: Callable[[Tx], Awaitable[bool]]
) -> Callable[[], Awaitable[bool]]:
    async def work_once() -> bool:
        async with database.transaction() as tx:
            return await work(tx)

    return work_once
