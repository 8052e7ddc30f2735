"""Users as they see themselves, and as operators see them."""

import random

import pytest
from auth_parts import IDS, World, settings, use
from sqlalchemy import update

from auth.models import User
from shared.contracts.credits import (
    Balance,
    CreditsExpired,
    CreditsGranted,
    CreditsHeld,
    CreditsPaused,
    CreditsResumed,
    CreditsRevoked,
    CreditsSettled,
    CreditsSpent,
)
from shared.contracts.tasks import TaskCreated, Terms
from shared.testing import ADMIN_KEY


def balance(version: int, available: int) -> Balance:
    return Balance(balance=available, reserved=0, available=available, version=version)


def granted(user_id: object, version: int, available: int) -> CreditsGranted:
    return CreditsGranted(
        user_id=user_id,
        transaction_id=IDS.new(),
        amount=1,
        kind="purchase",
        balance=balance(version, available),
    )


def held(user_id: object, version: int, available: int) -> CreditsHeld:
    task = TaskCreated(
        task_id=IDS.new(),
        user_id=user_id,
        agent_type="general",
        description="work",
        terms=Terms(expected=1, maximum=1),
    )
    return CreditsHeld(hold_id=IDS.new(), amount=1, task=task, balance=balance(version, available))


def settled(user_id: object, version: int, available: int) -> CreditsSettled:
    return CreditsSettled(
        hold_id=IDS.new(),
        task_id=IDS.new(),
        user_id=user_id,
        captured=1,
        released=0,
        balance=balance(version, available),
    )


def revoked(user_id: object, version: int, available: int) -> CreditsRevoked:
    return CreditsRevoked(
        user_id=user_id,
        payment_id=IDS.new(),
        transaction_id=IDS.new(),
        kind="refund",
        amount=1,
        owed=0,
        balance=balance(version, available),
    )


def moved(user_id: object, version: int, available: int) -> dict[str, object]:
    return {
        "user_id": user_id,
        "transaction_id": IDS.new(),
        "balance": balance(version, available),
    }


async def credits_of(world: World) -> int:
    return (await world.log_in()).json()["credits"]


async def test_a_user_sees_who_they_are(world: World) -> None:
    browser = await world.sign_up()

    seen = (await browser.get("/api/user")).json()

    user = await world.user()
    assert seen == {
        "id": user["id"],
        "email": world.address(),
        "name": None,
        "email_verified": False,
        "credits": 0,
        "roles": [],
        "opened_by": "signup",
        "created_at": user["created_at"],
    }
    assert seen["id"].startswith("usr_")
    assert seen["created_at"].endswith("Z")


async def test_credits_follow_what_billing_says(world: World) -> None:
    browser = await world.sign_up()
    user_id = await world.user_id()

    for event, expected in (
        (granted(user_id, 1, 100), 100),
        (held(user_id, 2, 90), 90),
        (settled(user_id, 3, 95), 95),
        (revoked(user_id, 4, 80), 80),
        (CreditsSpent(amount=1, feature="x", **moved(user_id, 5, 79)), 79),
        (CreditsExpired(amount=9, **moved(user_id, 6, 70)), 70),
        (CreditsPaused(user_id=user_id, amount=30, balance=balance(7, 40)), 40),
        (CreditsResumed(user_id=user_id, amount=30, balance=balance(8, 70)), 70),
    ):
        await world.auth.deliver(event)
        assert (await browser.get("/api/user")).json()["credits"] == expected
        assert (await world.user())["credits"] == expected


async def test_an_older_balance_never_overwrites_a_newer_one(world: World) -> None:
    await world.sign_up()
    user_id = await world.user_id()
    events = [granted(user_id, version, version * 10) for version in range(1, 9)]
    events += [held(user_id, 9, 85), settled(user_id, 10, 86)]

    await world.auth.deliver_together(*reversed(events))
    for event in random.sample(events, len(events)):
        await world.auth.deliver(event)
    await world.auth.deliver(events[0])

    assert await credits_of(world) == 86


async def test_a_balance_may_come_before_its_user(world: World) -> None:
    early = IDS.new()
    await world.auth.deliver(granted(early, 1, 42))
    await world.sign_up()

    async with world.database.transaction() as tx:
        mark = User.id == await world.user_id()
        await tx.execute(update(User).where(mark).values(email_key="moved-away"))
        await tx.insert_once(
            User,
            id=early,
            email=world.address("early"),
            email_key=world.address("early"),
            is_opened_by_payment=False,
            roles=[],
            created_at=await tx.now(),
        )

    assert (await world.user("early"))["credits"] == 42


async def test_operators_find_accounts_by_address(world: World) -> None:
    await world.sign_up("ann")
    await world.verified("ben")

    [user] = await world.users(world.address("ben").upper())

    shown = {"id", "email", "name", "email_verified", "credits", "roles", "opened_by", "created_at"}
    assert set(user) == shown
    assert (user["email"], user["email_verified"]) == (world.address("ben"), True)
    assert await world.users("%" + world.address("ann")[1:]) == []


