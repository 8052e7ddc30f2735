"""Who buys in a world: at pages that billing opens and Stripe shows, with all that can become of a payment there."""

import asyncio
from typing import Any
from uuid import UUID

from embedded.emulator.paying import Payer
from embedded.emulator.store import Body
from shared.ids import public
from shared.testing import ADMIN_KEY
from tests.simulation.people import People, bearer
from tests.simulation.stripe_account import StripeAccount

VISA, LATER, NEVER = (
    "pm_card_visa",
    "pm_usBankAccount_success",
    "pm_usBankAccount_insufficientFunds",
)
DECLINED = "pm_card_visa_chargeDeclined"
SPENDING_TRIES = 4
PATIENCE_S = 5


class Shopper:
    """A customer with an account, or a guest."""

    def __init__(self, people: People, number: int, address: str) -> None:
        self.people = people
        self.world = people.world
        self.chance = people.world.chance
        self.stripe: StripeAccount = people.stripe
        self.address = address
        self.user_id: UUID | None = None
        self._number = number
        self._count = 0

    async def sign_up(self) -> "Shopper":
        """Have an account."""
        await self.people.sign_up(self.address)
        self.user_id = await self.people.user_of(self.address)
        return self

    async def page(self, name: str, **headers: str) -> str | None:
        """Return the session of a page to pay on, once the catalogue has the price; None where there is a plan."""
        body: dict[str, Any] = {"price_id": await self.stripe.price_of(name)}
        if self.user_id is None:
            body["email"] = self.address
        while True:
            answer = await self.people.post(
                "billing", "/api/billing/checkout-session", body, **self._headers(), **headers
            )
            if answer.status == 200:
                return str(answer.json()["session_id"])
            if answer.status == 409:
                return None
            if answer.status != 404:
                self.world.violate(f"a page for {name} was answered with {answer}")
                return None
            await asyncio.sleep(PATIENCE_S)

    async def page_by_clicks(self, name: str, clicks: int) -> str | None:
        """Ask for a page by several clicks at once, which lead to one page."""
        self._count += 1
        key = {"idempotency-key": f"page-{self._number}-{self._count}"}
        headers = key if self.user_id is None else {}  # a guest is known by nothing else
        pages = await asyncio.gather(*(self.page(name, **headers) for _ in range(clicks)))
        found = {page for page in pages if page is not None}
        seen = await self.stripe.seen("checkout.session", id=list(found)) if found else []
        if sum(session["status"] == "open" for session in seen) > 1:
            self.world.violate(f"{self.address} has several open pages of {name}: {found}")
        return min(found, default=None)

    async def pay(self, session_id: str | None, means: str = VISA) -> Body | None:
        """Pay at a page; return the session if it was completed."""
        if session_id is None:
            return None
        payer = Payer(means, email=self.address)
        return await self.stripe.at(lambda it: it.control.pay(session_id, payer))

    async def settle(self, session: Body) -> None:
        """Let money arrive that is on its way, or fail."""
        intent = session["payment_intent"]
        await self.stripe.at(lambda it: it.control.settle_payment(intent))

    async def want_back(self, intent_id: str | None) -> None:
        """Have money go back: by refunds or a dispute, which may end otherwise in the end."""
        intents = await self.stripe.seen("payment_intent", id=intent_id) if intent_id else []
        charge = intents[0]["latest_charge"] if intents else None
        if charge is None:
            return
        if self.world.happens(0.5):
            await self._refund(charge)
        else:
            await self._dispute(charge)

    async def spend(self, amount: int) -> None:
        """Spend credits through the API, once however often it is asked."""
        assert self.user_id is not None, "guests have nothing to spend"
        self._count += 1
        key = f"spend-{self._number}-{self._count}"
        body = {"amount": amount, "reason": "a wish"}
        for _ in range(SPENDING_TRIES):
            answer = await self.people.post(
                "billing", "/api/credits/spend", body, **self._headers(), **{"idempotency-key": key}
            )
            if answer.status == 201:
                self.people.watch.expected.spent[answer.json()["transaction_id"]] = amount
                return
            if answer.status not in (402, 409):
                self.world.violate(f"spending was answered with {answer}")
            await self.pause(PATIENCE_S)

    async def ask_operator_for_refund(self, session_id: str) -> None:
        """Have an operator send money back, where the payment is known by now."""
        sql = "SELECT id FROM billing.payments WHERE stripe_checkout_session_id = $1"
        rows = self.world.postgres.look(sql, session_id)
        if not rows:
            return
        path = f"/api/admin/payments/{public('pay', rows[0][0])}/refunds"
        amount = self.chance.choice((None, 1, 100))
        body = {"reason": "asked for"} | ({"amount_cents": amount} if amount else {})
        key = {"idempotency-key": f"refund-{self._number}-{session_id}"}
        asked = await self.people.post("billing", path, body, key=ADMIN_KEY, **key)
        if asked.status != 201:
            return
        path = f"/api/admin/refunds/{asked.json()['id']}"
        decided = await self.people.post("billing", f"{path}/approve", {}, key=ADMIN_KEY)
        if decided.status == 403:  # it is much, and there is nobody else
            reason = {"reason": "too much"}
            await self.people.post("billing", f"{path}/reject", reason, key=ADMIN_KEY)

    async def pause(self, seconds: float) -> None:
        """Do nothing for about so long."""
        await asyncio.sleep(self.chance.expovariate(1 / seconds))

    async def _refund(self, charge: str) -> None:
        for _ in range(self.chance.randint(1, 2)):
            amount = self.chance.choice((None, 1, 150, 300))
            refund = await self.stripe.at(lambda it, part=amount: it.control.refund(charge, part))
            await self.pause(2)
            if refund is not None and self.world.happens(0.25):
                name = refund["id"]
                await self.stripe.at(lambda it, which=name: it.control.fail_refund(which))

    async def _dispute(self, charge: str) -> None:
        dispute = await self.stripe.at(lambda it: it.control.dispute(charge))
        if dispute is None or self.world.happens(0.2):
            return
        await self.pause(6)
        outcome = self.chance.choice(("won", "won", "lost"))
        await self.stripe.at(lambda it: it.control.end_dispute(dispute["id"], outcome))

    def _headers(self) -> dict[str, str]:
        return {} if self.user_id is None else bearer(self.user_id, self.address)


