"""Customers who do not mind that the product fails under them, one journey after another."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from email.message import EmailMessage
from uuid import UUID

from tests.flows.product import Customer, Product, link_token
from tests.stripe_events import checkout_session
from tests.system.patience import Mailbox, in_time

FINAL = {"completed", "failed", "cancelled", "timed_out", "rejected"}
PRICE = 10


@dataclass(frozen=True)
class Errand:
    """A piece of work that a customer asks for, and after how long it is taken back."""

    description: str
    cancelled_after_s: float | None = None


PLAIN = Errand("Think of spring")
HOPELESS = (Errand("Give up [demo: fail]"), Errand("Break [demo: break]"))


def some_errand(chance: random.Random) -> Errand:
    """Return work that goes well, badly, slowly or never ends, or is taken back."""
    usual = [
        PLAIN,
        PLAIN,
        Errand("Find me 7 leads in Miami"),
        Errand("Take a moment [demo: slow 1]"),
        Errand("Take your time [demo: slow 4]"),
        Errand("Try again [demo: flaky]"),
        *HOPELESS,
    ]
    taken_back = chance.uniform(0, 3)
    return chance.choice(
        [
            *usual,
            Errand("Change my mind [demo: slow 2]", cancelled_after_s=taken_back),
            Errand("Never end [demo: hang]", cancelled_after_s=taken_back + 1),
        ]
    )


@dataclass
class Plan:
    """What a customer will do."""

    errands: list[Errand]
    credits_bought: int = 1000
    times_told: int = 1
    buys_again: bool = False

    @classmethod
    def by(cls, chance: random.Random) -> "Plan":
        """Make a plan up; now and then the credits are enough for two pieces of work only."""
        return cls(
            errands=[some_errand(chance) for _ in range(chance.randint(1, 3))],
            credits_bought=chance.choice([1000, 1000, 1000, 2 * PRICE]),
            times_told=chance.randint(1, 3),
            buys_again=chance.random() < 0.25,
        )


@dataclass
class Journey:
    """A guest who pays, sets a password, and asks for work until it has ended."""

    product: Product
    mailbox: Mailbox
    plan: Plan
    name: str
    paid: dict[str, int] = field(default_factory=dict)
    """The credits bought, by Checkout Session."""
    asked: dict[str, Errand] = field(default_factory=dict)
    """The work that was accepted, by task."""
    ended: dict[str, str] = field(default_factory=dict)
    """What the customer was told came of it."""
    payer: Customer = field(init=False)
    has_paid: asyncio.Event = field(default_factory=asyncio.Event)
    _keys: int = 0

    def __post_init__(self) -> None:
        self.payer = Customer(self.product, f"{self.name}@example.com")

    async def run(self) -> None:
        """Travel until all work has ended."""
        try:
            await self._travel()
        except BaseException as flaw:
            flaw.add_note(f"the journey of {self.payer.address}, who paid {self.paid}")
            raise

    async def ask_again(self) -> None:
        """Ask for plain work, and wait until it has ended."""
        known = set(self.asked)
        await in_time(lambda: self._ask(PLAIN), what="an accepted task")
        await asyncio.gather(*(self._see_through(task_id) for task_id in set(self.asked) - known))

    async def _travel(self) -> None:
        await self._pay()
        await in_time(self._is_welcome, what="the welcome mail")
        await self._claim()
        if self.plan.buys_again:
            await self._pay()
        first, *others = self.plan.errands
        await in_time(lambda: self._ask(first), what="an accepted task")
        await asyncio.gather(*(self._ask(errand) for errand in others))
        await asyncio.gather(*(self._see_through(task_id) for task_id in list(self.asked)))

    async def _pay(self) -> None:
        """Pay at Stripe, which tells of it one or more times, side by side."""
        session = checkout_session(email=self.payer.address, amount_cents=self.plan.credits_bought)
        self.paid[session["id"]] = self.plan.credits_bought
        told = (
            self.product.pay(self.payer.address, session=session)
            for _ in range(self.plan.times_told)
        )
        await asyncio.gather(*told)
        self.has_paid.set()

    async def _is_welcome(self) -> bool:
        return bool(self._welcome())

    def _welcome(self) -> list[EmailMessage]:
        return [
            mail for mail in self.mailbox.to(self.payer.address) if "Welcome" in mail["Subject"]
        ]

    async def _claim(self) -> None:
        """Set the password; where the answer to it was lost, the link was used up."""
        body = self._welcome()[0].get_body(("plain",))
        assert body is not None
        claim = {"token": link_token(body.get_content()), "password": self.payer.password}
        answer = await self.product.http.post("/api/auth/claim", json=claim)
        if answer.is_success:
            self.payer.take(answer)
        else:
            await self.payer.log_in()

    async def _ask(self, errand: Errand) -> bool:
        """Ask for work, once; tell whether it was accepted, which needs the credits to be known."""
        self._keys += 1
        key = {"Idempotency-Key": f"{self.name}-{self._keys}"}
        answer = await self.payer.post("/api/tasks", {"description": errand.description}, **key)
        if answer.status_code == 201:
            assert answer.json()["task_id"] not in self.asked, "one key, one task"
            self.asked[answer.json()["task_id"]] = errand
        assert answer.status_code in (201, 402), answer.text
        return answer.is_success

    async def _see_through(self, task_id: str) -> None:
        """Take the work back where that is planned; wait for its end."""
        wait_s = self.asked[task_id].cancelled_after_s
        if wait_s is not None:
            await asyncio.sleep(wait_s)
            answer = await self.payer.post(f"/api/tasks/{task_id}/cancel")
            assert answer.status_code in (202, 409), answer.text

        async def has_ended() -> bool:
            task = await self.payer.task(task_id)
            self.ended[task_id] = task["status"]
            return task["status"] in FINAL

        await in_time(has_ended, what=f"the end of {task_id}")


class Crowd:
    """So many customers at a time, one journey after another until told to stop; all by one seed."""

    def __init__(self, product: Product, *, seed: int, size: int) -> None:
        self.journeys: list[Journey] = []
        self.mailbox = Mailbox(product.folder / "mail")
        self._product = product
        self._seed = seed
        self._size = size
        self._is_over = asyncio.Event()

    async def run(self) -> None:
        """Travel; return when the journeys that were under way at the stop have ended."""
        async with asyncio.TaskGroup() as group:
            for place in range(self._size):
                group.create_task(self._travel(random.Random(f"{self._seed}/{place}")))

    def stop(self) -> None:
        """Begin no more journeys."""
        self._is_over.set()

    async def probe(self) -> None:
        """Make one plain journey; return when its work is delivered."""
        journey = self._begin(Plan([PLAIN]))
        await journey.run()
        while "completed" not in journey.ended.values():
            await journey.ask_again()

    async def _travel(self, chance: random.Random) -> None:
        while not self._is_over.is_set():
            await self._begin(Plan.by(chance)).run()
            await asyncio.sleep(chance.uniform(0.2, 1))

    def _begin(self, plan: Plan) -> Journey:
        name = f"customer-{len(self.journeys)}"
        journey = Journey(self._product, self.mailbox, plan, name)
        self.journeys.append(journey)
        return journey


def task_uuid(public_id: str) -> UUID:
    """Return the id that databases know a task by."""
    return UUID(hex=public_id.removeprefix("task_"))


def told(journeys: list[Journey]) -> dict[str, int]:
    """Return what customers were told came of their work, counted."""
    return dict(Counter(status for journey in journeys for status in journey.ended.values()))


def spoiled(journeys: list[Journey]) -> int:
    """Return how much work failed that would have gone well."""
    return sum(
        journey.ended[task_id] in ("failed", "timed_out") and errand not in HOPELESS
        for journey in journeys
        for task_id, errand in journey.asked.items()
    )
