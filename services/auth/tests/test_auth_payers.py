"""Guests who paid: accounts that payments open, and whose payments meet which account."""

import asyncio

import pytest
from auth_parts import IDS, OTHER_PASSWORD, PASSWORD, World, at_once, statuses, use
from sqlalchemy import delete

from auth.models import User
from shared.contracts.users import (
    OpeningPayment,
    UserClaimRequested,
    UserEmailVerified,
    UserPasswordResetRequested,
    UserRecognized,
    UserRegistered,
    UserVerificationRequested,
)
from shared.tables import inbox


async def test_a_strangers_payment_opens_an_account_and_is_welcomed(world: World) -> None:
    _, payment = await world.pay()

    [event] = await world.published(UserRegistered)
    assert event.email == world.address()
    assert event.payment == OpeningPayment(payment_id=payment.payment_id, credits=1000)
    user = await world.user()
    assert user["email_verified"] is False
    assert (await world.log_in()).status_code == 401
    assert await world.published(UserRecognized) == []


async def test_the_payment_of_somebody_signed_in_concerns_nobody_here(world: World) -> None:
    await world.sign_up()

    await world.pay(user_id=await world.user_id())

    assert await world.published(UserRecognized) == []
    assert await world.published(UserClaimRequested) == []


async def test_a_payment_with_a_made_up_user_is_a_guests(world: World) -> None:
    _, payment = await world.pay(user_id=IDS.new())

    [event] = await world.published(UserRegistered)
    assert event.payment == OpeningPayment(payment_id=payment.payment_id, credits=1000)


async def test_the_welcome_mails_link_sets_the_password_and_proves_the_address(
    world: World,
) -> None:
    await world.pay()
    token = await world.mailed(UserRegistered)
    world.clock.advance(hours=71)
    browser = world.browser()

    answer = await world.claim(token=token, browser=browser)

    assert set(answer.json()) == {"token", "email", "credits"}
    assert (await world.user())["email_verified"] is True
    assert (await browser.post("/api/auth/refresh")).status_code == 200
    assert len(await world.published(UserEmailVerified)) == 1
    assert (await world.log_in()).status_code == 200


async def test_the_welcome_mails_link_expires_after_three_days_and_a_reset_link_helps(
    world: World,
) -> None:
    await world.pay()
    token = await world.mailed(UserRegistered)
    world.clock.advance(hours=72)

    assert (await world.claim(token=token)).json()["code"] == "link_invalid"
    await world.browser().post("/api/auth/password/forgot", json={"email": world.address()})
    body = {"token": await world.mailed(UserPasswordResetRequested), "password": PASSWORD}
    assert (await world.browser().post("/api/auth/password/reset", json=body)).status_code == 204
    assert (await world.log_in()).status_code == 200


async def test_of_twenty_claims_with_one_link_one_succeeds(world: World) -> None:
    await world.pay()
    token = await world.mailed(UserRegistered)

    answers = await at_once(
        *(world.claim(token=token, password=f"a password {number}") for number in range(20))
    )

    assert statuses(answers).count(200) == 1
    assert set(statuses(answers)) <= {200, 422, 503}
    assert len(await world.published(UserEmailVerified)) == 1


async def test_the_payer_claims_the_account_on_the_success_page_unproven(world: World) -> None:
    session_id, _ = await world.pay()
    browser = world.browser()

    answer = use(browser, await world.claim(session_id=session_id, browser=browser))

    assert answer.json()["email"] == world.address()
    assert (await browser.get("/api/user")).json()["email_verified"] is False
    assert (await browser.post("/api/auth/refresh")).status_code == 200
    assert await world.published(UserEmailVerified) == []


async def test_of_twenty_claims_with_one_session_id_one_succeeds(world: World) -> None:
    session_id, _ = await world.pay()

    answers = await at_once(
        *(world.claim(session_id=session_id, password=f"a password {n}") for n in range(20))
    )

    assert statuses(answers).count(200) == 1
    assert set(statuses(answers)) <= {200, 409, 503}
    again = await world.claim(session_id=session_id)
    assert (again.status_code, again.json()["code"]) == (409, "already_claimed")


async def test_a_session_id_claims_for_a_day(world: World) -> None:
    session_id, _ = await world.pay()
    world.clock.advance(hours=24)

    answer = await world.claim(session_id=session_id)

    assert (answer.status_code, answer.json()["code"]) == (409, "already_claimed")


async def test_a_session_id_that_has_not_arrived_is_not_found(world: World) -> None:
    answer = await world.claim(session_id="cs_test_of_somebody")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "key", [{}, {"token": "a", "session_id": "b"}, {"token": None}, {"session_id": ""}]
)
async def test_a_claim_gives_exactly_one_key(world: World, key: dict[str, str]) -> None:
    answer = await world.claim(**key)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert PASSWORD not in answer.text


