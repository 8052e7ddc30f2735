"""What billing does at Stripe: it asks what was bought and how things are, and does what others decided.

Each errand is three steps: a transaction that leases, a request to Stripe with no transaction open, a transaction that
writes down what came of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from billing import (
    customers,
    identification,
    matching,
    plan_grants,
    purchases,
    refund_requests,
    standing,
    subscriptions,
    telling,
)
from billing.gateway import Gateway, StripeAway, StripeMissing, StripeRefused
from billing.said import Said
from billing.settings import BillingSettings
from shared.db import Database
from shared.workers import Loop

log = structlog.get_logger()

AT_ONCE = 8
Errand = Callable[[], Awaitable[bool]]


class Errands:
    """The loops that go to Stripe; whoever has news for them wakes them."""

    def __init__(self, database: Database, gateway: Gateway, settings: BillingSettings) -> None:
        self._database = database
        self._gateway = gateway
        self._settings = settings
        self._identifier = Loop("billing identification", self.identify)
        self._walker = Loop("billing errands", self.walk, poll_s=5)

    @property
    def loops(self) -> Sequence[Loop]:
        """What is to run."""
        return (self._identifier, self._walker)

    def identify_soon(self) -> None:
        """Ask at once what was bought."""
        self._identifier.wake()

    def walk_soon(self) -> None:
        """Do at once what is due of everything else."""
        self._walker.wake()

    async def identify(self) -> bool:
        """Ask what some payments bought; tell whether there were any."""
        async with self._database.transaction() as tx:
            questions = await identification.lease(tx, limit=AT_ONCE)
        await asyncio.gather(*(self._identify(question) for question in questions))
        return bool(questions)

    async def walk(self) -> bool:
        """Do what is due of everything else; tell whether there was anything."""
        worked = False
        for errand in self._errands():
            try:
                worked |= await errand()
            except (StripeAway, StripeRefused) as refusal:
                log.warning("errand_put_off", errand=errand.__name__, reason=refusal.code)
        return worked

    def _errands(self) -> Sequence[Errand]:
        return (
            self._grant_due,
            self._pause_unpaid,
            self._ask_of_subscription,
            self._find_payment,
            self._refund,
            self._describe_customer,
            self._end_checkout,
        )

    async def _identify(self, question: identification.Question) -> None:
        try:
            await identification.identify(self._database, self._gateway, question)
        except (StripeAway, StripeRefused):
            async with self._database.transaction() as tx:
                await identification.put_off(tx, question)

    async def _grant_due(self) -> bool:
        async with self._database.transaction() as tx:
            return bool(await plan_grants.grant_due(tx))

    async def _pause_unpaid(self) -> bool:
        async with self._database.transaction() as tx:
            await subscriptions.adopt(tx)
            return bool(await standing.pause_unpaid(tx))

    async def _ask_of_subscription(self) -> bool:
        async with self._database.transaction() as tx:
            questions = await subscriptions.lease(tx, limit=1)
        for question in questions:
            plan = await self._gateway.subscription(question.subscription_id)
            async with self._database.transaction() as tx:
                found = await subscriptions.answered(tx, question, plan)
                if found is not None:
                    await standing.follow(tx, found, grace_days=self._settings.grace_days)
        return bool(questions)

    async def _find_payment(self) -> bool:
        async with self._database.transaction() as tx:
            intents = await matching.lease(tx, limit=AT_ONCE)
            await matching.settle_intents(tx, intents)
            unknown = await matching.unmatched(tx, intents)
        for intent in sorted(unknown):
            await self._ask_of_intent(intent)
        return bool(intents)

    async def _ask_of_intent(self, intent: str) -> None:
        """Ask which invoice a payment intent paid, and bring that in as if an event had told of it."""
        paying = await self._gateway.invoices_of(intent)
        bills = [await self._gateway.invoice(item.invoice) for item in paying]
        async with self._database.transaction() as tx:
            said = [Said(item) for item in (*paying, *bills) if item is not None]
            await telling.apply(tx, said)
            await matching.settle_intents(tx, [intent])

    async def _refund(self) -> bool:
        async with self._database.transaction() as tx:
            asked = await refund_requests.lease(tx)
        if asked is None:
            return False
        try:
            refund = await self._gateway.refund(asked.order)
        except StripeRefused as refusal:
            async with self._database.transaction() as tx:
                await refund_requests.give_up(tx, asked.request_id, refusal.reason)
            return True
        async with self._database.transaction() as tx:
            await telling.apply(tx, [Said(refund)])
        return True

    async def _describe_customer(self) -> bool:
        async with self._database.transaction() as tx:
            customer = await customers.lease(tx)
        if customer is None:
            return False
        try:
            await self._gateway.describe_customer(
                customer.customer_id, customer.user_id, customer.email
            )
        except StripeMissing:  # it was deleted at Stripe: the next checkout makes another
            async with self._database.transaction() as tx:
                await customers.forget(tx, customer.user_id, customer.customer_id)
        except StripeRefused as refusal:
            log.warning("customer_not_described", reason=refusal.reason)
        async with self._database.transaction() as tx:
            await customers.told(tx, customer)
        return True

    async def _end_checkout(self) -> bool:
        async with self._database.transaction() as tx:
            session_id = await purchases.lease_ending(tx)
        if session_id is None:
            return False
        await self._gateway.end_checkout(session_id)
        session = await self._gateway.checkout_session(session_id)
        async with self._database.transaction() as tx:
            await telling.apply(tx, [Said(session)] if session else [])
            await purchases.ended(tx, session_id)
        return True
