"""Sessions: the refresh token's life, and who may use it."""

import httpx2
import pytest
from auth_parts import SITE, World, at_once, claims, statuses, use
from sqlalchemy import func, select

from auth.models import RefreshToken, Session

COOKIE = "refresh_token"


def held(browser: httpx2.AsyncClient) -> str:
    return browser.cookies[COOKIE]


def thief(world: World, token: str) -> httpx2.AsyncClient:
    """Another client that got hold of a refresh token."""
    browser = world.browser()
    browser.cookies.set(COOKIE, token, domain="impacter.example.com", path="/api/auth")
    return browser


async def refresh(browser: httpx2.AsyncClient) -> httpx2.Response:
    return await browser.post("/api/auth/refresh")


async def test_a_refresh_gives_a_new_token_and_a_new_cookie_of_the_same_session(
    world: World,
) -> None:
    browser = await world.sign_up()
    first = held(browser)
    session_id = claims(await refresh(browser))["sid"]
    second = held(browser)

    answer = await refresh(browser)

    assert set(answer.json()) == {"token", "email", "credits"}
    assert claims(answer)["sid"] == session_id
    assert len({first, second, held(browser)}) == 3
    use(browser, answer)
    assert (await browser.get("/api/user")).status_code == 200


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(world: World) -> None:
    await world.sign_up()

    [cookie] = (await world.log_in()).headers.get_list("set-cookie")

    name, *attributes = [part.strip().lower() for part in cookie.split(";")]
    assert name.startswith("refresh_token=")
    assert sorted(attributes) == [
        "httponly",
        "max-age=604800",
        "path=/api/auth",
        "samesite=strict",
        "secure",
    ]


async def test_a_repeated_refresh_within_seconds_gets_the_same_successor(world: World) -> None:
    browser = await world.sign_up()
    lost = thief(world, held(browser))

    await refresh(browser)
    world.clock.advance(seconds=9)
    answer = await refresh(lost)

    assert answer.status_code == 200
    assert held(lost) == held(browser)
    assert (await refresh(browser)).status_code == 200


async def test_twenty_refreshes_at_once_leave_one_leaf(world: World) -> None:
    browser = await world.sign_up()
    tabs = [thief(world, held(browser)) for _ in range(20)]

    answers = await at_once(*(refresh(tab) for tab in tabs))

    assert statuses(answers) == [200] * 20
    assert len({held(tab) for tab in tabs}) == 1
    assert await leaves(world, claims(answers[0])["sid"]) == 1


async def test_a_reuse_after_the_window_ends_the_session_for_everybody(world: World) -> None:
    browser = await world.sign_up()
    eve = thief(world, held(browser))
    await refresh(browser)
    world.clock.advance(seconds=11)

    stolen = await refresh(eve)

    assert stolen.status_code == 401
    assert COOKIE not in eve.cookies
    assert (await refresh(browser)).status_code == 401


async def test_a_reuse_of_an_older_token_ends_the_session_even_within_the_window(
    world: World,
) -> None:
    browser = await world.sign_up()
    eve = thief(world, held(browser))
    await refresh(browser)
    await refresh(browser)

    assert (await refresh(eve)).status_code == 401
    assert (await refresh(browser)).status_code == 401


async def test_a_reuse_ends_no_other_session(world: World) -> None:
    browser = await world.sign_up()
    phone = world.browser()
    await world.log_in(browser=phone)
    eve = thief(world, held(browser))
    await refresh(browser)
    world.clock.advance(seconds=11)
    await refresh(eve)

    assert (await refresh(phone)).status_code == 200


async def test_twenty_reuses_at_once_after_the_window_end_the_session(world: World) -> None:
    browser = await world.sign_up()
    old = held(browser)
    await refresh(browser)
    world.clock.advance(seconds=11)

    answers = await at_once(*(refresh(thief(world, old)) for _ in range(20)))

    assert statuses(answers) == [401] * 20
    assert (await refresh(browser)).status_code == 401


