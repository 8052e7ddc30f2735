"""Signing up."""

import json

import pytest
from auth_parts import PASSWORD, World, at_once, claims, statuses

from shared.contracts.users import UserRegistered


async def test_a_sign_up_opens_an_account_without_credits_and_signs_in(world: World) -> None:
    body = {"email": world.address(), "password": PASSWORD}
    answer = await world.browser().post("/api/auth/signup", json=body)

    assert answer.status_code == 201
    assert answer.json() == {
        "token": answer.json()["token"],
        "email": world.address(),
        "credits": 0,
    }
    assert answer.headers["cache-control"] == "no-store"
    assert "refresh_token" in answer.cookies


async def test_register_is_another_name_for_sign_up(world: World) -> None:
    body = {"email": world.address(), "password": PASSWORD}
    answer = await world.browser().post("/api/auth/register", json=body)

    assert answer.status_code == 201
    assert claims(answer)["email"] == world.address()


async def test_a_sign_up_is_published_with_a_sealed_token_that_verifies_the_address(
    world: World,
) -> None:
    browser = await world.sign_up()

    [event] = await world.published(UserRegistered)
    assert event.payment is None
    assert event.email == world.address()
    token = await world.mailed(UserRegistered)
    assert token not in event.sealed_token
    answer = await browser.post("/api/auth/email/verify", json={"token": token})
    assert answer.json() == {"email": world.address()}


async def test_an_address_signs_up_once_however_it_is_written(world: World) -> None:
    await world.sign_up()

    for email in (
        world.address(),
        world.address().upper(),
        world.address().replace("@example.com", "@EXAMPLE.com"),
    ):
        body = {"email": email, "password": PASSWORD}
        answer = await world.browser().post("/api/auth/signup", json=body)
        assert answer.status_code == 409
        assert answer.json()["code"] == "email_taken"
        assert "forgotten-password link" in answer.json()["detail"]
        assert "refresh_token" not in answer.cookies


async def test_of_twenty_sign_ups_at_once_one_succeeds(world: World) -> None:
    body = {"email": world.address(), "password": PASSWORD}

    answers = await at_once(
        *(world.browser().post("/api/auth/signup", json=body) for _ in range(20))
    )

    assert statuses(answers).count(201) == 1
    assert set(statuses(answers)) <= {201, 409, 503}
    assert len(await world.users(world.address())) == 1
    assert len(await world.published(UserRegistered)) == 1


async def test_an_address_keeps_its_writing(world: World) -> None:
    shown = world.address("Ann.McX")
    answer = await world.browser().post(
        "/api/auth/signup",
        json={"email": shown.replace("example", "EXAMPLE"), "password": PASSWORD},
    )

    assert answer.json()["email"] == shown


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@localhost",
        "a b@example.com",
        "ann@example.com\nbcc: eve@example.com",
        "Ann <ann@example.com>",
        "ann@[127.0.0.1]",
        "ann@" + "a" * 250 + ".com",
        "ann\x00@example.com",
        "ann@exa\ud800mple.com",
        None,
        7,
        ["ann@example.com"],
    ],
)
async def test_what_is_no_address_is_refused_naming_the_field(world: World, email: object) -> None:
    body = b'{"email": %s, "password": "correct horse battery"}'
    answer = await world.browser().post(
        "/api/auth/signup",
        content=body % _json(email),
        headers={"content-type": "application/json"},
    )

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"
    assert answer.json()["errors"][0]["field"] == "body.email"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("seven77", "invalid"),
        ("x" * 1025, "invalid"),
        ("e\u0301" * 4, "password_refused"),
        ("password1", "password_refused"),
        ("PASSWORD123", "password_refused"),
        ("12345678", "password_refused"),
    ],
)
async def test_a_password_that_is_short_endless_or_common_is_refused(
    world: World, password: str, code: str
) -> None:
    body = {"email": world.address(), "password": password}
    answer = await world.browser().post("/api/auth/signup", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["field"] == "body.password"
    assert password not in answer.text
    assert await world.user() is None


async def test_an_address_cannot_be_its_own_password(world: World) -> None:
    body = {"email": world.address(), "password": world.address().upper()}
    answer = await world.browser().post("/api/auth/signup", json=body)

    assert answer.json()["code"] == "password_refused"


@pytest.mark.parametrize("password", ["ünï-cödé 密码 🔑", "x" * 1024, "a" * 72 + "b"])
async def test_a_long_or_foreign_password_works(world: World, password: str) -> None:
    await world.sign_up(password=password)

    assert (await world.log_in(password=password)).status_code == 200
    assert (await world.log_in(password=password[:-1] + "?")).status_code == 401


async def test_a_password_is_the_same_in_either_unicode_form(world: World) -> None:
    await world.sign_up(password="cafe\u0301 con leche")

    assert (await world.log_in(password="caf\u00e9 con leche")).status_code == 200


async def test_a_sign_up_takes_no_field_it_does_not_know(world: World) -> None:
    body = {"email": world.address(), "password": PASSWORD, "roles": ["admin"]}
    answer = await world.browser().post("/api/auth/signup", json=body)

    assert answer.status_code == 422
    assert await world.user() is None


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
