"""HTTP in, by the noun that is asked for."""

from fastapi import APIRouter

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

router = APIRouter()
for noun in (
    *(webhook, catalogue, checkout, portal, subscriptions),
    *(of_credits, transactions, statement, spending, books, payments, refunds, reconciliation),
):
    router.include_router(noun.router)
