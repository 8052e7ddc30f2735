"""Changing a password while one is signed in."""

import pytest
from auth_parts import OTHER_PASSWORD, PASSWORD, World, at_once, statuses

from shared.contracts.users import UserPasswordResetRequested

PLACE = "/api/auth/password/change"


def change(current: str = PASSWORD, new: str = OTHER_PASSWORD) -> dict[str, str]:
    return {"current_password": current, "password": new}


async def test_a_changed_password_is_the_only_one(world: World) -> None:
    browser = await world.sign_up()

    answer = await browser.post(PLACE, json=change())

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await world.log_in(password=PASSWORD)).status_code == 401
    assert (await world.log_in(password=OTHER_PASSWORD)).status_code == 200


async def test_a_changed_password_ends_every_session_but_this_one(world: World) -> None:
    browser = await world.sign_up()
    phone = world.browser()
    await world.log_in(browser=phone)

    await browser.post(PLACE, json=change())

    assert (await phone.post("/api/auth/refresh")).status_code == 401
    assert (await browser.post("/api/auth/refresh")).status_code == 200


async def test_a_changed_password_ends_no_session_of_anybody_else(world: World) -> None:
    browser, ben = await world.sign_up(), await world.sign_up("ben")

    await browser.post(PLACE, json=change())

    assert (await ben.post("/api/auth/refresh")).status_code == 200


async def test_a_mailed_reset_link_is_worth_nothing_after_a_change(world: World) -> None:
    browser = await world.sign_up()
    await browser.post("/api/auth/password/forgot", json={"email": world.address()})
    token = await world.mailed(UserPasswordResetRequested)

    await browser.post(PLACE, json=change())

    body = {"token": token, "password": "a third password"}
    answer = await browser.post("/api/auth/password/reset", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "link_invalid")


async def test_without_the_current_password_nothing_changes(world: World) -> None:
    browser = await world.sign_up()
    phone = world.browser()
    await world.log_in(browser=phone)

    refused = await browser.post(PLACE, json=change(current="a guess"))

    assert (refused.status_code, refused.json()["code"]) == (422, "wrong_password")
    assert [error["field"] for error in refused.json()["errors"]] == ["body.current_password"]
    assert (await world.log_in(password=PASSWORD)).status_code == 200
    assert (await phone.post("/api/auth/refresh")).status_code == 200


async def test_guesses_at_the_current_password_are_counted_as_sign_ins_are(world: World) -> None:
    browser = await world.sign_up()

    answers = [await browser.post(PLACE, json=change(current="a guess")) for _ in range(7)]

    assert statuses(answers) == [422] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0
    assert (await world.log_in()).status_code == 429


async def test_a_right_password_forgets_the_guesses(world: World) -> None:
    browser = await world.sign_up()
    for _ in range(4):
        await browser.post(PLACE, json=change(current="a guess"))

    assert (await browser.post(PLACE, json=change())).status_code == 204
    for _ in range(4):
        await world.log_in(password="a guess")
    assert (await world.log_in(password=OTHER_PASSWORD)).status_code == 200


@pytest.mark.parametrize("password", ["password", "ann"])
async def test_a_password_that_is_easy_to_guess_is_refused(world: World, password: str) -> None:
    browser = await world.sign_up()
    if password == "ann":
        password = world.address()

    refused = await browser.post(PLACE, json=change(new=password))

    assert (refused.status_code, refused.json()["code"]) == (422, "password_refused")
    assert (await world.log_in(password=PASSWORD)).status_code == 200


async def test_of_two_changes_at_once_one_is_made(world: World) -> None:
    laptop = await world.sign_up()
    phone = world.browser()
    phone.headers["authorization"] = f"Bearer {(await world.log_in(browser=phone)).json()['token']}"

    answers = await at_once(
        laptop.post(PLACE, json=change(new="the laptop's password")),
        phone.post(PLACE, json=change(new="the phone's password")),
    )

    assert statuses(answers)[0] == 204
    assert statuses(answers)[1] in (401, 422)
    won = "the laptop's password" if answers[0].status_code == 204 else "the phone's password"
    assert (await world.log_in(password=won)).status_code == 200


async def test_a_password_is_changed_by_who_is_signed_in(world: World) -> None:
    assert (await world.browser().post(PLACE, json=change())).status_code == 401
