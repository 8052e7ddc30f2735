"""The cashier: requests that need Stripe's answer to be answered, asked between two transactions and never inside one."""

import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from billing import catalogue, customers, progress, purchases, standing, telling
from billing.gateway import Gateway, StripeAway, StripeFailed, StripeMissing, StripeRefused
from billing.models import Checkout, Customer
from billing.progress import Progress
from billing.purchases import Buyer, Terms
from billing.said import Said
from shared.db import Database, Tx
from shared.errors import Invalid, NotFound
from shared.outages import is_collision

T = TypeVar("T")

UNKNOWN_S: Final = 30
UNKNOWN_MAX: Final = 10_000
STRANGERS_A_SECOND_MAX: Final = 5


class AddressNotTaken(Invalid):
    """Stripe writes no receipts to this e-mail address."""

    code = "address_not_taken"


class CustomerGone(StripeMissing):
    """Stripe does not have the customer any more; asked once more, there is another."""


class Cashier:
    """Opens pages to pay on and the portal, and asks Stripe where it has not told."""

    def __init__(self, database: Database, gateway: Gateway, terms: Terms) -> None:
        self._database = database
        self._gateway = gateway
        self._terms = terms
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._strangers: deque[float] = deque()

    async def checkout(self, buyer: Buyer, price_id: str) -> Checkout:
        """Return a page to pay a price on, the same one for the same buyer while it is open."""
        return await _once_more(partial(self._checkout, buyer, price_id))

    async def _checkout(self, buyer: Buyer, price_id: str) -> Checkout:
        async with self._database.transaction() as tx:
            customer = await self._reserved(tx, buyer)
            page = await purchases.begin(tx, buyer, price_id)
        if page.url is not None:
            return page
        customer_id = await self._customer(customer) if customer else None
        order = purchases.order_of(page, customer_id, self._terms)
        try:
            async with self._as_customer(buyer.user_id, customer_id):
                session = await self._gateway.open_checkout(order)
        except (StripeRefused, StripeFailed) as refusal:
            async with self._database.transaction() as tx:
                await purchases.abandon(tx, page.id)
            if refusal.details.get("stripe_code") == "email_invalid":
                raise AddressNotTaken from refusal
            raise
        async with self._database.transaction() as tx:
            await purchases.opened(tx, page.id, session)
        page.url, page.stripe_checkout_session_id = session.url, session.id
        return page

    async def portal(self, user_id: UUID, email: str) -> str:
        """Return where a user sees to cards, plan and invoices: as who pays for the plan, if there is one."""
        async with self._database.transaction() as tx:
            plan = await standing.current(tx, user_id)
        if plan is not None and plan.stripe_customer_id is not None:
            with suppress(StripeMissing):
                return await self._gateway.open_portal(plan.stripe_customer_id)
        return await _once_more(partial(self._own_portal, user_id, email))

    async def _own_portal(self, user_id: UUID, email: str) -> str:
        async with self._database.transaction() as tx:
            mine = await customers.reserve(tx, user_id, email)
        customer_id = await self._customer(mine)
        async with self._as_customer(user_id, customer_id):
            return await self._gateway.open_portal(customer_id)

    async def progress(self, session_id: str) -> Progress:
        """Return how far a page has come; where that is not known, Stripe is asked, and believed as if it had told."""
        async with self._database.transaction() as tx:
            known = await progress.of_session(tx, session_id)
            is_settled = known is not None and known.is_final
            asks = not is_settled and await progress.may_ask(tx, session_id)
        if asks and not self._is_unknown(session_id):
            if known is None:
                self._count_stranger()
            await self._ask(session_id)
            async with self._database.transaction() as tx:
                known = await progress.of_session(tx, session_id)
        if known is None:
            raise NotFound
        return known

    async def sync_prices(self) -> catalogue.Changes:
        """Bring the catalogue up to Stripe's; return what changed."""
        found = await catalogue.fetch(self._gateway)
        async with self._database.transaction() as tx:
            return await catalogue.write(tx, found)

    async def preview_prices(self) -> catalogue.Changes:
        """Return what `sync_prices` would change."""
        found = await catalogue.fetch(self._gateway)
        async with self._database.transaction() as tx:
            return await catalogue.preview(tx, found)

    async def seed_prices(self) -> list[str]:
        """Make at Stripe what the standard catalogue has and Stripe has not; return its lookup keys."""
        return [
            offer.lookup_key for offer in catalogue.offers() if await self._gateway.offer(offer)
        ]

    async def _reserved(self, tx: Tx, buyer: Buyer) -> Customer | None:
        if buyer.user_id is None:
            return None
        return await customers.reserve(tx, buyer.user_id, buyer.email or "")

    async def _customer(self, row: Customer) -> str:
        """Return Stripe's customer of a user, made where there is none; the row is there already."""
        if row.stripe_customer_id is not None:
            return row.stripe_customer_id
        customer_id = await self._gateway.customer_of(row.user_id)
        if customer_id is None:
            customer_id = await self._made(row)
        async with self._database.transaction() as tx:
            return await customers.settle(tx, row.user_id, customer_id)

    async def _made(self, row: Customer) -> str:
        """Have Stripe make a customer; where it failed, whoever asks next asks by another key."""
        try:
            return await self._gateway.make_customer(
                row.user_id, row.email, generation=row.generation
            )
        except StripeFailed:
            async with self._database.transaction() as tx:
                await customers.forget(tx, row.user_id, None)
            raise

    @asynccontextmanager
    async def _as_customer(
        self, user_id: UUID | None, customer_id: str | None
    ) -> AsyncIterator[None]:
        """Ask Stripe for a customer; one that Stripe does not have any more is forgotten, for another to be made."""
        try:
            yield
        except StripeMissing as missing:
            if user_id is None or customer_id is None or "customer" not in missing.reason:
                raise
            async with self._database.transaction() as tx:
                await customers.forget(tx, user_id, customer_id)
            raise CustomerGone(missing.reason) from missing

    async def _ask(self, session_id: str) -> None:
        session = await self._gateway.checkout_session(session_id)
        if session is None:
            self._unknown[session_id] = time.monotonic()
            while len(self._unknown) > UNKNOWN_MAX:
                self._unknown.popitem(last=False)
            return
        bill = await self._gateway.invoice(session.invoice) if session.invoice else None
        try:
            async with self._database.transaction() as tx:
                said = [Said(item) for item in (session, bill) if item is not None]
                await telling.apply(tx, said)
        except DBAPIError as flaw:
            if not is_collision(flaw):  # else the webhook brings in the same at this moment
                raise

    def _count_stranger(self) -> None:
        """Let no more than a few pages of strangers be asked for in a second: Stripe answers only so often."""
        now = time.monotonic()
        while self._strangers and now - self._strangers[0] > 1:
            self._strangers.popleft()
        if len(self._strangers) >= STRANGERS_A_SECOND_MAX:
            raise StripeAway
        self._strangers.append(now)

    def _is_unknown(self, session_id: str) -> bool:
        """Whether Stripe said a moment ago that there is no such page: strangers may guess many."""
        return time.monotonic() - self._unknown.get(session_id, float("-inf")) < UNKNOWN_S


async def _once_more(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask, and once more if the customer was gone: the second time another is made."""
    try:
        return await ask()
    except CustomerGone:
        return await ask()
