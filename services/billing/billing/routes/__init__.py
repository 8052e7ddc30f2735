"""HTTP in, by the noun that is asked for."""

from billing.routes import (
    books,
    catalogue,
    checkout,
    payments,
    portal,
    reconciliation,
    refunds,
    spending,
    statement,
    subscriptions,
    transactions,
    webhook,
)
from billing.routes import credits as of_credits
from shared.http import joined

router = joined(
    *(noun.router for noun in (webhook, spending, of_credits, checkout, catalogue, portal)),
    *(noun.router for noun in (subscriptions, transactions, statement, books, payments, refunds)),
    reconciliation.router,
)
