"""What billing's tests are made of: the wire that Stripe's webhooks come by, and a shop with its customers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx2
from sqlalchemy import select, text

from billing import ledger
from billing.cashier import Cashier
from billing.models import Payment
from billing.proof import prove
from billing.reconciliation import Reconciler, Scope
from embedded.emulator.faults import Fault, How, When
from embedded.emulator.paying import Payer
from embedded.emulator.service import Emulator
from shared.contracts.payments import PaymentCompleted
from shared.contracts.users import OpeningPayment, UserRecognized, UserRegistered
from shared.ids import public
from shared.testing import ADMIN_KEY, ServiceUnderTest, TokenIssuer
from tests.stripe_events import WEBHOOK_SECRET, signed

API_KEY = "sk_test_of_billing"
WEBHOOK = "/api/webhooks/stripe"
HOOK = f"http://test{WEBHOOK}"
OPERATOR = {"x-admin-key": ADMIN_KEY}


class Hook:
    """The wire between Stripe and billing's webhook; nothing goes over it while it is cut."""

    def __init__(self) -> None:
        self.client: httpx2.AsyncClient | None = None

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        assert self.client is not None
        answer = await self.client.post(url, content=body, headers=dict(headers))
        return answer.status_code, answer.text


@dataclass(eq=False)
class Customer:
    """Somebody who buys: with an account that billing knows, or a guest until auth opens one."""

    shop: "Shop"
    email: str
    user_id: UUID | None = None
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **options: Any) -> Any:
        answer = await self.shop.http.get(path, headers=self.headers, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def checkout(self, lookup_key: str, **headers: str) -> Any:
        """Ask for a page to pay on; return the answer."""
        body = {"price_id": await self.shop.price_id(lookup_key)}
        if self.user_id is None:
            body["email"] = self.email
        return await self.shop.http.post(
            "/api/billing/checkout-session", json=body, headers={**self.headers, **headers}
        )

    async def buy(self, lookup_key: str, *, card: str | None = None, told: bool = True) -> str:
        """Pay on a page, and let Stripe tell of it; return the session."""
        answer = await self.checkout(lookup_key)
        assert answer.status_code == 200, answer.text
        session_id: str = answer.json()["session_id"]
        payer = Payer(card, email=self.email) if card else Payer(email=self.email)
        await self.shop.control.pay(session_id, payer)
        if told:
            await self.shop.hear()
        return session_id

    async def progress(self, session_id: str) -> Any:
        """What the success page sees."""
        return await self.get(f"/api/billing/checkout-session/{session_id}")

    async def subscribed(self) -> Any:
        """The one subscription that Stripe has of this customer."""
        found = await self.shop.stripe.subscriptions.list_async({"status": "all"})
        emails = {
            item.id: (await self.shop.stripe.customers.retrieve_async(item.customer)).email
            for item in found.data
        }
        [mine] = [item for item in found.data if emails[item.id] == self.email]
        return mine

    async def available(self) -> int:
        """What can be spent; the books balance whenever anybody asks."""
        assert self.user_id is not None
        async with self.shop.billing.database.transaction() as tx:
            assert await prove(tx) == {}
            account = await ledger.account_of(tx, self.user_id)
            return account.available if account else 0

    async def debt(self) -> int:
        assert self.user_id is not None
        async with self.shop.billing.database.transaction() as tx:
            account = await ledger.account_of(tx, self.user_id)
            return account.debt if account else 0


class Shop:
    """Billing, its Stripe, and auth's part: who pays gets an account."""

    def __init__(self, billing: ServiceUnderTest, emulator: Emulator, issuer: TokenIssuer) -> None:
        self.billing = billing
        self.control = emulator.control
        self.emulator = emulator
        self.stripe = emulator.client().v1
        self.http = billing.client
        self._issuer = issuer
        self._prices: dict[str, str] = {}
        self._answered: set[UUID] = set()
        self._accounts: dict[str, UUID] = {}

    @property
    def cashier(self) -> Cashier:
        found: Cashier = self.billing.service.resources[Cashier]
        return found

    async def sync(self) -> None:
        await self.cashier.sync_prices()

    async def price_id(self, lookup_key: str) -> str:
        if lookup_key not in self._prices:
            found = await self.stripe.prices.list_async({"lookup_keys": [lookup_key]})
            self._prices[lookup_key] = found.data[0].id
        return self._prices[lookup_key]

    async def customer(self) -> Customer:
        """Somebody with an account."""
        user_id, email = uuid4(), f"{uuid4().hex}@example.com"
        await self.billing.deliver(UserRegistered(user_id=user_id, email=email, sealed_token="x"))
        token = self._issuer.token(user_id, email=email)
        self._accounts[email] = user_id
        return Customer(self, email, user_id, {"Authorization": f"Bearer {token}"})

    def guest(self) -> Customer:
        """Somebody without one."""
        return Customer(self, f"{uuid4().hex}@example.com")

    async def hear(self) -> None:
        """Let Stripe tell what happened, and do everything that follows, here and at auth."""
        await self.control.deliver()
        await self.settle()

    async def link(self, lookup_key: str, *, quantity: int = 1) -> str:
        """Make a payment link for a price; return its id."""
        item = {"price": await self.price_id(lookup_key), "quantity": quantity}
        return str((await self.stripe.payment_links.create_async({"line_items": [item]})).id)

    async def favour(self, currency: str) -> Any:
        """Make a payment link for ten of a currency, for nothing that the catalogue knows."""
        price = await self.stripe.prices.create_async(
            {"currency": currency, "unit_amount": 1000, "product_data": {"name": "A favour"}}
        )
        return await self.stripe.payment_links.create_async(
            {"line_items": [{"price": price.id, "quantity": 1}]}
        )

    async def pay_link(self, link: str, customer: Customer) -> str:
        """Pay at a payment link, and let Stripe tell of it; return the session."""
        session = await self.control.visit_link(link)
        await self.control.pay(session["id"], Payer(email=customer.email))
        await self.hear()
        return str(session["id"])

    async def tell(self, events: list[Any]) -> None:
        """Tell of these events in this order, whatever became of Stripe's own deliveries, and do what follows."""
        for event in events:
            answer = await self.http.post(WEBHOOK, **signed(event, WEBHOOK_SECRET))
            assert answer.status_code == 200, answer.text
        await self.settle()

    async def settle(self) -> None:
        """Do everything that follows from what was heard."""
        while True:
            await self.billing.work()
            new = [
                event
                for event in await self.billing.published(PaymentCompleted)
                if event.payment_id not in self._answered
            ]
            for event in new:
                self._answered.add(event.payment_id)
                await self.billing.deliver(event)
                await self._attribute(event)
            if not new:
                return

    async def _attribute(self, event: PaymentCompleted) -> None:
        """Answer a payment as auth does: a guest's opens an account, or meets one."""
        if event.user_id is not None:
            return
        if event.email in self._accounts:
            found = UserRecognized(user_id=self._accounts[event.email], payment_id=event.payment_id)
            await self.billing.deliver(found)
            return
        user_id = self._accounts[event.email] = uuid4()
        opening = OpeningPayment(payment_id=event.payment_id, credits=event.credits)
        await self.billing.deliver(
            UserRegistered(user_id=user_id, email=event.email, payment=opening, sealed_token="x")
        )

    def forget(self, customer: Customer) -> None:
        """Forget whose payments were whose, but for one customer."""
        assert customer.user_id is not None
        self._accounts = {customer.email: customer.user_id}

    def account_of(self, guest: Customer) -> Customer:
        """The guest, signed in to the account that was opened."""
        guest.user_id = self._accounts[guest.email]
        token = self._issuer.token(guest.user_id, email=guest.email)
        guest.headers = {"Authorization": f"Bearer {token}"}
        return guest

    async def payments(self, customer: Customer) -> list[Payment]:
        async with self.billing.database.transaction() as tx:
            mine = select(Payment).where(Payment.user_id == customer.user_id).order_by(Payment.id)
            return list(await tx.scalars(mine))

    async def reconcile(self, scope: Scope = "recent") -> None:
        """Compare with Stripe, as is done from time to time."""
        found: Reconciler = self.billing.service.resources[Reconciler]
        await found.reconcile(scope)

    async def portal_session(self, url: str) -> Any:
        """The session that a portal's address is of."""
        word = url.rsplit("/", 1)[-1]
        found = await self.control.act(
            lambda tx: [tx.view(item) for item in tx.all("billing_portal.session")]
        )
        return next(item for item in found if word in item["url"])

    def signed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a request to the webhook."""
        return {"url": WEBHOOK, **signed(body, WEBHOOK_SECRET)}

    async def charge_of(self, payment: Payment) -> str:
        """The charge that a payment was made by."""
        intent = payment.stripe_payment_intent_id
        if intent is None:
            rows = await self.rows(
                "SELECT stripe_payment_intent_id FROM invoice_payments WHERE stripe_invoice_id = :id",
                id=payment.stripe_invoice_id,
            )
            intent = rows[0][0]
        found = await self.stripe.payment_intents.retrieve_async(intent)
        return str(found.latest_charge)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.billing.database.transaction() as tx:
            return list(await tx.execute(text(statement), values))

    async def refund(
        self, payment: Payment, amount_cents: int | None = None, *, told: bool = True
    ) -> str:
        """Give money back at Stripe's dashboard, and let Stripe tell of it; return the refund."""
        charge = await self.charge_of(payment)
        refund = await self.control.refund(charge, amount_cents)
        if told:
            await self.hear()
        return str(refund["id"])

    @property
    def operator(self) -> dict[str, str]:
        return OPERATOR

    async def admin(self) -> dict[str, str]:
        """The headers of another operator, with a token of their own."""
        return {"Authorization": f"Bearer {self._issuer.token(uuid4(), roles=['admin'])}"}

    def break_next(
        self, route: str | None, how: How, *, times: int = 1, when: When | None = None
    ) -> None:
        """Make Stripe's next answers fail, after the work is done where they get lost."""
        usual: When = "after" if how == "lost" else "before"
        self.control.break_next(Fault(how, when or usual, times, route))

    async def operate(self, method: str, path: str, **options: Any) -> Any:
        """Do something as an operator; return the answer."""
        return await self.http.request(method, path, headers=OPERATOR, **options)


def user(customer: Customer) -> str:
    assert customer.user_id is not None
    return public("usr", customer.user_id)
