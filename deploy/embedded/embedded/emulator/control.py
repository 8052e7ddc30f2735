"""What a person or a test does around the API: pays, lets time go on, breaks things and mends them."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from embedded.emulator import charging, disputes, mischief, paying, payment_links, refunds
from embedded.emulator.account import Account
from embedded.emulator.deliveries import Mischief
from embedded.emulator.errors import StripeError
from embedded.emulator.faults import Fault, Faults
from embedded.emulator.invoices import DUNNING_END
from embedded.emulator.mischief import Order
from embedded.emulator.paying import Payer
from embedded.emulator.store import Body
from embedded.emulator.totals import TAX
from embedded.emulator.tx import Tx, hidden

T = TypeVar("T")

DAY_S = 86_400
DRAFT_S = 3600


class Control:
    """Everything that the control page and its API can do, as functions."""

    def __init__(self, account: Account, faults: Faults) -> None:
        self.account = account
        self.faults = faults

    @property
    def mischief(self) -> Mischief:
        """What is done to webhooks on their way."""
        return self.account.courier.mischief

    async def pay(self, session_id: str, payer: Payer | None = None) -> Body:
        """Pay at the page of a session; a decline is raised."""
        return await self.act(lambda tx: tx.view(paying.pay(tx, session_id, payer or Payer())))

    async def visit_link(self, link: str) -> Body:
        """Open a session by a payment link, of this id or with this address."""
        word = link.rsplit("/", 1)[-1]
        return await self.act(lambda tx: tx.view(payment_links.visit(tx, word)))

    async def advance(self, *, days: float = 0, seconds: int = 0) -> int:
        """Let the account's time go on, with all that comes due on the way."""
        now = await self.account.now()
        return await self.account.advance_to(now + int(days * DAY_S) + seconds)

    async def advance_to_next(self) -> int:
        """Let the account's time go on to what comes due next."""

        def following(tx: Tx) -> int:
            row = tx.tables.execute(
                "SELECT min(at) AS at FROM due WHERE at > ?", (tx.now,)
            ).fetchone()
            return int(row["at"] or tx.now)

        return await self.account.advance_to(await self.act(following))

    async def renew(self, subscription_id: str) -> None:
        """Let the account's time go on until a subscription has been renewed, and that was charged."""

        def end(tx: Tx) -> int:
            items = tx.all("subscription_item", subscription=subscription_id)
            if not items:
                tx.at_path("subscription", subscription_id)
            return int(items[0]["current_period_end"])

        await self.account.advance_to(await self.act(end) + DRAFT_S)

    async def settle_payment(self, intent_id: str) -> None:
        """Let a payment that is under way arrive, or fail, now."""
        await self.act(lambda tx: charging.settle(tx, intent_id))

    async def refund(self, charge_id: str, amount: int | None = None) -> Body:
        """Give money back as at the dashboard, all that is left or a part."""

        def work(tx: Tx) -> Body:
            charge = tx.at_path("charge", charge_id)
            left = charge["amount_captured"] - charge["amount_refunded"]
            refunds.check(tx, charge, amount or left, left)
            return tx.view(refunds.refund(tx, charge, amount or left))

        return await self.act(work)

    async def settle_refund(self, refund_id: str) -> None:
        """Let a refund that is on its way arrive now."""
        await self.act(lambda tx: refunds.settle(tx, refund_id))

    async def fail_refund(self, refund_id: str) -> None:
        """Let a refund come back: the money could not be given."""
        await self.act(lambda tx: refunds.fail(tx, refund_id))

    async def dispute(
        self, charge_id: str, *, reason: str = "fraudulent", amount: int | None = None
    ) -> Body:
        """Have a bank dispute a charge, or a part of it."""

        def work(tx: Tx) -> Body:
            charge = tx.at_path("charge", charge_id)
            return tx.view(disputes.open_dispute(tx, charge, reason=reason, amount=amount))

        return await self.act(work)

    async def inquire(self, charge_id: str) -> Body:
        """Have a bank ask about a charge; no money moves yet."""

        def work(tx: Tx) -> Body:
            charge = tx.at_path("charge", charge_id)
            return tx.view(disputes.open_dispute(tx, charge, reason="general", is_inquiry=True))

        return await self.act(work)

    async def escalate(self, dispute_id: str) -> Body:
        """Let an inquiry become a dispute."""
        return await self.act(
            lambda tx: tx.view(disputes.escalate(tx, tx.at_path("dispute", dispute_id)))
        )

    async def end_dispute(self, dispute_id: str, outcome: Literal["won", "lost"]) -> Body:
        """Let a dispute be decided; an inquiry is closed whatever the outcome."""
        return await self.act(
            lambda tx: tx.view(disputes.end(tx, tx.at_path("dispute", dispute_id), outcome))
        )

    async def fail_next(self, customer_id: str, *, times: int = 1) -> None:
        """Have a customer's next payments declined, whatever the card."""

        def work(tx: Tx) -> None:
            customer = tx.at_path("customer", customer_id)
            hidden(customer)["fail_next"] = times
            tx.keep(customer)

        await self.act(work)

    async def end_dunning_with(self, end: Literal["cancel", "unpaid", "past_due"]) -> None:
        """Choose what becomes of a subscription after its last failed attempt to be paid."""
        await self.act(lambda tx: tx.tables.know(DUNNING_END, end))

    async def tax(self, percent: int) -> None:
        """Choose the tax that is added where automatic tax is on."""
        await self.act(lambda tx: tx.tables.know(TAX, str(percent)))

    async def settle(self) -> None:
        """Do what is due now."""
        while await self.account.work_once():
            pass

    async def deliver(self) -> None:
        """Deliver the webhooks that are due now."""
        while await self.account.courier.work_once():
            pass

    async def release(self, order: Order = "as_they_were") -> int:
        """Let held webhooks go, in this order."""
        self.mischief.hold = False
        courier = self.account.courier
        count = await self.act(lambda tx: mischief.release(tx, order, courier.chance))
        self.account.webhooks.wake()
        return count

    async def deliver_again(self, event_id: str) -> int:
        """Deliver an event once more."""
        count = await self.act(lambda tx: mischief.again(tx, event_id))
        self.account.webhooks.wake()
        return count

    async def twins(self, object_id: str) -> list[Body]:
        """Tell all that happened to an object again, under new event ids."""
        return await self.act(lambda tx: mischief.twins(tx, object_id))

    async def events(self, *kinds: str) -> list[Body]:
        """Return what happened, oldest first: everything, or what is of these types."""

        def work(tx: Tx) -> list[Body]:
            found = tx.all("event", type=list(kinds)) if kinds else tx.all("event")
            return [tx.view(event) for event in found]

        return await self.act(work)

    def break_next(self, fault: Fault) -> None:
        """Make the next requests fail."""
        self.faults.add(fault)

    def mend(self) -> None:
        """Let requests succeed and webhooks through again."""
        self.faults.clear()
        self.account.courier.mischief = Mischief()

    async def act(self, work: Callable[[Tx], T]) -> T:
        """Do something that a refusal undoes, unless it keeps what was done; raise it after the commit."""
        result, refusal = await self.account.do(lambda tx: _outcome(tx, work))
        if refusal is not None:
            raise refusal
        kept: Any = result
        done: T = kept
        return done


def _outcome(tx: Tx, work: Callable[[Tx], T]) -> tuple[T | None, StripeError | None]:
    try:
        return tx.attempt(lambda: work(tx)), None
    except StripeError as refusal:
        return None, refusal
