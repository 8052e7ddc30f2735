"""Money that goes back takes its credits with it: once, as far as they go, and gives them back where it stays."""

from uuid import uuid4

from billing_parts import Customer, Shop
from buyers import buyer
from sqlalchemy import select

from billing import ledger
from billing.models import Payment, Reversal
from shared.contracts.credits import CreditsGranted, CreditsRevoked
from shared.contracts.tasks import Terms


async def spend(shop: Shop, customer: Customer, amount: int) -> None:
    async with shop.billing.database.transaction() as tx:
        task_id, terms = uuid4(), Terms(expected=amount, maximum=amount)
        await ledger.hold(tx, [ledger.HoldRequest(customer.user_id, task_id, terms)])
        done = ledger.Settlement(task_id, is_delivered=True, units_used=None, description="work")
        await ledger.settle(tx, [done])


async def revoked(shop: Shop, customer: Customer) -> list[tuple[str, int, int]]:
    told = await shop.billing.published(CreditsRevoked)
    return [
        (item.kind, item.amount, item.owed) for item in told if item.user_id == customer.user_id
    ]


async def test_a_refund_takes_the_credits_back(shop: Shop):
    customer, payment = await buyer(shop)

    await shop.refund(payment)

    assert await customer.available() == 0
    assert await revoked(shop, customer) == [("refund", 500, 0)]


async def test_refunds_in_parts_take_their_parts_and_in_the_end_all(shop: Shop):
    customer, payment = await buyer(shop)  # 500 credits for 3,900 cents

    seen = []
    for cents in (1000, 1000, 1900):
        await shop.refund(payment, cents)
        seen.append(await customer.available())

    assert seen == [500 - 128, 500 - 256, 0]


async def test_a_refund_told_again_under_other_events_takes_nothing_more(shop: Shop):
    customer, payment = await buyer(shop)
    refund = await shop.refund(payment, 1950)

    await shop.control.twins(refund)
    await shop.control.twins(await shop.charge_of(payment))
    await shop.hear()

    assert await customer.available() == 250


async def test_what_was_spent_before_a_refund_is_owed_and_made_up_for_by_the_next_credits(
    shop: Shop,
):
    customer, payment = await buyer(shop)
    await spend(shop, customer, 450)

    await shop.refund(payment)
    assert (await customer.available(), await customer.debt()) == (0, 450)
    assert await revoked(shop, customer) == [("refund", 50, 450)]
    await customer.buy("pack_2000")

    assert (await customer.available(), await customer.debt()) == (1550, 0)


async def test_credits_that_are_set_aside_for_a_task_are_not_taken(shop: Shop):
    customer, payment = await buyer(shop)
    async with shop.billing.database.transaction() as tx:
        terms = Terms(expected=200, maximum=200)
        await ledger.hold(tx, [ledger.HoldRequest(customer.user_id, uuid4(), terms)])

    await shop.refund(payment)

    assert (await customer.available(), await customer.debt()) == (0, 200)


async def test_a_refund_that_fails_gives_the_credits_back(shop: Shop):
    customer, payment = await buyer(shop)
    refund = await shop.refund(payment)

    await shop.control.fail_refund(refund)
    await shop.hear()

    assert await customer.available() == 500
    granted = [
        item.kind
        for item in await shop.billing.published(CreditsGranted)
        if item.user_id == customer.user_id
    ]
    assert granted == ["purchase", "reinstatement"]


async def test_a_refund_that_is_told_before_its_payment_is_taken_when_the_payment_is_granted(
    shop: Shop,
):
    customer = await shop.customer()
    await customer.buy("pack_500", told=False)
    charge = (await shop.stripe.charges.list_async({"limit": 1})).data[0]
    await shop.control.refund(charge.id, 1950)

    events = await shop.control.events()
    first = [item for item in events if item["type"].startswith(("refund", "charge.refund"))]
    await shop.tell(first)
    await shop.tell([item for item in events if item not in first])

    assert await customer.available() == 250


async def test_a_charges_word_counts_until_its_refunds_are_known(shop: Shop):
    customer, payment = await buyer(shop)
    await shop.refund(payment, 1000, told=False)
    await shop.refund(payment, 950, told=False)

    events = await shop.control.events("charge.refunded")
    await shop.tell(events[-1:])
    assert await customer.available() == 250
    await shop.tell(await shop.control.events("refund.created"))

    assert await customer.available() == 250


async def test_a_guests_refund_waits_with_the_payment_until_its_account_is_known(shop: Shop):
    guest = shop.guest()
    await guest.buy("pack_500", told=False)
    await shop.control.deliver()
    await shop.billing.work()
    [payment] = await stored(shop, guest)
    assert payment.status == "paid"

    await shop.refund(payment, 1950)

    assert await shop.account_of(guest).available() == 250


async def stored(shop: Shop, guest: Customer) -> list[Payment]:
    async with shop.billing.database.transaction() as tx:
        return list(await tx.scalars(select(Payment).where(Payment.email == guest.email)))


