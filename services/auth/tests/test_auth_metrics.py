"""What auth's metrics say: who is held back."""

from auth_parts import OTHER_PASSWORD

from auth import throttles
from auth.metrics import gauges


async def held_back(world):
    async with world.database.transaction() as tx:
        [gauge] = await gauges(tx)
    assert gauge.name == "impacter_sign_ins_blocked"
    return gauge.values[""]


async def test_accounts_that_are_guessed_at_are_counted_until_they_may_try_again(world, clock):
    await world.sign_up()
    before = await held_back(world)

    for _ in range(throttles.FREE_FOR_ACCOUNT + 1):
        await world.log_in(password=OTHER_PASSWORD)
    during = await held_back(world)
    clock.advance(hours=2)

    assert during == before + 1
    assert await held_back(world) == 0
