"""Who buys what in tests of billing, and what becomes of their plans."""

from billing_parts import Customer, Shop
from sqlalchemy import text

from billing.models import Payment


async def buyer(shop: Shop, lookup_key: str = "pack_500") -> tuple[Customer, Payment]:
    customer = await shop.customer()
    await customer.buy(lookup_key)
    [payment] = await shop.payments(customer)
    return customer, payment


async def subscriber(shop: Shop, lookup_key: str = "basic_monthly") -> Customer:
    customer = await shop.customer()
    await customer.buy(lookup_key)
    return customer


async def renew(shop: Shop, customer: Customer) -> None:
    await shop.control.renew((await customer.subscribed()).id)
    await shop.hear()


async def switch(shop: Shop, customer: Customer, lookup_key: str, **params: object) -> None:
    plan = await customer.subscribed()
    [item] = plan["items"].data
    await shop.stripe.subscriptions.update_async(
        plan.id,
        {
            "items": [{"id": item.id, "price": await shop.price_id(lookup_key)}],
            "proration_behavior": "always_invoice",
            **params,
        },
    )
    await shop.hear()


async def shift(shop: Shop, days: int) -> None:
    """Let the time that plans wait for have passed."""
    async with shop.billing.database.transaction() as tx:
        for table, column in (("plan_grants", "due_at"), ("subscriptions", "grace_until")):
            sql = f"UPDATE {table} SET {column} = {column} - make_interval(days => :days)"
            await tx.execute(text(sql), {"days": days})
    await shop.settle()