async def test_a_refused_password_does_not_spend_a_claim(world: World) -> None:
    session_id, _ = await world.pay()

    refused = await world.claim(session_id=session_id, password=world.address())
    assert refused.json()["code"] == "password_refused"
    assert (await world.claim(session_id=session_id)).status_code == 200


async def test_a_guests_payment_meets_the_account_of_a_proven_address(world: World) -> None:
    browser = await world.verified()
    session_id, payment = await world.pay(email=world.address().upper())

    assert await world.published(UserRecognized) == [
        UserRecognized(user_id=await world.user_id(), payment_id=payment.payment_id)
    ]
    assert (await world.claim(session_id=session_id)).status_code == 409
    assert (await browser.post("/api/auth/refresh")).status_code == 200
    assert (await world.log_in()).status_code == 200
    assert len(await world.published(UserRegistered)) == 1


async def test_a_payment_with_a_squatted_address_lets_the_mailbox_decide(world: World) -> None:
    squatter = await world.sign_up()
    session_id, payment = await world.pay()

    [event] = await world.published(UserClaimRequested)
    assert (event.payment_id, event.credits) == (payment.payment_id, 1000)
    assert await world.published(UserRecognized) == []
    # an event changes nothing about the account
    assert (await world.log_in()).status_code == 200
    assert (await squatter.post("/api/auth/refresh")).status_code == 200
    assert (await world.user())["email_verified"] is False
    assert (await world.claim(session_id=session_id)).status_code == 409


async def test_the_mailboxs_owner_drops_the_squatter(world: World) -> None:
    squatter = await world.sign_up(password=OTHER_PASSWORD)
    await world.pay()

    owner = world.browser()
    token = await world.mailed(UserClaimRequested)
    use(owner, await world.claim(token=token, browser=owner))

    assert (await squatter.post("/api/auth/refresh")).status_code == 401
    assert (await world.log_in(password=OTHER_PASSWORD)).status_code == 401
    assert (await world.log_in()).status_code == 200
    assert (await owner.post("/api/auth/refresh")).status_code == 200
    assert len(await world.published(UserEmailVerified)) == 1


async def test_no_link_confirms_a_squatted_address_once_somebody_paid_with_it(world: World) -> None:
    squatter = await world.sign_up(password=OTHER_PASSWORD)
    before = await world.mailed(UserRegistered)
    await world.pay()

    assert (await squatter.post("/api/auth/email/resend")).status_code == 202
    verified = await world.browser().post("/api/auth/email/verify", json={"token": before})

    assert verified.status_code == 422
    assert await world.published(UserVerificationRequested) == []
    assert (await world.user())["email_verified"] is False
    body = {"token": await world.mailed(UserPasswordResetRequested), "password": PASSWORD}
    assert (await world.browser().post("/api/auth/password/reset", json=body)).status_code == 204
    assert (await squatter.post("/api/auth/refresh")).status_code == 401
    assert (await world.user())["email_verified"] is True


async def test_the_squatters_own_reset_links_die_with_the_claim(world: World) -> None:
    await world.sign_up(password=OTHER_PASSWORD)
    await world.browser().post("/api/auth/password/forgot", json={"email": world.address()})
    await world.pay()
    await world.claim(token=await world.mailed(UserClaimRequested))

    body = {"token": await world.mailed(UserPasswordResetRequested), "password": OTHER_PASSWORD}
    assert (await world.browser().post("/api/auth/password/reset", json=body)).status_code == 422


async def test_a_dollar_with_a_victims_address_claims_no_later_payment(world: World) -> None:
    attackers, _ = await world.pay(amount_cents=100, credits=100)
    victims, payment = await world.pay()

    assert [event.payment_id for event in await world.published(UserRecognized)] == [
        payment.payment_id
    ]
    for session_id in (attackers, victims):
        answer = await world.claim(session_id=session_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "already_claimed")
    assert (await world.claim(token=await world.mailed(UserRegistered))).status_code == 200


async def test_who_claimed_with_a_dollar_keeps_nothing_once_the_mailbox_speaks(
    world: World,
) -> None:
    attackers, _ = await world.pay(amount_cents=100, credits=100)
    eve = world.browser()
    use(eve, await world.claim(session_id=attackers, password=OTHER_PASSWORD, browser=eve))

    await world.pay()
    assert await world.published(UserRecognized) == []
    owner = await world.claim(token=await world.mailed(UserClaimRequested))

    assert owner.status_code == 200
    assert (await eve.post("/api/auth/refresh")).status_code == 401
    assert (await world.log_in(password=OTHER_PASSWORD)).status_code == 401


async def test_the_welcome_mails_link_still_works_after_a_claim_on_the_success_page(
    world: World,
) -> None:
    session_id, _ = await world.pay()
    await world.claim(session_id=session_id, password=OTHER_PASSWORD)

    answer = await world.claim(token=await world.mailed(UserRegistered))

    assert answer.status_code == 200
    assert (await world.user())["email_verified"] is True


