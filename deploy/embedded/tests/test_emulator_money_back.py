"""Refunds and disputes at the emulator: money that goes back, and sometimes returns."""

from typing import Any

import pytest
import stripe
from emulator_parts import Stage

from embedded.emulator.paying import Payer

ADA = "ada@example.com"


async def paid(stage: Stage, means: str = "4242424242424242") -> Any:
    session = await stage.session()
    await stage.control.pay(session.id, Payer(means, email=ADA))
    await stage.control.settle()
    done = await stage.v1.checkout.sessions.retrieve_async(
        session.id, {"expand": ["payment_intent.latest_charge"]}
    )
    return done.payment_intent.latest_charge


async def charge_of(stage: Stage, charge: Any) -> Any:
    return await stage.v1.charges.retrieve_async(charge.id, {"expand": ["refunds"]})


async def test_a_refund_is_told_and_counted(stage: Stage) -> None:
    charge = await paid(stage)

    refund = await stage.v1.refunds.create_async(
        {"payment_intent": charge.payment_intent, "reason": "requested_by_customer"}
    )

    after = await charge_of(stage, charge)
    assert (refund.status, refund.amount) == ("succeeded", 3900)
    assert (after.refunded, after.amount_refunded) == (True, 3900)
    assert [one.id for one in after.refunds.data] == [refund.id]
    assert (await stage.happened())[-2:] == ["refund.created", "charge.refunded"]
    [event] = await stage.control.events("charge.refunded")
    assert event["data"]["previous_attributes"] == {"amount_refunded": 0, "refunded": False}


async def test_refunds_in_parts_end_at_what_was_paid(stage: Stage) -> None:
    charge = await paid(stage)
    for amount in (1000, 2000):
        await stage.v1.refunds.create_async({"charge": charge.id, "amount": amount})

    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount") as no:
        await stage.v1.refunds.create_async({"charge": charge.id, "amount": 901})
    await stage.v1.refunds.create_async({"charge": charge.id})

    assert no.value.param == "amount"
    after = await charge_of(stage, charge)
    assert (after.refunded, after.amount_refunded) == (True, 3900)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await stage.v1.refunds.create_async({"charge": charge.id})
    assert refusal.value.code == "charge_already_refunded"


async def test_a_refund_may_take_days(stage: Stage) -> None:
    charge = await paid(stage, "4000000000007726")
    refund = await stage.v1.refunds.create_async({"charge": charge.id})

    await stage.control.advance(days=3)

    assert refund.status == "pending"
    assert (await stage.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    assert (await stage.happened())[-2:] == ["refund.updated", "charge.refund.updated"]


async def test_a_refund_may_fail_days_later_and_no_longer_counts(stage: Stage) -> None:
    charge = await paid(stage, "4000000000005126")
    refund = await stage.v1.refunds.create_async({"charge": charge.id, "amount": 900})

    await stage.control.advance(days=6)

    failed = await stage.v1.refunds.retrieve_async(refund.id)
    assert (refund.status, failed.status) == ("succeeded", "failed")
    assert failed.failure_reason == "expired_or_canceled_card"
    assert (await charge_of(stage, charge)).amount_refunded == 0
    assert "refund.failed" in await stage.happened()


async def test_a_card_of_ill_repute_is_disputed_right_after_it_paid(stage: Stage) -> None:
    charge = await paid(stage, "4000000000000259")

    [dispute] = (await stage.v1.disputes.list_async({"charge": charge.id})).data

    assert (dispute.status, dispute.reason, dispute.amount) == (
        "needs_response",
        "fraudulent",
        3900,
    )
    assert dispute.balance_transactions[0].net == -3900 - 1500
    assert (await charge_of(stage, charge)).disputed is True
    assert (await stage.happened())[-3:] == [
        "charge.dispute.created",
        "charge.updated",
        "charge.dispute.funds_withdrawn",
    ]
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await stage.v1.refunds.create_async({"charge": charge.id})
    assert refusal.value.code == "charge_disputed"


@pytest.mark.parametrize(
    ("evidence", "status", "last"),
    [
        ("winning_evidence", "won", "charge.dispute.funds_reinstated"),
        ("losing_evidence", "lost", "charge.dispute.closed"),
    ],
)
async def test_evidence_decides_a_dispute(
    stage: Stage, evidence: str, status: str, last: str
) -> None:
    charge = await paid(stage)
    dispute = await stage.control.dispute(charge.id)

    decided = await stage.v1.disputes.update_async(
        dispute["id"], {"evidence": {"uncategorized_text": evidence}, "submit": True}
    )

    assert decided.status == status
    assert (await stage.happened())[-1] == last


async def test_a_charge_can_be_refunded_after_its_dispute_was_won(stage: Stage) -> None:
    charge = await paid(stage)
    dispute = await stage.control.dispute(charge.id)
    await stage.control.end_dispute(dispute["id"], "won")

    refund = await stage.v1.refunds.create_async({"charge": charge.id})

    assert refund.status == "succeeded"


async def test_closing_a_dispute_gives_it_up(stage: Stage) -> None:
    charge = await paid(stage)
    dispute = await stage.control.dispute(charge.id)

    lost = await stage.v1.disputes.close_async(dispute["id"])

    assert lost.status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        await stage.v1.disputes.close_async(dispute["id"])


async def test_a_dispute_that_nobody_answers_is_lost(stage: Stage) -> None:
    charge = await paid(stage)
    dispute = await stage.control.dispute(charge.id)

    await stage.control.advance(days=10)

    assert (await stage.v1.disputes.retrieve_async(dispute["id"])).status == "lost"


async def test_an_inquiry_takes_no_money_and_is_closed(stage: Stage) -> None:
    charge = await paid(stage, "4000000000001976")
    [inquiry] = (await stage.v1.disputes.list_async({"charge": charge.id})).data

    closed = await stage.control.end_dispute(inquiry.id, "won")

    assert inquiry.status == "warning_needs_response"
    assert (closed["status"], closed["balance_transactions"]) == ("warning_closed", [])
    assert (await charge_of(stage, charge)).disputed is False


async def test_an_inquiry_may_become_a_dispute(stage: Stage) -> None:
    charge = await paid(stage)
    inquiry = await stage.control.inquire(charge.id)

    await stage.control.escalate(inquiry["id"])

    assert (await charge_of(stage, charge)).disputed is True
    assert (await stage.happened())[-1] == "charge.dispute.funds_withdrawn"


async def test_a_dispute_may_be_about_a_part(stage: Stage) -> None:
    charge = await paid(stage)

    dispute = await stage.control.dispute(charge.id, amount=1000)

    assert dispute["amount"] == 1000
