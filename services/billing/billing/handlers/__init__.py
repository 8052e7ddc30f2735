"""Events in: payments become credits, tasks pass the gate, outcomes settle their holds."""

from billing.handlers import books, mails, payers, tasks
from billing.handlers.registry import handlers

__all__ = ["books", "handlers", "mails", "payers", "tasks"]