async def test_a_claim_and_another_payment_at_once_never_give_both_to_the_claimer(
    world: World,
) -> None:
    for number in range(8):
        name = f"ann{number}"
        attackers, _ = await world.pay(name)
        _, victims = world.payment(name)

        claimed, _ = await asyncio.gather(
            world.claim(session_id=attackers), world.auth.deliver(victims)
        )

        recognized = await world.published(UserRecognized, name)
        asked = await world.published(UserClaimRequested, name)
        # who came first under the account's lock decides, and the other knew
        assert (claimed.status_code == 200) == bool(asked)
        assert (claimed.status_code == 409) == bool(recognized)


async def test_a_payment_delivered_five_times_counts_once(world: World) -> None:
    await world.pay(times=5)

    assert len(await world.published(UserRegistered)) == 1


async def test_a_payment_counts_once_even_if_the_inbox_has_forgotten_it(world: World) -> None:
    session_id, opening = await world.pay()
    for _ in range(3):
        async with world.database.transaction() as tx:
            await tx.execute(delete(inbox))
        await world.auth.deliver(opening)

    assert len(await world.published(UserRegistered)) == 1
    assert await world.published(UserRecognized) == []
    assert (await world.claim(session_id=session_id)).status_code == 200
    await world.auth.deliver(opening)
    assert await world.published(UserClaimRequested) == []


async def test_a_payment_that_arrives_in_two_places_at_once_counts_once(world: World) -> None:
    _, payment = world.payment()

    await asyncio.gather(*(world.auth.deliver(payment) for _ in range(8)))

    assert len(await world.published(UserRegistered)) == 1
    assert await world.published(UserRecognized) == []


async def test_two_payments_of_one_stranger_at_once_open_one_account(world: World) -> None:
    payments = [world.payment()[1] for _ in range(6)]

    await asyncio.gather(*(world.auth.deliver(payment) for payment in payments))

    assert len(await world.users(world.address())) == 1
    [registered] = await world.published(UserRegistered)
    recognized = await world.published(UserRecognized)
    known = {event.payment_id for event in recognized} | {registered.payment.payment_id}
    assert known == {payment.payment_id for payment in payments}


async def test_payments_of_one_batch_are_each_answered(world: World) -> None:
    payments = [world.payment()[1], world.payment("ben")[1], world.payment()[1]]

    await world.auth.deliver_together(*payments)

    assert len(await world.published(UserRegistered)) == 1
    assert len(await world.published(UserRegistered, "ben")) == 1
    assert len(await world.published(UserRecognized)) == 1


async def test_a_sign_up_and_a_payment_at_once_give_one_account(world: World) -> None:
    for number in range(8):
        name = f"ann{number}"
        body = {"email": world.address(name), "password": PASSWORD}
        _, payment = world.payment(name)

        answer, _ = await asyncio.gather(
            world.browser().post("/api/auth/signup", json=body), world.auth.deliver(payment)
        )

        assert len(await world.users(world.address(name))) == 1
        [registered] = await world.published(UserRegistered, name)
        asked = await world.published(UserClaimRequested, name)
        if answer.status_code == 201:
            assert registered.payment is None
            assert len(asked) == 1
        else:
            assert answer.json()["code"] == "email_taken"
            assert registered.payment.payment_id == payment.payment_id
            assert asked == []


@pytest.mark.parametrize(
    "email",
    [
        "a..b{}@docomo.ne.jp",
        "Ann{}@LOCALHOST",
        "ann {}@example.test",
        "{}" + "x" * 400 + "@example.com",
        "not an address {}",
    ],
)
async def test_an_address_that_we_would_refuse_has_paid_all_the_same(
    world: World, email: str
) -> None:
    email = email.format(IDS.secret()[:8])
    session_id, _ = await world.pay(email=email)

    [user] = await world.users(email[:200])
    assert user["email"] == email.lower()
    assert (await world.claim(session_id=session_id)).status_code == 200
    body = {"email": email, "password": PASSWORD}
    assert (await world.browser().post("/api/auth/login", json=body)).status_code == 200


async def test_signing_up_with_the_address_of_a_payer_points_to_the_link(world: World) -> None:
    await world.pay()

    body = {"email": world.address(), "password": PASSWORD}
    answer = await world.browser().post("/api/auth/signup", json=body)

    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
    assert (await world.log_in()).status_code == 401


async def test_a_forgotten_payment_of_a_changed_address_opens_no_account(world: World) -> None:
    _, payment = await world.pay()
    async with world.database.transaction() as tx:
        user = await tx.lock(User, await world.user_id())
        user.email = user.email_key = world.address("moved")
        await tx.execute(delete(inbox))

    await world.auth.deliver(payment)

    assert await world.users(world.address()) == []
    assert await world.published(UserRecognized, "moved") == []
