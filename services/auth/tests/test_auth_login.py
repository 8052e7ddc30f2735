"""Signing in, and what guessing meets."""

import asyncio

import pytest
from auth_parts import (
    OTHER_PASSWORD,
    PASSWORD,
    PEPPER,
    SEALING_KEY,
    SITE,
    World,
    at_once,
    claims,
    statuses,
)

from auth import addresses, signing_in, throttles
from auth.models import User
from auth.passwords import Busy, Passwords
from auth.settings import AuthSettings
from auth.signing_in import Entrance, WrongCredentials
from shared.contracts.credits import Balance, CreditsGranted
from shared.contracts.users import UserPasswordResetRequested
from shared.ids import public
from shared.settings import MissingSettings, load
from shared.testing import ServiceUnderTest
from shared.tokens import AUDIENCE


async def test_a_login_answers_token_email_and_credits(world: World) -> None:
    await world.sign_up()
    user_id = await world.user_id()
    balance = Balance(balance=70, reserved=20, available=50, version=3)
    await world.auth.deliver(
        CreditsGranted(
            user_id=user_id,
            transaction_id=world.database.ids.new(),
            amount=70,
            kind="purchase",
            balance=balance,
        )
    )

    answer = await world.log_in()

    assert answer.status_code == 200
    assert answer.json() == {
        "token": answer.json()["token"],
        "email": world.address(),
        "credits": 50,
    }
    assert answer.headers["cache-control"] == "no-store"


async def test_a_token_says_whose_it_is_for_fifteen_minutes(world: World) -> None:
    await world.sign_up()

    said = claims(await world.log_in())

    assert said["iss"] == SITE
    assert said["aud"] == AUDIENCE
    assert said["sub"] == public("usr", await world.user_id())
    assert said["sid"].startswith("ses_")
    assert said["email"] == world.address()
    assert said["roles"] == []
    assert said["exp"] - said["iat"] == 900
    assert said["jti"]


async def test_the_bearer_alone_signs_in_a_client_without_cookies(world: World) -> None:
    await world.sign_up()
    token = (await world.log_in()).json()["token"]

    answer = await world.browser(authorization=f"bearer {token}").get("/api/user")

    assert answer.json()["email"] == world.address()


async def test_an_address_signs_in_however_it_is_written(world: World) -> None:
    await world.sign_up()

    body = {"email": f"  {world.address().upper()} ", "password": PASSWORD}
    answer = await world.browser().post("/api/auth/login", json=body)

    assert answer.status_code == 200


async def test_unknown_wrong_and_not_yet_set_are_answered_alike(world: World) -> None:
    await world.sign_up("known")
    await world.pay("guest")

    answers = [
        await world.log_in(name, password=OTHER_PASSWORD)
        for name in ("known", "guest", "nobody", "no address at all")
    ]

    [answer] = {(answer.status_code, answer.text) for answer in answers}
    assert answer[0] == 401
    assert "wrong_credentials" in answer[1]
    header_names = {tuple(sorted(answer.headers)) for answer in answers}
    assert len(header_names) == 1


@pytest.mark.parametrize("password", ["x" * 73, "x" * 1024, "ключ" * 30, " ", "\u0000x"])
async def test_a_strange_password_is_answered_alike_for_known_and_unknown(
    world: World, password: str
) -> None:
    await world.sign_up()

    known = await world.log_in(password=password)
    unknown = await world.log_in("nobody", password=password)

    assert known.status_code in (401, 422)
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


@pytest.mark.parametrize("name", ["ann", "nobody"])
async def test_after_five_failures_the_next_try_waits_twice_as_long_each_time(
    world: World, name: str
) -> None:
    await world.sign_up()

    delays = []
    for _ in range(14):
        while (answer := await world.log_in(name, password=OTHER_PASSWORD)).status_code == 429:
            delays.append(int(answer.headers["retry-after"]))
            assert answer.json()["code"] == "too_many_tries"
            world.clock.advance(seconds=delays[-1])

    assert delays == [5, 10, 20, 40, 80, 160, 320, 640, 900]


async def test_a_right_password_waits_as_well_and_then_starts_anew(world: World) -> None:
    await world.sign_up()
    for _ in range(5):
        await world.log_in(password=OTHER_PASSWORD)

    assert (await world.log_in()).status_code == 429
    world.clock.advance(seconds=6)
    assert (await world.log_in()).status_code == 200
    assert [(await world.log_in(password="no")).status_code for _ in range(5)] == [401] * 5


async def test_failures_are_forgotten_after_a_while(world: World) -> None:
    await world.sign_up()
    for _ in range(4):
        await world.log_in(password=OTHER_PASSWORD)
    world.clock.advance(hours=2)
    for _ in range(4):
        assert (await world.log_in(password=OTHER_PASSWORD)).status_code == 401

    assert (await world.log_in()).status_code == 200


async def test_of_a_hundred_guesses_at_once_five_are_looked_at(world: World) -> None:
    await world.sign_up()

    answers = []
    for _ in range(10):
        answers += await at_once(*(world.log_in(password=OTHER_PASSWORD) for _ in range(10)))

    assert statuses(answers) == [401] * 5 + [429] * 95


async def test_one_network_address_guesses_twenty_times_over_all_accounts(world: World) -> None:
    await world.sign_up()
    eve = world.browser(world.database.ids.secret())
    for number in range(20):
        answer = await world.log_in(f"victim{number}", password=OTHER_PASSWORD, browser=eve)
        assert answer.status_code == 401

    assert (await world.log_in("another", browser=eve)).status_code == 429
    assert (await world.log_in(browser=eve)).status_code == 429
    assert (await world.log_in()).status_code == 200


