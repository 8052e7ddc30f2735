"""What billing does by itself with the ledger: it proves its books."""

from billing import patrol
from shared.db import Database
from shared.workers import Loop


def prover(database: Database) -> Loop:
    """Return the loop that walks the ledger, a slice a second."""

    async def prove_once() -> bool:
        async with database.transaction() as tx:
            await patrol.step(tx)
        return False  # the rest of the second belongs to customers, however much is left to prove

    return Loop("billing proof", prove_once)
