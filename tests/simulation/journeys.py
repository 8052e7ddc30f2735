"""What people do in a world: journeys that a seed mixes, and the three that are crashed at every event."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from tests.simulation.people import People
from tests.simulation.shopping import DECLINED, LATER, NEVER, VISA, Shopper, Subscriber

WORK = (
    "Write me a poem about the sea",  # content-creation: expected 20, at most 50
    "Find 7 leads in Berlin",  # lead-generation: one credit each
    "Do my chores",  # general: 10
    "Research the market for kites",  # research: expected 20, at most 50
)
ADDRESSES = 3
PACKS = ("pack_100", "pack_500", "pack_2000", "starter", "credits_per_cent")
MONTHLY, YEARLY = ("basic_monthly", "business_monthly"), ("basic_yearly",)
MEANS = (VISA, VISA, VISA, LATER, LATER, NEVER, DECLINED)

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


async def guest_buys(people: People, number: int) -> None:
    """A guest pays at a page of ours, by any means, and may want the money back."""
    await _buy(Shopper(people, number, _address(people)), people.world.chance.choice(PACKS))


async def customer_buys(people: People, number: int) -> None:
    """A customer buys one or two packs, in several tabs, wants money back, and spends all the while."""
    chance = people.world.chance
    shopper = await Shopper(people, number, f"buyer{number}@example.com").sign_up()
    names = chance.sample(PACKS, chance.randint(1, 2))
    buying = [_buy(shopper, name) for name in names]
    spending = [_spend(shopper) for _ in range(chance.randint(0, 3))]
    await asyncio.gather(*buying, *spending)


async def customer_subscribes(people: People, number: int) -> None:
    """A customer has a plan, monthly or yearly, of which anything becomes."""
    chance = people.world.chance
    subscriber = Subscriber(people, number, f"subscriber{number}@example.com")
    await subscriber.sign_up()
    await subscriber.subscribe(chance.choice((*MONTHLY, *MONTHLY, *YEARLY)))
    if subscriber.plan is None:
        return

    async def live() -> None:
        for _ in range(chance.randint(1, 4)):
            await subscriber.pause(6)
            await subscriber.live()

    await asyncio.gather(live(), *(_spend(subscriber) for _ in range(chance.randint(0, 2))))


async def _buy(shopper: Shopper, name: str) -> None:
    """Buy a pack; what follows may come before Stripe has told of the payment."""
    chance = shopper.chance
    await shopper.pause(3)
    page = await shopper.page_by_clicks(name, chance.choice((1, 1, 2)))
    session = await shopper.pay(page, chance.choice(MEANS)) or await shopper.pay(page)
    if session is None:
        return
    await shopper.pause(chance.choice((0.01, 5, 20)))
    if session["payment_status"] == "unpaid":
        await shopper.settle(session)
    if chance.random() < 0.4:
        await shopper.want_back(session["payment_intent"])
    elif chance.random() < 0.3:
        await shopper.ask_operator_for_refund(session["id"])


async def _spend(shopper: Shopper) -> None:
    await shopper.pause(15)
    await shopper.spend(shopper.chance.choice((1, 30, 90, 400)))


WORK_ALONE: tuple[Journey, ...] = (
    guest_pays,
    guest_pays_while_signing_up,
    guest_pays_slowly,
    customer_has_work_done,
    customer_has_work_done,
)
# By the name of what is lived through in a world: everything, or only what needs no answers of Stripe, which is quicker.
MIXES: Mapping[str, tuple[Journey, ...]] = {
    "all": (
        *WORK_ALONE,
        guest_buys,
        customer_buys,
        customer_buys,
        customer_subscribes,
        customer_subscribes,
    ),
    "work": WORK_ALONE,
}
AT_STRIPE = (guest_buys, customer_buys, customer_subscribes)


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


async def buyer(people: People, number: int) -> None:
    """A customer without credits, who could buy some."""
    await Shopper(people, number, "buyer@example.com").sign_up()
    await people.sync_prices()


async def one_purchase(people: People, number: int) -> None:
    """A purchase as it should be: a page is asked for, and paid."""
    shopper = await Shopper(people, number, "buyer@example.com").sign_up()
    await shopper.pay(await shopper.page("pack_100"))


def _address(people: People) -> str:
    return f"payer{people.world.chance.randrange(ADDRESSES)}@example.com"
