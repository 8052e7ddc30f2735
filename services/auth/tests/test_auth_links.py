"""Mailed links: forgotten passwords and proven addresses."""

import httpx2
import pytest
from auth_parts import OTHER_PASSWORD, PASSWORD, World, at_once, statuses

from shared.contracts.users import (
    UserEmailVerified,
    UserPasswordResetRequested,
    UserRegistered,
    UserVerificationRequested,
)


async def forgot(world: World, name: str = "ann") -> httpx2.Response:
    body = {"email": world.address(name)}
    return await world.browser().post("/api/auth/password/forgot", json=body)


async def reset(world: World, token: str, password: str = OTHER_PASSWORD) -> httpx2.Response:
    body = {"token": token, "password": password}
    return await world.browser().post("/api/auth/password/reset", json=body)


async def verify(world: World, token: str) -> httpx2.Response:
    return await world.browser().post("/api/auth/email/verify", json={"token": token})


async def reset_link(world: World, name: str = "ann") -> str:
    await forgot(world, name)
    return await world.mailed(UserPasswordResetRequested, name)


async def test_forgot_answers_alike_whether_or_not_there_is_an_account(world: World) -> None:
    await world.sign_up("known")
    await world.pay("guest")

    answers = [await forgot(world, name) for name in ("known", "guest", "nobody", "no address")]

    assert {(answer.status_code, answer.text) for answer in answers} == {
        (202, '{"status":"accepted"}')
    }
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1
    assert len(await world.published(UserPasswordResetRequested, "known")) == 1
    assert len(await world.published(UserPasswordResetRequested, "guest")) == 1


async def test_a_reset_link_sets_the_password_and_proves_the_address(world: World) -> None:
    await world.sign_up()

    answer = await reset(world, await reset_link(world))

    assert answer.status_code == 204
    assert answer.content == b""
    assert "set-cookie" not in answer.headers
    assert (await world.log_in()).status_code == 401
    assert (await world.log_in(password=OTHER_PASSWORD)).status_code == 200
    assert (await world.user())["email_verified"] is True
    assert len(await world.published(UserEmailVerified)) == 1


async def test_a_reset_ends_every_session(world: World) -> None:
    browser = await world.sign_up()
    phone = world.browser()
    await world.log_in(browser=phone)

    await reset(world, await reset_link(world))

    assert (await browser.post("/api/auth/refresh")).status_code == 401
    assert (await phone.post("/api/auth/refresh")).status_code == 401


async def test_a_reset_link_works_once(world: World) -> None:
    await world.sign_up()
    token = await reset_link(world)
    await reset(world, token)

    answer = await reset(world, token, password="yet another one")

    assert answer.status_code == 422
    assert answer.json()["code"] == "link_invalid"
    assert (await world.log_in(password=OTHER_PASSWORD)).status_code == 200


async def test_of_a_hundred_uses_of_a_reset_link_one_succeeds(world: World) -> None:
    await world.sign_up()
    token = await reset_link(world)

    answers = []
    for start in range(0, 100, 20):
        passwords = [f"password number {number}" for number in range(start, start + 20)]
        answers += await at_once(*(reset(world, token, password) for password in passwords))

    assert statuses(answers).count(204) == 1
    assert set(statuses(answers)) <= {204, 422, 503}
    winner = next(index for index, answer in enumerate(answers) if answer.status_code == 204)
    login = await world.log_in(password=f"password number {winner}")
    assert login.status_code == 200


async def test_a_used_link_makes_the_others_worthless(world: World) -> None:
    await world.sign_up()
    older, newer = await reset_link(world), await reset_link(world)
    assert older != newer

    await reset(world, older)

    assert (await reset(world, newer, password="yet another one")).status_code == 422


async def test_a_reset_link_expires_after_half_an_hour(world: World) -> None:
    await world.sign_up()
    token = await reset_link(world)
    world.clock.advance(minutes=30)

    assert (await reset(world, token)).json()["code"] == "link_invalid"


