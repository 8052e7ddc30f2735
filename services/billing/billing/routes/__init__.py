"""HTTP in, by the noun that is asked for."""

from fastapi import APIRouter

from billing.routes import credits, payments, webhook  # noqa: A004 - the product's word

router = APIRouter()
for noun in (webhook, credits, payments):
    router.include_router(noun.router)
