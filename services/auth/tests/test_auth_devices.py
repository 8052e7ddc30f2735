"""Devices: where somebody is signed in, and how a device is signed out from another."""

import httpx2
import pytest
from auth_parts import World, claims, statuses, use

PLACE = "/api/auth/sessions"


async def signed_in(world: World, agent: str, host: str | None = None) -> httpx2.AsyncClient:
    browser = world.browser(host, **{"user-agent": agent})
    use(browser, await world.log_in(browser=browser))
    return browser


async def seen(browser: httpx2.AsyncClient, **query: object) -> list[dict[str, object]]:
    answer = await browser.get(PLACE, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["sessions"]


async def test_a_user_sees_the_devices_that_are_signed_in_newest_first(world: World) -> None:
    await world.sign_up()
    await world.sign_up("ben")
    await signed_in(world, "a phone", "192.0.2.7")
    laptop = await signed_in(world, "a laptop", "192.0.2.8")

    sessions = await seen(laptop)

    assert [session["device"] for session in sessions][:2] == ["a laptop", "a phone"]
    assert [session["address"] for session in sessions][:2] == ["192.0.2.8", "192.0.2.7"]
    assert [session["is_current"] for session in sessions] == [True, False, False]
    assert set(sessions[0]) == {
        *("id", "device", "address", "is_current", "created_at", "last_seen_at", "ends_at")
    }
    assert sessions[0]["id"].startswith("ses_")


async def test_a_session_that_is_renewed_was_used_now_and_from_there(world: World) -> None:
    await world.sign_up()
    world.clock.advance(hours=-3)
    phone = await signed_in(world, "a phone")
    world.clock.advance(hours=3)
    phone.headers["user-agent"] = "a phone, updated"
    use(phone, await phone.post("/api/auth/refresh"))

    [session] = [session for session in await seen(phone) if session["is_current"]]

    assert session["device"] == "a phone, updated"
    assert session["last_seen_at"] > session["created_at"]


async def test_what_a_browser_says_of_itself_is_kept_short_or_not_at_all(world: World) -> None:
    await world.sign_up()
    wordy = await signed_in(world, "x" * 5000)
    silent = await signed_in(world, "")

    assert [session["device"] for session in await seen(wordy)][:2] == [None, "x" * 400]
    assert len(await seen(silent)) == 3


async def test_devices_are_paged(world: World) -> None:
    browser = await world.sign_up()
    for number in range(4):
        await signed_in(world, f"device {number}")

    found, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await browser.get(PLACE, params=query)).json()
        found += [session["id"] for session in page["sessions"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(found) == len(set(found)) == 5


async def test_a_device_is_signed_out_from_another(world: World) -> None:
    laptop = await world.sign_up()
    phone = await signed_in(world, "a phone")
    [lost] = [session for session in await seen(laptop) if session["device"] == "a phone"]

    ended = await laptop.delete(f"{PLACE}/{lost['id']}")

    assert (ended.status_code, ended.content) == (204, b"")
    assert (await phone.post("/api/auth/refresh")).status_code == 401
    assert (await laptop.post("/api/auth/refresh")).status_code == 200
    assert [session["is_current"] for session in await seen(laptop)] == [True]
    assert (await laptop.delete(f"{PLACE}/{lost['id']}")).status_code == 404


async def test_nobody_signs_out_somebody_else(world: World) -> None:
    ann, ben = await world.sign_up("ann"), await world.sign_up("ben")
    [session] = await seen(ben)

    foreign = await ann.delete(f"{PLACE}/{session['id']}")
    absent = await ann.delete(f"{PLACE}/ses_{'0' * 32}")

    assert (foreign.status_code, foreign.json()) == (404, absent.json())
    assert (await ben.post("/api/auth/refresh")).status_code == 200


async def test_a_session_that_is_over_is_not_shown(world: World) -> None:
    world.clock.advance(days=-7, seconds=-1)
    await world.sign_up()
    world.clock.advance(days=7, seconds=1)
    left = await signed_in(world, "left")
    await left.post("/api/auth/logout")

    browser = await signed_in(world, "here")

    assert [session["device"] for session in await seen(browser)] == ["here"]


async def test_devices_are_shown_to_who_is_signed_in(world: World) -> None:
    stranger = world.browser()

    answers = [await stranger.get(PLACE), await stranger.delete(f"{PLACE}/ses_{'0' * 32}")]

    assert statuses(answers) == [401, 401]


@pytest.mark.parametrize("nonsense", ["7", "usr_" + "0" * 32, "ses_" + "g" * 32, "ses_%00"])
async def test_an_id_that_is_none_is_not_valid(world: World, nonsense: str) -> None:
    browser = await world.sign_up()

    assert (await browser.delete(f"{PLACE}/{nonsense}")).status_code == 422


async def test_the_current_session_is_that_of_the_token(world: World) -> None:
    await world.sign_up()
    phone = world.browser()
    answer = use(phone, await world.log_in(browser=phone))

    [current] = [session for session in await seen(phone) if session["is_current"]]

    assert current["id"] == claims(answer)["sid"]