async def test_operators_page_through_accounts_newest_first(world: World) -> None:
    names = [f"page{number}" for number in range(5)]
    for name in names:
        await world.sign_up(name)
    mark = world.address("").removeprefix(".")
    operator = world.browser(**{"x-admin-key": ADMIN_KEY})

    seen, cursor = [], None
    while True:
        query = {"email": mark, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await operator.get("/api/admin/users", params=query)).json()
        seen += [user["email"] for user in page["users"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == [world.address(name) for name in reversed(names)]


async def test_an_operator_looks_at_one_account(world: World) -> None:
    await world.sign_up()
    user = await world.user()
    operator = world.browser(**{"x-admin-key": ADMIN_KEY})

    assert (await operator.get(f"/api/admin/users/{user['id']}")).json() == user
    nobody = await operator.get("/api/admin/users/usr_" + "0" * 32)
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not_found")
    for nonsense in ("7", "task_" + "0" * 32, "usr_" + "g" * 32, "usr_%00", "ü"):
        assert (await operator.get(f"/api/admin/users/{nonsense}")).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"email": "a\x00"},
        {"email": "x" * 300},
        {"cursor": "x"},
        {"limit": 0},
        {"limit": 201},
        {"limit": "many"},
    ],
)
async def test_a_question_that_makes_no_sense_is_not_valid(
    world: World, query: dict[str, object]
) -> None:
    operator = world.browser(**{"x-admin-key": ADMIN_KEY})

    assert (await operator.get("/api/admin/users", params=query)).status_code == 422


async def test_accounts_are_shown_to_operators_only(world: World) -> None:
    browser = await world.sign_up()
    user = await world.user()

    for path in ("/api/admin/users", f"/api/admin/users/{user['id']}"):
        assert (await world.browser().get(path)).status_code == 401
        assert (await world.browser(**{"x-admin-key": "guess"}).get(path)).status_code == 401
        assert (await browser.get(path)).status_code == 403


async def test_an_admins_role_is_in_the_next_token(world: World) -> None:
    await world.sign_up()
    async with world.database.transaction() as tx:
        user = await tx.lock(User, await world.user_id())
        user.roles = ["admin"]

    token = (await world.log_in()).json()["token"]

    admin = world.browser(authorization=f"Bearer {token}")
    assert (await admin.get("/api/admin/users")).status_code == 200


def test_settings_do_not_show_their_secrets(database_url: str) -> None:
    shown = repr(settings(database_url))

    assert "a pepper of the tests" not in shown
    assert ADMIN_KEY not in shown


async def test_a_user_is_called_what_they_say(world: World) -> None:
    browser = await world.sign_up()

    named = await browser.patch("/api/user", json={"name": "Ann Lee"})
    unchanged = await browser.patch("/api/user", json={})

    assert named.json()["name"] == unchanged.json()["name"] == "Ann Lee"
    assert (await browser.get("/api/user")).json() == unchanged.json()
    assert (await browser.patch("/api/user", json={"name": None})).json()["name"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": " Ann"},
        {"name": "x" * 81},
        {"name": "A\nB"},
        {"name": 7},
        {"email": "b@example.com"},
    ],
)
async def test_a_change_that_makes_no_sense_changes_nothing(
    world: World, body: dict[str, object]
) -> None:
    browser = await world.sign_up()
    before = (await browser.get("/api/user")).json()

    refused = await browser.patch("/api/user", json=body)

    assert refused.status_code == 422
    assert (await browser.get("/api/user")).json() == before


async def test_an_operator_makes_an_admin_whose_next_token_says_so(world: World) -> None:
    browser = await world.sign_up()
    user = await world.user()
    operator = world.browser(**{"x-admin-key": ADMIN_KEY})
    place = f"/api/admin/users/{user['id']}/roles"

    made = await operator.put(place, json={"roles": ["admin", "admin"]})
    assert (made.status_code, made.json()["roles"]) == (200, ["admin"])
    assert (await browser.get("/api/admin/users")).status_code == 403
    use(browser, await browser.post("/api/auth/refresh"))
    assert (await browser.get("/api/admin/users")).status_code == 200

    await operator.put(place, json={"roles": []})
    # the token that is left makes nobody an operator again, and there is no other
    assert (await browser.put(place, json={"roles": ["admin"]})).status_code == 403
    assert (await browser.post("/api/auth/refresh")).status_code == 401
    use(browser, await world.log_in(browser=browser))
    assert (await browser.get("/api/admin/users")).status_code == 403


async def test_roles_are_given_by_operators_and_are_those_that_exist(world: World) -> None:
    browser = await world.sign_up()
    user = await world.user()
    operator = world.browser(**{"x-admin-key": ADMIN_KEY})
    place = f"/api/admin/users/{user['id']}/roles"

    assert (await browser.put(place, json={"roles": ["admin"]})).status_code == 403
    assert (await operator.put(place, json={"roles": ["emperor"]})).status_code == 422
    nobody = "/api/admin/users/usr_" + "0" * 32 + "/roles"
    assert (await operator.put(nobody, json={"roles": []})).status_code == 404
    assert (await world.user())["roles"] == []
