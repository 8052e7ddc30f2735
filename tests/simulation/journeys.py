"""What people do in a world: journeys that a seed mixes, and the two that are crashed at every event."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.simulation.people import People

WORK = (
    "Write me a poem about the sea",  # content-creation: expected 20, at most 50
    "Find 7 leads in Berlin",  # lead-generation: one credit each
    "Do my chores",  # general: 10
    "Research the market for kites",  # research: expected 20, at most 50
)
ADDRESSES = 3

Journey = Callable[[People, int], Awaitable[None]]


async def guest_pays(people: People, number: int) -> None:
    """J1: a guest pays; Stripe tells of it one to five times."""
    chance = people.world.chance
    paths = chance.randint(1, 5)
    await people.pay(_address(people), chance.choice((10, 50, 120)), number, paths=paths)


async def guest_pays_while_signing_up(people: People, number: int) -> None:
    """J1 and J2: a payment and a sign-up with one address at about the same time."""
    address, chance = _address(people), people.world.chance

    async def sign_up() -> None:
        await asyncio.sleep(chance.expovariate(1 / 2))
        await people.sign_up(address)

    await asyncio.gather(people.pay(address, 60, number, paths=chance.randint(1, 3)), sign_up())


async def guest_pays_slowly(people: People, number: int) -> None:
    """J1: a payment that is unpaid first, and then paid or not."""
    arrives = people.world.happens(0.7)
    await people.pay_later(_address(people), 40, number, arrives=arrives)


async def customer_has_work_done(people: People, number: int) -> None:
    """J4 and J5: a customer with credits asks for work, several times and at once, and cancels some."""
    address, chance = f"customer{number}@example.com", people.world.chance
    await people.sign_up(address)
    user_id = await people.user_of(address)
    await people.grant(user_id, chance.choice((20, 60, 110)), f"gift-{number}")

    async def ask(turn: int) -> None:
        await asyncio.sleep(chance.expovariate(1 / 2) if chance.random() < 0.5 else 0)
        task_id = await people.ask(user_id, chance.choice(WORK), f"key-{number}-{turn}")
        if task_id is not None and chance.random() < 0.4:
            await asyncio.sleep(chance.choice((0, 0.02, 3)) * chance.expovariate(1))
            await people.cancel(user_id, task_id)

    await asyncio.gather(*(ask(turn) for turn in range(chance.randint(1, 3))))


MIX: tuple[Journey, ...] = (
    guest_pays,
    guest_pays_while_signing_up,
    guest_pays_slowly,
    customer_has_work_done,
    customer_has_work_done,
)


async def one_payment(people: People, number: int) -> None:
    """J1 as it should be: the one event of one payment."""
    await people.pay("payer@example.com", 50, number)


async def funded_customer(people: People, number: int) -> None:
    """A customer with credits, of whom everybody knows."""
    await people.sign_up("customer@example.com")
    await people.grant(await people.user_of("customer@example.com"), 50, "gift")


async def one_task(people: People, number: int) -> None:
    """J4 as it should be: the customer asks once, and it is delivered."""
    user_id = await people.user_of("customer@example.com")
    await people.ask(user_id, WORK[0], "key")


def _address(people: People) -> str:
    return f"payer{people.world.chance.randrange(ADDRESSES)}@example.com"
