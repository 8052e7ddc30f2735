"""Whatever happens at Stripe ends in one state here: told in any order, again, under other ids, or never.

A story happens at the emulated Stripe first. Its own log of events is then told in order, in disorder with
duplicates and twins, and not at all: the comparison finds everything by itself.
"""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import uuid4

from billing_parts import Customer, Shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from billing.models import Base
from billing.proof import prove
from embedded.emulator.errors import StripeError
from embedded.emulator.paying import Payer
from shared.contracts.users import UserRegistered

KEPT = {
    *("products", "prices", "payment_links", "chores", "proofs", "books", "signing_keys"),
    *("checkouts", "customers"),
}
GUARDED = ("postings", "lot_uses", "reversals", "refund_steps")
STEPS = st.one_of(
    st.tuples(st.sampled_from(["pack", "link", "renew", "upgrade", "fail", "cancel"]), st.just(0)),
    st.tuples(st.just("plan"), st.sampled_from([0, 1])),
    st.tuples(st.sampled_from(["refund", "dispute"]), st.integers(0, 8)),
    st.tuples(st.sampled_from(["unrefund", "win", "lose"]), st.just(0)),
)
STATE = {
    "payments": "SELECT coalesce(stripe_checkout_session_id, stripe_invoice_id), status, credits,"
    " refund_taken, dispute_taken, amount_cents, email FROM payments",
    "plan grants": "SELECT key, status, amount FROM plan_grants",
    "subscriptions": "SELECT id, status, price_id, cancel_at_period_end FROM subscriptions",
    "bills": "SELECT stripe_invoice_id, status, amount_paid_cents FROM invoices",
    "disputes": "SELECT id, status FROM disputes",
    "balances": "SELECT m.email, a.balance, a.debt FROM accounts a JOIN"
    " (SELECT DISTINCT user_id, email FROM payments WHERE user_id IS NOT NULL) m"
    " ON m.user_id = a.user_id",
}