class Subscriber(Shopper):
    """A shopper with a plan, of which anything may become."""

    plan: str | None = None

    async def subscribe(self, name: str) -> None:
        """Begin a plan; whoever has one is not sold another."""
        clicks = self.chance.choice((1, 1, 2))
        session = await self.pay(await self.page_by_clicks(name, clicks))
        self.plan = session["subscription"] if session else None

    async def live(self) -> None:
        """Let something happen to the plan that may happen at this moment."""
        deeds = (
            *(self.renew, self.renew, self.fail_to_pay, self.fail_to_pay, self.pay_bill),
            *(self.upgrade, self.cancel_later, self.resume, self.end, self.want_bill_back),
        )
        await self.chance.choice(deeds)()

    async def renew(self) -> None:
        """Let time go on until the plan is paid for its next period."""
        await self.stripe.at(lambda it: it.control.renew(str(self.plan)))

    async def fail_to_pay(self) -> None:
        """Let time go on, and the card be declined then; after a while it works again, or not."""
        customer = (await self._now())["customer"]
        await self.stripe.at(lambda it: it.control.fail_next(customer))
        await self.renew()
        await self.pause(8)
        if self.world.happens(0.7):
            await self.pay_bill()

    async def pay_bill(self) -> None:
        """Pay what is open."""
        for bill in await self.stripe.seen("invoice", customer=(await self._now())["customer"]):
            if bill["status"] == "open":
                name, key = bill["id"], self._key()
                await self.stripe.at(lambda it, which=name, by=key: it.pay_bill(which, by))

    async def upgrade(self) -> None:
        """Change to more credits, charged at once, or to fewer, from the next bill on."""
        now = await self._now()
        prices = {
            name: await self.stripe.price_of(name) for name in ("basic_monthly", "business_monthly")
        }
        [item] = now["items"]["data"]
        if now["status"] != "active" or item["price"]["id"] not in prices.values():
            return
        is_up = item["price"]["id"] == prices["basic_monthly"]
        wanted = prices["business_monthly" if is_up else "basic_monthly"]
        how = "always_invoice" if is_up else "none"
        await self._change(items=[{"id": item["id"], "price": wanted}], proration_behavior=how)

    async def cancel_later(self) -> None:
        """Let the plan end with its period."""
        await self._change(cancel_at_period_end=True)

    async def resume(self) -> None:
        """Let it go on after all."""
        await self._change(cancel_at_period_end=False)

    async def end(self) -> None:
        """End it now."""
        await self.stripe.at(lambda it: it.cancel_plan(str(self.plan), self._key()))

    async def want_bill_back(self) -> None:
        """Have the money of one of its bills go back."""
        bills = await self.stripe.seen("invoice_payment", status="paid")
        mine = {bill["id"] for bill in await self.stripe.seen("invoice") if self._is_mine(bill)}
        paid = [item for item in bills if item["invoice"] in mine]
        if paid:
            await self.want_back(self.chance.choice(paid)["payment"].get("payment_intent"))

    def _is_mine(self, bill: Body) -> bool:
        of_plan = ((bill.get("parent") or {}).get("subscription_details") or {}).get("subscription")
        return bool(of_plan == self.plan)

    async def _now(self) -> Body:
        return (await self.stripe.seen("subscription", id=self.plan))[0]

    async def _change(self, **change: Any) -> None:
        key = self._key()
        await self.stripe.at(lambda it: it.change_plan(str(self.plan), key, **change))

    def _key(self) -> str:
        self._count += 1
        return f"{self.address} {self._count}"
