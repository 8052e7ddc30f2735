"""Refunds that operators ask for and approve are made at Stripe once, and take their credits."""

import asyncio
from uuid import uuid4

import pytest
from billing_parts import Shop
from buyers import buyer

from billing.models import Payment
from shared.ids import public


async def ask(shop: Shop, payment: Payment, **body: object) -> dict[str, object]:
    path = f"/api/admin/payments/{public('pay', payment.id)}/refunds"
    answer = await shop.operate("POST", path, json={"reason": "a complaint", **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()
    return found


async def decide(shop: Shop, refund: dict[str, object], verdict: str = "approve", **options):
    return await shop.operate("POST", f"/api/admin/refunds/{refund['id']}/{verdict}", **options)


async def test_an_approved_refund_locks_the_credits_and_is_made_at_stripe(shop: Shop):
    customer, payment = await buyer(shop)

    asked = await ask(shop, payment, amount_cents=1950)
    assert await customer.available() == 500
    approved = await decide(shop, asked)
    assert (approved.status_code, approved.json()["status"]) == (200, "approved")
    assert await customer.available() == 250
    await shop.settle()
    await shop.hear()

    assert await customer.available() == 250
    [refund] = (await shop.stripe.refunds.list_async()).data
    assert (refund.amount, refund.status) == (1950, "succeeded")
    [seen] = await refunds_of(shop, payment)
    assert (seen["status"], seen["stripe_refund_id"]) == ("made", refund.id)
    assert [step["step"] for step in seen["steps"]] == ["requested", "approved", "made"]


async def refunds_of(shop: Shop, payment: Payment) -> list[dict[str, object]]:
    path = f"/api/admin/refunds?payment_id={public('pay', payment.id)}"
    found: list[dict[str, object]] = (await shop.operate("GET", path)).json()["refunds"]
    return found


async def test_a_refund_without_an_amount_is_of_all_that_is_left(shop: Shop):
    customer, payment = await buyer(shop)
    await shop.refund(payment, 900)

    asked = await ask(shop, payment)
    await decide(shop, asked)
    await shop.hear()

    assert asked["amount_cents"] == 3000
    assert await customer.available() == 0


async def test_money_that_went_back_meanwhile_is_not_sent_again(shop: Shop):
    customer, payment = await buyer(shop)
    asked = await ask(shop, payment)
    await shop.refund(payment, 900)
    left = await customer.available()

    answer = await decide(shop, asked)

    assert (answer.status_code, answer.json()["code"]) == (409, "more_than_is_left")
    assert answer.json()["refundable_cents"] == 3000
    assert await customer.available() == left
    assert (await decide(shop, asked, "reject", json={"reason": "less is left"})).is_success


async def test_money_in_dispute_is_not_refunded(shop: Shop):
    _, payment = await buyer(shop)
    asked = await ask(shop, payment, amount_cents=100)
    dispute = await shop.control.dispute(await shop.charge_of(payment))
    await shop.hear()

    assert (await decide(shop, asked)).json()["code"] == "not_refundable"
    await decide(shop, asked, "reject", json={"reason": "it is disputed"})
    path = f"/api/admin/payments/{public('pay', payment.id)}/refunds"
    refused = await shop.operate("POST", path, json={"reason": "again"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_refundable")
    await shop.control.end_dispute(dispute["id"], "won")
    await shop.hear()

    assert (await shop.operate("POST", path, json={"reason": "again"})).status_code == 201


async def test_a_rejected_refund_takes_nothing(shop: Shop):
    customer, payment = await buyer(shop)

    asked = await ask(shop, payment)
    answer = await decide(shop, asked, "reject", json={"reason": "the work was delivered"})
    await shop.hear()

    assert answer.json()["status"] == "rejected"
    assert await customer.available() == 500
    assert (await decide(shop, asked)).status_code == 409


async def test_a_large_refund_is_approved_by_another_operator(shop: Shop):
    _, payment = await buyer(shop, "pack_2000")  # 12,900 cents
    one, other = await shop.admin(), await shop.admin()
    path = f"/api/admin/payments/{public('pay', payment.id)}/refunds"
    asked = (await shop.http.post(path, json={"reason": "a person asks"}, headers=one)).json()
    approve = f"/api/admin/refunds/{asked['id']}/approve"

    alone = await shop.http.post(approve, headers=one)
    assert (alone.status_code, alone.json()["code"]) == (403, "another_operator_decides")
    assert (await decide(shop, asked)).status_code == 403  # the admin key is no person
    answer = await shop.http.post(approve, headers=other)

    assert answer.json()["status"] == "approved"


async def test_a_large_refund_that_the_admin_key_asked_for_is_approved_by_nobody(shop: Shop):
    _, payment = await buyer(shop, "pack_2000")
    asked = await ask(shop, payment)
    person = await shop.admin()

    answer = await shop.http.post(f"/api/admin/refunds/{asked['id']}/approve", headers=person)

    assert (answer.status_code, answer.json()["code"]) == (403, "another_operator_decides")


async def test_a_refund_whose_answer_was_lost_is_made_once_though_stripe_forgot_its_key(shop: Shop):
    _, payment = await buyer(shop)
    asked = await ask(shop, payment, amount_cents=1000)
    shop.break_next("POST /v1/refunds", "lost", times=3)
    await decide(shop, asked)
    await shop.billing.work()
    assert [item["status"] for item in await refunds_of(shop, payment)] == ["approved"]

    await shop.control.act(lambda tx: tx.tables.execute("DELETE FROM answers"))
    await shop.rows("UPDATE refund_requests SET make_at = now() RETURNING id")
    await shop.billing.work()

    [refund] = (await shop.stripe.refunds.list_async()).data
    [seen] = await refunds_of(shop, payment)
    assert (seen["status"], seen["stripe_refund_id"]) == ("made", refund.id)


async def test_a_large_refund_in_pieces_is_a_large_refund(shop: Shop):
    _, payment = await buyer(shop, "pack_2000")
    first = await ask(shop, payment, amount_cents=9000)
    assert (await decide(shop, first)).status_code == 200
    await shop.settle()

    rest = await ask(shop, payment, amount_cents=3900)

    assert (await decide(shop, rest)).status_code == 403


async def test_one_refund_of_a_payment_is_in_the_making(shop: Shop):
    _, payment = await buyer(shop)
    path = f"/api/admin/payments/{public('pay', payment.id)}/refunds"

    answers = await asyncio.gather(
        *(shop.operate("POST", path, json={"reason": str(number)}) for number in range(5))
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "refund_in_the_making"}


async def test_a_refund_asked_for_twice_with_its_key_is_one(shop: Shop):
    _, payment = await buyer(shop)
    path = f"/api/admin/payments/{public('pay', payment.id)}/refunds"
    headers = {"x-admin-key": shop.operator["x-admin-key"], "Idempotency-Key": uuid4().hex}

    first, again = [
        await shop.http.post(path, json={"reason": "x"}, headers=headers) for _ in range(2)
    ]

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()


async def test_a_refund_that_stripe_declines_gives_the_credits_back_with_the_reason(shop: Shop):
    customer, payment = await buyer(shop)
    asked = await ask(shop, payment)
    await shop.refund(payment, told=False)  # at the dashboard, a moment before

    await decide(shop, asked)
    await shop.settle()

    [seen] = await refunds_of(shop, payment)
    assert seen["status"] == "failed"
    assert "refunded" in str(seen["failure"])
    await shop.hear()
    assert await customer.available() == 0


async def test_a_refund_whose_answer_is_lost_is_made_once(shop: Shop):
    customer, payment = await buyer(shop)
    asked = await ask(shop, payment)
    await decide(shop, asked)
    shop.break_next("POST /v1/refunds", "lost", times=3)

    await shop.settle()
    await shop.rows("UPDATE refund_requests SET make_at = now() RETURNING id")
    await shop.hear()

    assert len((await shop.stripe.refunds.list_async()).data) == 1
    assert [seen["status"] for seen in await refunds_of(shop, payment)] == ["made"]
    assert await customer.available() == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"reason": ""}, 422),
        ({}, 422),
        ({"reason": "x", "amount_cents": 0}, 422),
        ({"reason": "x", "amount_cents": 3901}, 409),
        ({"reason": "x", "amount_cents": "1"}, 422),
        ({"reason": "x", "surprise": 1}, 422),
        ({"reason": "\x00"}, 422),
    ],
    ids=str,
)
async def test_a_refund_that_cannot_be_is_refused(shop: Shop, body: object, status: int):
    _, payment = await buyer(shop)

    path = f"/api/admin/payments/{public('pay', payment.id)}/refunds"
    answer = await shop.operate("POST", path, json=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_what_was_not_granted_or_is_gone_is_not_refundable(shop: Shop):
    _, payment = await buyer(shop)
    await shop.refund(payment)

    path = f"/api/admin/payments/{public('pay', payment.id)}/refunds"
    gone = await shop.operate("POST", path, json={"reason": "x"})
    nowhere = f"/api/admin/payments/{public('pay', uuid4())}/refunds"
    unknown = await shop.operate("POST", nowhere, json={"reason": "x"})

    assert (gone.status_code, gone.json()["code"]) == (409, "not_refundable")
    assert unknown.status_code == 404


async def test_operators_see_whose_money_goes_back(shop: Shop):
    _, payment = await buyer(shop)

    asked = await ask(shop, payment)

    assert payment.email is not None
    assert asked["payer"] == payment.email
    assert [refund["payer"] for refund in await refunds_of(shop, payment)] == [payment.email]


async def test_refunds_are_found_by_their_status_and_by_no_other_word(shop: Shop):
    _, payment = await buyer(shop)
    asked = await ask(shop, payment)

    waiting = await shop.operate("GET", "/api/admin/refunds?status=requested")
    made = await shop.operate("GET", "/api/admin/refunds?status=made")
    unknown = await shop.operate("GET", "/api/admin/refunds?status=asked")

    assert asked["id"] in [refund["id"] for refund in waiting.json()["refunds"]]
    assert asked["id"] not in [refund["id"] for refund in made.json()["refunds"]]
    assert unknown.status_code == 422