class Story:
    """What a customer, a guest and their banks do, as far as it is possible when they try."""

    def __init__(self, shop: Shop, customer: Customer, guest: Customer) -> None:
        self.shop = shop
        self.customer = customer
        self.guest = guest
        self.plan: str | None = None
        self.refunds: list[str] = []
        self.disputes: list[str] = []

    async def tell(self, steps: Sequence[tuple[str, int]]) -> None:
        for name, number in (("pack", 0), *steps):
            try:
                await getattr(self, f"_{name}")(number)
            except StripeError:  # what Stripe does not let happen has not happened
                continue

    async def end(self) -> None:
        """Let nothing more happen when time goes on."""
        await self._cancel(0)

    async def _pack(self, _: int) -> None:
        await self.customer.buy("pack_500", told=False)

    async def _link(self, _: int) -> None:
        session = await self.shop.control.visit_link(await self.shop.link("pack_100", quantity=3))
        await self.shop.control.pay(session["id"], Payer(email=self.guest.email))

    async def _plan(self, number: int) -> None:
        if self.plan is None:
            name = ("basic_monthly", "basic_yearly")[number]
            session_id = (await self.customer.checkout(name)).json()["session_id"]
            paid = await self.shop.control.pay(session_id, Payer(email=self.customer.email))
            self.plan = paid["subscription"]

    async def _renew(self, _: int) -> None:
        if self.plan is not None:
            await self.shop.control.renew(self.plan)

    async def _upgrade(self, _: int) -> None:
        if self.plan is not None:
            found = await self.shop.stripe.subscriptions.retrieve_async(self.plan)
            [item] = found["items"].data
            if found.status == "active" and item.price.lookup_key == "basic_monthly":
                price = await self.shop.price_id("business_monthly")
                change = {"items": [{"id": item.id, "price": price}]}
                await self.shop.stripe.subscriptions.update_async(
                    self.plan, {**change, "proration_behavior": "always_invoice"}
                )

    async def _fail(self, _: int) -> None:
        if self.plan is not None:
            found = await self.shop.stripe.subscriptions.retrieve_async(self.plan)
            await self.shop.control.fail_next(str(found.customer))
            await self.shop.control.renew(self.plan)

    async def _cancel(self, _: int) -> None:
        if self.plan is not None:
            found = await self.shop.stripe.subscriptions.retrieve_async(self.plan)
            if found.status != "canceled":
                await self.shop.stripe.subscriptions.cancel_async(self.plan)

    async def _refund(self, number: int) -> None:
        charge = await self._charge(number)
        left = charge.amount_captured - charge.amount_refunded
        part = left if number % 2 else max(left // 3, 1)
        refund = await self.shop.control.refund(charge.id, part)
        self.refunds.append(refund["id"])

    async def _unrefund(self, _: int) -> None:
        if self.refunds:
            await self.shop.control.fail_refund(self.refunds.pop())

    async def _dispute(self, number: int) -> None:
        charge = await self._charge(number)
        if not charge.disputed:
            dispute = await self.shop.control.dispute(charge.id)
            self.disputes.append(dispute["id"])

    async def _win(self, _: int) -> None:
        if self.disputes:
            await self.shop.control.end_dispute(self.disputes.pop(), "won")

    async def _lose(self, _: int) -> None:
        if self.disputes:
            await self.shop.control.end_dispute(self.disputes.pop(), "lost")

    async def _charge(self, number: int) -> Any:
        found = (await self.shop.stripe.charges.list_async({"limit": 100})).data
        emails = (self.customer.email, self.guest.email)
        mine = [item for item in found if item.billing_details.email in emails and item.paid]
        return mine[number % len(mine)]


async def forget_everything(shop: Shop, customer: Customer) -> None:
    """Leave what was there before Stripe told anything: the catalogue, pages, customers, and who signed up."""
    tables = [name for name in Base.metadata.tables if name not in KEPT]
    async with shop.billing.database.transaction() as tx:
        for verb in ("DISABLE", "ENABLE"):
            for table in GUARDED:
                await tx.execute(text(f"ALTER TABLE {table} {verb} TRIGGER USER"))
            if verb == "DISABLE":
                await tx.execute(text(f"TRUNCATE {', '.join(tables)}, inbox, outbox"))
        await tx.execute(
            text(
                "UPDATE checkouts SET is_open = false, status = 'open', payment_status = 'unpaid',"
                " stripe_subscription_id = NULL"
            )
        )
    shop.forget(customer)
    assert customer.user_id is not None
    await shop.billing.deliver(
        UserRegistered(user_id=customer.user_id, email=customer.email, sealed_token="x")
    )


async def state(shop: Shop) -> dict[str, set[tuple[Any, ...]]]:
    """What there is, without the ids and moments that we made."""
    async with shop.billing.database.transaction() as tx:
        assert await prove(tx) == {}
        return {
            name: {tuple(row) for row in await tx.execute(text(sql))} for name, sql in STATE.items()
        }


async def tell_in_disorder(shop: Shop, events: Sequence[dict[str, Any]], chance: Random) -> None:
    """Tell of everything at least once, in handfuls that come at the same time."""
    again = [chance.choice(events) for _ in range(len(events) // 3)]
    twins = [{**chance.choice(events), "id": f"evt_{uuid4().hex}"} for _ in range(len(events) // 3)]
    all_of_it = [*events, *again, *twins]
    chance.shuffle(all_of_it)
    while all_of_it:
        size = chance.randint(1, 12)
        handful, all_of_it = all_of_it[:size], all_of_it[size:]
        answers = await asyncio.gather(*(shop.http.post(**shop.signed(event)) for event in handful))
        assert {answer.status_code for answer in answers} == {200}
        if chance.random() < 0.2:
            await shop.settle()
    await shop.settle()


@given(steps=st.lists(STEPS, max_size=9), seed=st.integers(0, 2**32))
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_every_telling_of_a_story_ends_in_the_same_state(
    shop: Shop, steps: list[tuple[str, int]], seed: int
):
    customer, guest = await shop.customer(), shop.guest()
    before = {event["id"] for event in await shop.control.events()}
    story = Story(shop, customer, guest)
    shop.control.mischief.hold = True
    await story.tell(steps)
    events = [event for event in await shop.control.events() if event["id"] not in before]

    await forget_everything(shop, customer)
    await shop.tell(events)
    in_order = await state(shop)
    await forget_everything(shop, customer)
    await tell_in_disorder(shop, events, Random(seed))
    in_disorder = await state(shop)
    await forget_everything(shop, customer)
    await shop.reconcile("daily")
    await shop.settle()
    found = await state(shop)
    await story.end()

    assert in_disorder == in_order
    for name, rows in in_order.items():
        assert rows <= found[name], name
