"""What the webhook never told: the comparison with Stripe finds it, repairs it, and names what it cannot repair."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from billing_parts import Customer, Shop

from billing import reconciliation
from billing.models import Reconciliation
from billing.reconciliation import Reconciler
from billing.shapes import CheckoutSession, Price
from embedded.emulator.paying import Payer
from shared.ids import public
from tests.stripe_events import checkout_session, event


@pytest.fixture
async def deaf(shop: Shop) -> Shop:
    """A shop whose webhook never hears anything."""
    shop.control.mischief.drop = 1_000_000
    return shop


async def compare(shop: Shop, scope: str = "recent") -> Reconciliation:
    await shop.reconcile(scope)
    await shop.settle()
    async with shop.billing.database.transaction() as tx:
        [row, *_] = await reconciliation.listed(tx, limit=1, before=None)
        return row


async def buy(shop: Shop, customer: Customer, lookup_key: str) -> str:
    return await customer.buy(lookup_key)


async def grow_old(shop: Shop) -> None:
    """Let so much time pass that no list of what is new has anything in it."""
    later = "UPDATE reconciliations SET began_at = began_at + interval '1 hour' RETURNING id"
    await shop.rows(later)
    await shop.control.advance(seconds=7200)


async def test_a_purchase_that_was_never_told_is_found(deaf: Shop):
    customer = await deaf.customer()
    await customer.buy("pack_500")
    assert await customer.available() == 0

    found = await compare(deaf)

    assert await customer.available() == 500
    assert (found.drift, found.repaired, found.open) == (1, 1, [])


async def test_the_comparison_comes_by_itself_and_again_in_five_minutes(deaf: Shop):
    customer = await deaf.customer()
    await customer.buy("pack_500")
    assert await customer.available() == 0

    await deaf.rows("UPDATE chores SET due_at = now() WHERE name = 'reconcile recent' RETURNING 1")
    await deaf.settle()

    assert await customer.available() == 500
    query = "SELECT extract(epoch FROM due_at - now()) FROM chores WHERE name = 'reconcile recent'"
    [[left_s]] = await deaf.rows(query)
    assert 200 < left_s <= 300


async def test_a_guests_purchase_that_was_never_told_is_found(deaf: Shop):
    guest = deaf.guest()
    link = await deaf.link("pack_500")
    await deaf.pay_link(link, guest)

    await compare(deaf)

    assert await deaf.account_of(guest).available() == 500


async def test_the_success_page_is_enough(deaf: Shop):
    guest, customer = deaf.guest(), await deaf.customer()

    for buyer, lookup_key in ((guest, "pack_500"), (customer, "basic_monthly")):
        session_id = await buyer.buy(lookup_key)
        assert (await buyer.progress(session_id))["payment_status"] == "paid"
        await deaf.settle()
        assert (await buyer.progress(session_id))["granted"] is True

    assert await deaf.account_of(guest).available() == await customer.available() == 500


async def test_a_page_that_was_open_when_it_was_seen_is_looked_at_again(deaf: Shop):
    customer = await deaf.customer()
    page = (await customer.checkout("pack_500")).json()["session_id"]
    await compare(deaf)

    await deaf.control.pay(page, Payer(email=customer.email))
    await deaf.rows("UPDATE reconciliations SET began_at = now() + interval '1 hour' RETURNING id")
    await compare(deaf)

    assert await customer.available() == 500


async def test_renewals_that_were_never_told_are_found(deaf: Shop):
    customer = await deaf.customer()
    await customer.buy("basic_monthly")
    await compare(deaf)
    assert await customer.available() == 500

    for _ in range(2):
        await deaf.control.renew((await customer.subscribed()).id)
        await compare(deaf)

    assert await customer.available() == 1500
    assert (await customer.get("/api/billing/subscription"))["status"] == "active"


async def test_a_cancellation_that_was_never_told_is_found(deaf: Shop):
    customer = await deaf.customer()
    await customer.buy("basic_monthly")
    await compare(deaf)

    await deaf.stripe.subscriptions.cancel_async((await customer.subscribed()).id)
    await compare(deaf, "daily")

    assert (await customer.get("/api/billing/subscription"))["status"] == "none"


async def test_what_follows_from_a_known_dispute_is_made_good(deaf: Shop):
    customer = await deaf.customer()
    await buy(deaf, customer, "pack_500")
    await compare(deaf)
    [payment] = await deaf.payments(customer)
    dispute = await deaf.control.dispute(await deaf.charge_of(payment))
    await compare(deaf)
    assert await customer.available() == 0
    await deaf.control.end_dispute(dispute["id"], "won")
    # known, and nothing was done about it
    await deaf.rows(
        "UPDATE disputes SET status = 'won' WHERE id = :id RETURNING id", id=dispute["id"]
    )

    report = await compare(deaf)

    assert await customer.available() == 500
    assert (report.drift, report.repaired) == (1, 1)


async def test_refunds_and_disputes_that_were_never_told_are_found(deaf: Shop):
    customer = await deaf.customer()
    for lookup_key in ("pack_500", "pack_100"):
        await customer.buy(lookup_key)
    await compare(deaf)
    small, large = sorted(await deaf.payments(customer), key=lambda payment: payment.credits)

    await deaf.refund(large, 1950)
    dispute = await deaf.control.dispute(await deaf.charge_of(small))
    await compare(deaf)
    assert await customer.available() == 250
    await deaf.control.end_dispute(dispute["id"], "won")
    await compare(deaf)

    assert await customer.available() == 350


async def test_a_refund_of_a_renewal_whose_bill_was_never_told_finds_it(deaf: Shop):
    customer = await deaf.customer()
    await customer.buy("basic_monthly")
    charge = (await deaf.stripe.charges.list_async()).data[0]
    await deaf.control.refund(charge.id)

    await deaf.tell(await deaf.control.events("refund.created"))

    assert await customer.available() == 0
    [payment] = await deaf.payments(customer)
    assert (payment.status, payment.refund_taken) == ("granted", 500)


async def test_what_changed_of_something_old_is_found_within_minutes(deaf: Shop):
    customer = await deaf.customer()
    for lookup_key in ("pack_500", "pack_100", "basic_monthly"):
        await customer.buy(lookup_key)
    await compare(deaf)
    small, large, _ = sorted(
        await deaf.payments(customer), key=lambda payment: payment.amount_cents
    )
    dispute = await deaf.control.dispute(await deaf.charge_of(small))
    refund = await deaf.refund(large)
    await compare(deaf)
    assert await customer.available() == 500
    await grow_old(deaf)

    await deaf.control.end_dispute(dispute["id"], "won")
    await deaf.control.fail_refund(refund)
    await deaf.stripe.subscriptions.cancel_async((await customer.subscribed()).id)
    found = await compare(deaf)
    again = await compare(deaf)

    assert found.seen.keys() == {"Price", "Event"}
    assert (found.drift, found.repaired, found.open) == (3, 3, [])
    assert await customer.available() == 1100
    assert (await customer.get("/api/billing/subscription"))["status"] == "none"
    assert again.drift == 0


async def test_what_happens_while_it_compares_is_neither_undone_nor_a_difference(
    deaf: Shop, monkeypatch
):
    payer, member, other = [await deaf.customer() for _ in range(3)]
    page = (await payer.checkout("pack_500")).json()["session_id"]
    await member.buy("basic_monthly")
    await other.buy("pack_100")
    plan = (await member.subscribed()).id

    async def cancel():
        await deaf.stripe.subscriptions.cancel_async(plan)
        await deaf.tell(await deaf.control.events("customer.subscription.deleted"))

    async def pay():
        await deaf.control.pay(page, Payer(email=payer.email))
        await deaf.tell(await deaf.control.events("checkout.session.completed"))

    happening = iter([cancel, pay])

    async def meanwhile(_):
        if happens := next(happening, None):
            await happens()

    monkeypatch.setattr(deaf.billing.service.resources[Reconciler], "_patience_s", 1)
    monkeypatch.setattr(reconciliation, "asyncio", SimpleNamespace(sleep=meanwhile))
    found = await compare(deaf)

    assert next(happening, None) is None
    assert found.open == []
    assert (await member.get("/api/billing/subscription"))["status"] == "none"
    assert await payer.available() == 500


async def test_an_event_that_comes_after_it_was_fetched_changes_nothing(deaf: Shop):
    customer = await deaf.customer()
    await customer.buy("pack_500")
    await compare(deaf)
    await compare(deaf)

    await deaf.tell(await deaf.control.events("checkout.session.completed"))

    assert await customer.available() == 500
    assert (await compare(deaf)).drift == 0


async def test_what_was_told_is_no_drift(shop: Shop):
    customer = await shop.customer()
    await customer.buy("pack_500")
    await customer.buy("basic_monthly")
    [first, *_] = await shop.payments(customer)
    await shop.refund(first)

    found = await compare(shop, "daily")

    assert (found.drift, found.repaired, found.open) == (0, 0, [])
    assert found.seen["CheckoutSession"] == 2


async def test_a_changed_catalogue_that_was_never_told_is_synced(deaf: Shop):
    await deaf.stripe.prices.update_async(await deaf.price_id("pack_500"), {"active": False})

    found = await compare(deaf)

    assert found.drift == 1
    answer = await (await deaf.customer()).checkout("pack_500")
    assert answer.status_code == 409


async def test_what_cannot_be_repaired_is_named(shop: Shop):
    customer = await shop.customer()
    page = (await customer.checkout("pack_500")).json()["session_id"]
    session = (await shop.stripe.checkout.sessions.retrieve_async(page)).to_dict()
    lie = {
        **session,
        "payment_status": "paid",
        "status": "complete",
        "customer_details": {"email": customer.email},
    }
    await shop.tell([event(lie)])
    assert await customer.available() == 500

    found = await compare(shop)

    [difference] = [item for item in found.open if page in item]
    assert "not paid at Stripe" in difference


async def test_what_cannot_be_read_is_named_and_stops_nothing(deaf: Shop, monkeypatch):
    one, other = await deaf.customer(), await deaf.customer()
    odd = await one.buy("pack_500")
    await other.buy("pack_500")
    read = CheckoutSession.model_validate

    def unread(found):
        return read({**found, "status": 7} if found["id"] == odd else found)

    monkeypatch.setattr(CheckoutSession, "model_validate", unread)

    found = await compare(deaf)

    assert {item for item in found.open if odd in item} == {
        f"CheckoutSession {odd}: not as we know it (status)"
    }
    assert (await one.available(), await other.available()) == (0, 500)


async def test_a_price_that_cannot_be_read_is_sold_as_it_was(shop: Shop, monkeypatch):
    odd, read = await shop.price_id("pack_500"), Price.model_validate
    monkeypatch.setattr(
        Price,
        "model_validate",
        lambda found: read({**found, "active": 7} if found["id"] == odd else found),
    )

    found = await compare(shop)
    customer = await shop.customer()
    await customer.buy("pack_500")

    assert f"Price {odd}: not as we know it (active)" in found.open
    assert await customer.available() == 500


async def test_a_payment_in_review_is_an_open_difference(shop: Shop):
    guest = shop.guest()
    link = await shop.favour("eur")
    session = await shop.pay_link(link.id, guest)

    found = await compare(shop)

    assert [session in item and "review" in item for item in found.open] == [True]


async def test_a_payment_that_was_decided_about_waits_for_nobody(shop: Shop):
    guest = shop.guest()
    link = await shop.favour("eur")
    session = await shop.pay_link(link.id, guest)
    path = f"/api/admin/payments?status=review&email={guest.email}"
    [waiting] = (await shop.operate("GET", path)).json()["payments"]
    close = f"/api/admin/payments/{waiting['id']}/close"

    assert (await shop.operate("POST", close, json={})).status_code == 422
    closed = await shop.operate("POST", close, json={"reason": "paid back by hand"})
    again = await shop.operate("POST", close, json={"reason": "paid back by hand"})
    unknown = f"/api/admin/payments/{public('pay', uuid4())}/close"

    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    assert closed.json()["note"].endswith("closed by admin-key: paid back by hand")
    assert (again.status_code, again.json()["code"]) == (409, "not_in_review")
    assert (await shop.operate("POST", unknown, json={"reason": "x"})).status_code == 404
    assert not [item for item in (await compare(shop)).open if session in item]


async def test_while_stripe_is_away_nothing_is_compared_and_that_is_written_down(shop: Shop):
    shop.break_next(None, "broken", times=50)

    await shop.operate("POST", "/api/admin/reconcile")
    await shop.billing.work()

    [row] = (await shop.operate("GET", "/api/admin/reconciliations?limit=1")).json()[
        "reconciliations"
    ]
    assert row["flaw"] == "stripe_away"


async def test_operators_have_everything_compared_when_they_ask(deaf: Shop):
    customer = await deaf.customer()
    await customer.buy("pack_500")

    answer = await deaf.operate("POST", "/api/admin/reconcile")
    await deaf.settle()

    assert answer.status_code == 202
    assert await customer.available() == 500
    [row] = (await deaf.operate("GET", "/api/admin/reconciliations?limit=1")).json()[
        "reconciliations"
    ]
    assert (row["scope"], row["drift"], row["repaired"]) == ("daily", 1, 1)


async def test_hand_signed_payments_that_stripe_never_saw_are_left_alone(shop: Shop):
    session = checkout_session(email="somebody@example.com")
    await shop.tell([event(session)])

    found = await compare(shop, "daily")

    assert found.open == []