async def test_a_refused_password_does_not_spend_the_link(world: World) -> None:
    await world.sign_up()
    token = await reset_link(world)

    assert (await reset(world, token, password="password1")).json()["code"] == "password_refused"
    assert (await reset(world, token, password=world.address())).status_code == 422
    assert (await reset(world, token)).status_code == 204


async def test_three_reset_links_an_hour_are_mailed_at_most(world: World) -> None:
    await world.sign_up()

    answers = await at_once(*(forgot(world) for _ in range(10)))
    assert statuses(answers) == [202] * 10
    assert len(await world.published(UserPasswordResetRequested)) == 3

    world.clock.advance(minutes=61)
    await forgot(world)
    assert len(await world.published(UserPasswordResetRequested)) == 4


async def test_an_address_is_proven_once(world: World) -> None:
    await world.sign_up()
    token = await world.mailed(UserRegistered)

    answers = await at_once(*(verify(world, token) for _ in range(20)))

    assert statuses(answers) == [200] + [422] * 19
    assert len(await world.published(UserEmailVerified)) == 1
    assert (await world.user())["email_verified"] is True


async def test_an_address_proven_twice_is_published_once(world: World) -> None:
    browser = await world.sign_up()
    await browser.post("/api/auth/email/resend")

    assert (await verify(world, await world.mailed(UserRegistered))).status_code == 200
    assert (await verify(world, await world.mailed(UserVerificationRequested))).status_code == 200
    assert len(await world.published(UserEmailVerified)) == 1


async def test_a_get_never_spends_a_link(world: World) -> None:
    await world.sign_up()
    token = await world.mailed(UserRegistered)

    answer = await world.browser().get("/api/auth/email/verify", params={"token": token})

    assert answer.status_code == 405
    assert (await verify(world, token)).status_code == 200


async def test_another_link_is_mailed_on_request_three_times_an_hour(world: World) -> None:
    browser = await world.sign_up()
    # the first one came with the sign-up
    answers = [await browser.post("/api/auth/email/resend") for _ in range(5)]

    assert {(answer.status_code, answer.text) for answer in answers} == {
        (202, '{"status":"accepted"}')
    }
    events = await world.published(UserVerificationRequested)
    assert len(events) == 2
    assert events[0].email == world.address()


async def test_a_proven_address_needs_no_other_link(world: World) -> None:
    browser = await world.verified()

    assert (await browser.post("/api/auth/email/resend")).status_code == 202
    assert await world.published(UserVerificationRequested) == []


async def test_a_link_is_mailed_again_only_to_the_signed_in(world: World) -> None:
    assert (await world.browser().post("/api/auth/email/resend")).status_code == 401


async def test_a_link_is_good_for_its_own_purpose_only(world: World) -> None:
    await world.sign_up()
    await world.pay("guest")
    tokens = {
        "verify": await world.mailed(UserRegistered),
        "claim": await world.mailed(UserRegistered, "guest"),
        "reset": await reset_link(world),
    }
    uses = {
        "verify": lambda token: verify(world, token),
        "claim": lambda token: world.claim(token=token),
        "reset": lambda token: reset(world, token),
    }

    for purpose, token in tokens.items():
        for other, use in uses.items():
            if other != purpose:
                answer = await use(token)
                assert (answer.status_code, answer.json()["code"]) == (422, "link_invalid")
    for purpose, token in tokens.items():
        assert (await uses[purpose](token)).status_code in (200, 204)


@pytest.mark.parametrize("token", ["0" * 64, "nonsense", "ü" * 200, "' or 1=1 --"])
async def test_a_token_that_is_none_of_ours_does_nothing(world: World, token: str) -> None:
    for answer in (
        await verify(world, token),
        await reset(world, token),
        await world.claim(token=token),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "link_invalid")


@pytest.mark.parametrize("token", ["", "x" * 201, "a\x00b", None, {"a": 1}])
async def test_a_token_that_cannot_be_one_is_not_valid(world: World, token: object) -> None:
    for path, body in (
        ("/api/auth/email/verify", {"token": token}),
        ("/api/auth/password/reset", {"token": token, "password": PASSWORD}),
    ):
        answer = await world.browser().post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