async def test_a_session_is_over_seven_days_after_the_sign_in_however_busy(world: World) -> None:
    browser = await world.sign_up()
    for day in range(1, 7):
        world.clock.advance(days=1)
        answer = await refresh(browser)
        assert answer.status_code == 200
        left_s = int(answer.headers["set-cookie"].split("Max-Age=")[1].split(";")[0])
        assert (7 - day) * 86_400 - 60 < left_s <= (7 - day) * 86_400

    world.clock.advance(days=1, seconds=1)
    assert (await refresh(thief(world, held(browser)))).status_code == 401


@pytest.mark.parametrize("token", ["", "nonsense", "0" * 64, "ü", "x" * 5000])
async def test_a_token_that_is_none_of_ours_refreshes_nothing(world: World, token: str) -> None:
    cookie = f"refresh_token={token}".encode()

    answer = await world.browser().post("/api/auth/refresh", headers={b"cookie": cookie})

    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthorized"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_a_cookie_there_is_nothing_to_refresh(world: World) -> None:
    assert (await refresh(world.browser())).status_code == 401


async def test_an_access_token_is_no_refresh_token(world: World) -> None:
    await world.sign_up()
    token = (await world.log_in()).json()["token"]

    assert (await refresh(thief(world, token))).status_code == 401


async def test_a_logout_ends_the_session_and_takes_the_cookie_back(world: World) -> None:
    browser = await world.sign_up()
    copy = thief(world, held(browser))

    answer = await browser.post("/api/auth/logout")

    assert answer.status_code == 204
    assert answer.content == b""
    assert COOKIE not in browser.cookies
    assert (await refresh(copy)).status_code == 401
    assert (await browser.post("/api/auth/logout")).status_code == 204


async def test_a_logout_and_refreshes_at_once_leave_the_session_ended(world: World) -> None:
    browser = await world.sign_up()
    tabs = [thief(world, held(browser)) for _ in range(6)]

    await at_once(
        *(refresh(tab) for tab in tabs[:3]),
        tabs[3].post("/api/auth/logout"),
        *(refresh(tab) for tab in tabs[4:]),
    )

    assert (await refresh(browser)).status_code == 401


FOREIGN = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site", "origin": SITE},
    {"origin": "https://evil.example"},
    {"origin": "http://impacter.example.com"},
    {"origin": f"{SITE}.evil.example"},
    {"origin": f"{SITE}:8443"},
    {"origin": "null"},
    {"origin": "https://[evil"},
    {"sec-fetch-site": "same-site", "origin": "https://blog.example.com"},
]
OURS = [
    {},
    {"origin": SITE},
    {"origin": f"{SITE}:443"},
    {"sec-fetch-site": "same-origin", "origin": SITE},
    {"sec-fetch-site": "none"},
]


@pytest.mark.parametrize("path", ["/api/auth/refresh", "/api/auth/logout"])
@pytest.mark.parametrize("headers", FOREIGN)
async def test_another_sites_page_cannot_use_the_cookie(
    world: World, path: str, headers: dict[str, str]
) -> None:
    browser = await world.sign_up()

    answer = await browser.post(path, headers=headers)

    assert answer.status_code == 403
    assert answer.json()["code"] == "cross_site"
    assert (await refresh(browser)).status_code == 200


@pytest.mark.parametrize("headers", OURS)
async def test_our_own_page_can_use_the_cookie(world: World, headers: dict[str, str]) -> None:
    browser = await world.sign_up()

    assert (await browser.post("/api/auth/refresh", headers=headers)).status_code == 200


async def test_a_cookie_does_not_stand_in_for_a_token(world: World) -> None:
    browser = await world.sign_up()
    del browser.headers["authorization"]

    assert (await browser.get("/api/user")).status_code == 401


async def leaves(world: World, session_id: str) -> int:
    async with world.database.transaction() as tx:
        mark = Session.id == session_id.removeprefix("ses_")
        found = select(func.count()).select_from(RefreshToken).join(Session)
        return await tx.scalar(found.where(mark, RefreshToken.used_at.is_(None))) or 0
