"""What billing does by itself, by the noun that it is done to."""

from billing.workers.ledger import ledger_loops

__all__ = ["ledger_loops"]
