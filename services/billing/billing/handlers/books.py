"""The books of a day: what others counted of it."""

from billing import books
from billing.handlers.registry import handlers
from shared.contracts.books import BooksCompared
from shared.db import Tx


@handlers.on(BooksCompared)
async def note_comparison(event: BooksCompared, tx: Tx) -> None:
    """Note what tasks counted of a day; a difference is asked about again before it counts."""
    await books.hear(tx, event)