async def test_a_dispute_takes_the_credits_and_a_won_one_gives_them_back(shop: Shop):
    customer, payment = await buyer(shop)

    dispute = await shop.control.dispute(await shop.charge_of(payment))
    await shop.hear()
    assert await customer.available() == 0
    await shop.control.end_dispute(dispute["id"], "won")
    await shop.hear()

    assert await customer.available() == 500
    assert await revoked(shop, customer) == [("dispute", 500, 0)]


async def test_a_lost_dispute_keeps_what_it_took(shop: Shop):
    customer, payment = await buyer(shop)
    dispute = await shop.control.dispute(await shop.charge_of(payment))
    await shop.control.end_dispute(dispute["id"], "lost")

    await shop.hear()

    assert await customer.available() == 0


async def test_an_inquiry_takes_nothing_until_it_becomes_a_dispute(shop: Shop):
    customer, payment = await buyer(shop)

    inquiry = await shop.control.inquire(await shop.charge_of(payment))
    await shop.hear()
    assert await customer.available() == 500
    await shop.control.escalate(inquiry["id"])
    await shop.hear()

    assert await customer.available() == 0


async def test_a_dispute_of_a_part_takes_its_part(shop: Shop):
    customer, payment = await buyer(shop)

    await shop.control.dispute(await shop.charge_of(payment), amount=1950)
    await shop.hear()

    assert await customer.available() == 250


async def test_a_won_dispute_and_then_a_refund_leave_nothing(shop: Shop):
    customer, payment = await buyer(shop)
    dispute = await shop.control.dispute(await shop.charge_of(payment))
    await shop.hear()
    await shop.control.end_dispute(dispute["id"], "won")
    await shop.hear()

    await shop.refund(payment)

    assert await customer.available() == 0
    assert await revoked(shop, customer) == [("dispute", 500, 0), ("refund", 500, 0)]


async def test_a_debt_is_forgiven_when_its_dispute_is_won(shop: Shop):
    customer, payment = await buyer(shop)
    await spend(shop, customer, 500)
    dispute = await shop.control.dispute(await shop.charge_of(payment))
    await shop.hear()
    assert await customer.debt() == 500

    await shop.control.end_dispute(dispute["id"], "won")
    await shop.hear()

    assert (await customer.available(), await customer.debt()) == (0, 0)


async def test_a_refund_of_a_renewal_takes_what_the_renewal_brought(shop: Shop):
    customer = await shop.customer()
    await customer.buy("basic_monthly")
    await shop.control.renew((await customer.subscribed()).id)
    await shop.hear()
    _, second = await shop.payments(customer)

    await shop.refund(second)

    assert await customer.available() == 500
    async with shop.billing.database.transaction() as tx:
        reversals = await tx.scalars(select(Reversal).where(Reversal.payment_id == second.id))
    assert [item.amount for item in reversals] == [500]


async def test_half_of_a_year_that_goes_back_cuts_the_months_to_come(shop: Shop):
    customer = await shop.customer()
    await customer.buy("basic_yearly")
    [payment] = await shop.payments(customer)

    await shop.refund(payment, 14_500)

    assert await customer.available() == 500
    assert await months(shop, customer) == {"granted": 1, "waiting": 5, "cut": 6}


async def test_a_whole_year_that_goes_back_takes_what_was_brought_and_brings_no_more(shop: Shop):
    customer = await shop.customer()
    await customer.buy("basic_yearly")
    [payment] = await shop.payments(customer)

    dispute = await shop.control.dispute(await shop.charge_of(payment))
    await shop.hear()
    assert await customer.available() == 0
    assert await months(shop, customer) == {"granted": 1, "cut": 11}
    await shop.control.end_dispute(dispute["id"], "won")
    await shop.hear()

    assert await customer.available() == 500
    assert await months(shop, customer) == {"granted": 1, "waiting": 11}


async def test_a_dispute_that_is_won_brings_a_plan_that_ended_meanwhile_no_months(shop: Shop):
    customer = await shop.customer()
    await customer.buy("basic_yearly")
    [payment] = await shop.payments(customer)
    dispute = await shop.control.dispute(await shop.charge_of(payment))
    await shop.stripe.subscriptions.cancel_async((await customer.subscribed()).id)
    await shop.hear()

    await shop.control.end_dispute(dispute["id"], "won")
    await shop.hear()

    assert await customer.available() == 500
    assert await months(shop, customer) == {"granted": 1, "ended": 11}


async def months(shop: Shop, customer: Customer) -> dict[str, int]:
    rows = await shop.rows(
        "SELECT g.status, count(*) FROM plan_grants g JOIN payments m ON m.id = g.payment_id"
        " WHERE m.user_id = :user GROUP BY g.status",
        user=customer.user_id,
    )
    return {row[0]: row[1] for row in rows}
