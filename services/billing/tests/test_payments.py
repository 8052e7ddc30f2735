"""From payment.completed to credits: whose they are, in any order of events."""

import itertools
from uuid import uuid4

import pytest
from sqlalchemy import select

from billing import ledger
from billing.models import Payment
from billing.proof import prove
from shared.contracts.credits import CreditsGranted
from shared.contracts.payments import PaymentCompleted
from shared.contracts.users import (
    OpeningPayment,
    UserEmailVerified,
    UserRecognized,
    UserRegistered,
)
from shared.ids import public
from tests.stripe_events import WEBHOOK_SECRET, checkout_session, event, signed


async def pay(billing, email, *, user_id=None, amount_cents=1000):
    """Pay as Stripe would tell; return the event that the world learns it by."""
    reference = public("usr", user_id) if user_id else None
    session = checkout_session(
        email=email, amount_cents=amount_cents, client_reference_id=reference
    )
    await billing.client.post("/api/webhooks/stripe", **signed(event(session), WEBHOOK_SECRET))
    await billing.work()
    async with billing.database.transaction() as tx:
        statement = select(Payment.id).where(Payment.stripe_checkout_session_id == session["id"])
        payment_id = await tx.scalar(statement)
    published = await billing.published(PaymentCompleted)
    return next(item for item in published if item.payment_id == payment_id)


async def available(billing, user_id):
    async with billing.database.transaction() as tx:
        account = await ledger.account_of(tx, user_id)
        assert await prove(tx) == {}
        return account.available if account else None


async def granted(billing, user_id):
    return [item for item in await billing.published(CreditsGranted) if item.user_id == user_id]


def registered(user_id, email, payment=None):
    opening = payment and OpeningPayment(payment_id=payment.payment_id, credits=payment.credits)
    return UserRegistered(user_id=user_id, email=email, payment=opening, sealed_token="x")


def address():
    return f"{uuid4().hex}@example.com"


async def test_a_guests_payment_waits_until_auth_says_whose_it_is(billing):
    user_id, email = uuid4(), address()
    payment = await pay(billing, email)

    await billing.deliver(payment)
    assert await available(billing, user_id) is None
    await billing.deliver(registered(user_id, email, payment))

    assert await available(billing, user_id) == 1000
    [event_] = await granted(billing, user_id)
    assert (event_.amount, event_.kind, event_.opened_account) == (1000, "purchase", True)


async def test_the_account_may_be_known_before_the_payment_is_handled(billing):
    user_id, email = uuid4(), address()
    payment = await pay(billing, email)

    await billing.deliver(registered(user_id, email, payment))
    await billing.deliver(payment)

    assert await available(billing, user_id) == 1000
    assert len(await granted(billing, user_id)) == 1


async def test_a_signed_in_payers_credits_come_at_once(billing):
    user_id, email = uuid4(), address()
    await billing.deliver(registered(user_id, email))

    await billing.deliver(await pay(billing, address(), user_id=user_id))

    assert await available(billing, user_id) == 1000


async def test_a_signed_in_payer_whom_billing_does_not_know_yet_loses_nothing(billing):
    user_id, email = uuid4(), address()
    await billing.deliver(await pay(billing, email, user_id=user_id))
    assert await available(billing, user_id) is None

    await billing.deliver(registered(user_id, email))

    assert await available(billing, user_id) == 1000


async def test_a_payer_who_is_not_known_yet_does_not_pay_for_the_owner_of_the_address(billing):
    user_id, owner, email = uuid4(), uuid4(), address()
    await billing.deliver(UserEmailVerified(user_id=owner, email=email))
    await billing.deliver(await pay(billing, email, user_id=user_id))

    await billing.deliver(registered(user_id, address()))

    assert await available(billing, user_id) == 1000
    assert await available(billing, owner) == 10


async def test_a_made_up_payer_does_not_keep_a_payment_from_the_owner_of_its_address(billing):
    user_id, email = uuid4(), address()
    await billing.deliver(await pay(billing, email, user_id=uuid4()))

    await billing.deliver(UserEmailVerified(user_id=user_id, email=email))

    assert await available(billing, user_id) == 1010


async def test_the_owner_of_a_confirmed_address_is_granted_at_once(billing):
    user_id, email = uuid4(), address()
    await billing.deliver(registered(user_id, email))
    await billing.deliver(UserEmailVerified(user_id=user_id, email=email))

    await billing.deliver(await pay(billing, email.upper()))

    assert await available(billing, user_id) == 1010


async def test_an_unconfirmed_address_is_not_trusted_with_a_guests_payment(billing):
    squatter, email = uuid4(), address()
    await billing.deliver(registered(squatter, email))
    await billing.deliver(await pay(billing, email))
    assert await available(billing, squatter) == 0

    await billing.deliver(UserEmailVerified(user_id=squatter, email=email))

    assert await available(billing, squatter) == 1010


async def test_the_bonus_comes_once_an_address_for_ever(billing):
    first, second, email = uuid4(), uuid4(), address()

    await billing.deliver(UserEmailVerified(user_id=first, email=email), times=3)
    await billing.deliver(UserEmailVerified(user_id=first, email=email.upper()))
    await billing.deliver(UserEmailVerified(user_id=second, email=email))

    assert await available(billing, first) == 10
    assert await available(billing, second) == 0


async def test_an_account_that_a_payment_opened_earns_no_bonus_for_its_address(billing):
    user_id = uuid4()

    await billing.deliver(UserEmailVerified(user_id=user_id, email=address(), opened_by="payment"))

    assert await available(billing, user_id) == 0


async def test_a_hundred_payments_of_one_account_in_one_batch_are_all_granted(billing):
    user_id = uuid4()
    await billing.deliver(registered(user_id, address()))
    payments = [await pay(billing, address(), user_id=user_id) for _ in range(20)]

    await billing.deliver_together(*payments)

    assert await available(billing, user_id) == 20_000
    assert len(await granted(billing, user_id)) == 20


STORY = ["completed", "registered", "recognized", "verified"]


@pytest.mark.parametrize("order", list(itertools.permutations(STORY)), ids="-".join)
async def test_every_order_of_the_story_ends_in_one_grant(billing, order):
    user_id, email = uuid4(), address()
    payment = await pay(billing, email)
    facts = {
        "completed": payment,
        "registered": registered(user_id, email, payment),
        "recognized": UserRecognized(user_id=user_id, payment_id=payment.payment_id),
        "verified": UserEmailVerified(user_id=user_id, email=email),
    }

    for name in order:
        await billing.deliver(facts[name], times=2)

    assert await available(billing, user_id) == 1010
    assert len(await granted(billing, user_id)) == 2