async def test_right_passwords_from_one_network_address_cost_it_nothing(world: World) -> None:
    await world.sign_up()
    office = world.browser(world.database.ids.secret())

    for _ in range(30):
        assert (await world.log_in(browser=office)).status_code == 200


def test_a_network_address_is_a_host_of_ipv4_or_a_subscriber_of_ipv6() -> None:
    def key(client: str) -> str:
        return throttles.marks("ann@example.com", client)[1].key

    assert key("192.0.2.1") == key("::ffff:192.0.2.1") != key("192.0.2.2")
    assert key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9") != key("2001:db8:1:3::1")
    assert key("a socket") == "address:a socket"


async def test_a_reset_link_opens_a_locked_account(world: World) -> None:
    await world.sign_up()
    for _ in range(8):
        await world.log_in(password=OTHER_PASSWORD)
        world.clock.advance(seconds=4)
    assert (await world.log_in()).status_code == 429

    await world.browser().post("/api/auth/password/forgot", json={"email": world.address()})
    token = await world.mailed(UserPasswordResetRequested)
    body = {"token": token, "password": "a new password"}
    assert (await world.browser().post("/api/auth/password/reset", json=body)).status_code == 204

    assert (await world.log_in(password="a new password")).status_code == 200


async def test_more_passwords_than_can_be_looked_at_are_told_to_come_back(world: World) -> None:
    await world.sign_up()
    passwords = world.auth.service.resources[Passwords]

    async with passwords.admission():
        answers = await at_once(*(world.log_in(f"nobody{number}") for number in range(60)))

    busy = [answer for answer in answers if answer.status_code == 503]
    assert busy
    assert {answer.json()["code"] for answer in busy} == {"busy"}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in busy)
    assert statuses(answers)[0] == 401
    assert (await world.log_in()).status_code == 200


async def test_a_try_that_found_no_room_is_not_counted(world: World) -> None:
    await world.sign_up()
    full = Passwords("pepper", cost=4, at_once=1, waiting_max=0)
    entrance = Entrance(world.database, full)
    address = addresses.read(world.address())

    async with full.admission():
        for _ in range(10):
            with pytest.raises(Busy):
                await entrance.identify(address, "no", tried=throttles.marks(address.key, None))

    assert (await world.log_in()).status_code == 200


async def test_a_password_changed_between_look_and_entry_does_not_enter(world: World) -> None:
    await world.sign_up()
    address = addresses.read(world.address())
    tried = throttles.marks(address.key, None)
    who = await world.auth.service.resources[Entrance].identify(address, PASSWORD, tried=tried)

    async with world.database.transaction() as tx:
        user = await tx.lock(User, who.user_id)
        user.password_hash = "v1$another"

    with pytest.raises(WrongCredentials):
        async with world.database.transaction() as tx:
            await signing_in.admit(tx, who, tried=tried)


async def test_a_password_is_kept_at_the_present_cost_from_its_next_use(world: World) -> None:
    await world.sign_up()
    dearer = Passwords("a pepper of the tests", cost=5, at_once=1)
    address = addresses.read(world.address())
    tried = throttles.marks(address.key, None)

    who = await Entrance(world.database, dearer).identify(address, PASSWORD, tried=tried)
    async with world.database.transaction() as tx:
        user = await signing_in.admit(tx, who, tried=tried)

    assert who.password_hash.startswith("v1$$2b$04$")
    assert user.password_hash.startswith("v1$$2b$05$")
    assert (await world.log_in()).status_code == 200


async def test_ten_right_logins_of_one_account_at_once_each_get_a_session_or_wait(
    world: World,
) -> None:
    await world.sign_up()

    answers = await at_once(*(world.log_in() for _ in range(4)))

    assert statuses(answers) == [200] * 4
    assert len({claims(answer)["sid"] for answer in answers}) == 4


async def test_a_login_is_answered_while_bcrypt_works(auth: ServiceUnderTest) -> None:
    slow = Passwords("pepper", cost=9, at_once=1)
    work = asyncio.create_task(slow.hash(PASSWORD, email="ann@example.com"))

    ticks = 0
    while not work.done():
        await asyncio.sleep(0)
        ticks += 1

    assert (await work).startswith("v1$$2b$09$")
    assert ticks > 10


async def test_no_cost_and_no_pepper_of_the_past_lets_another_password_in(world: World) -> None:
    kept = await Passwords("one pepper", cost=4, at_once=1).hash(PASSWORD, email="a@example.com")

    assert await Passwords("one pepper", cost=5, at_once=1).matches(PASSWORD, kept)
    assert not await Passwords("another pepper", cost=4, at_once=1).matches(PASSWORD, kept)
    assert not await Passwords("one pepper", cost=4, at_once=1).matches(PASSWORD, kept[3:])
    assert not await Passwords("one pepper", cost=4, at_once=1).matches(PASSWORD, None)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LINK_SEALING_KEY", "not a key of 32 bytes"),
        ("AUTH_PASSWORD_PEPPER", "too short"),
        ("AUTH_BCRYPT_COST", "3"),
        ("AUTH_DATABASE_URL", None),
    ],
)
def test_a_missing_or_weak_setting_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None
) -> None:
    usual = {
        "SITE_URL": SITE,
        "JWKS_URL": SITE,
        "ADMIN_API_KEY": "an operators key",
        "AUTH_DATABASE_URL": "postgresql+asyncpg://nowhere/auth",
        "AUTH_PASSWORD_PEPPER": PEPPER,
        "LINK_SEALING_KEY": SEALING_KEY,
    }
    for name, text in (usual | {variable: value}).items():
        monkeypatch.delenv(name, raising=False)
        if text is not None:
            monkeypatch.setenv(name, text)

    with pytest.raises(MissingSettings, match=variable) as flaw:
        load(AuthSettings)
    assert value is None or len(value) == 1 or value not in str(flaw.value)
