"""What billing does by itself, by the noun that it is done to."""

from billing.workers.ledger import prover

__all__ = ["prover"]
