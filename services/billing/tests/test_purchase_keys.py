"""Idempotency-Keys of purchases: each leads to one page, whoever opened it, for ever."""

import asyncio
from uuid import uuid4

import pytest
from billing_parts import Shop

from embedded.emulator.paying import Payer


async def test_a_guests_repeated_request_is_told_by_its_key(shop: Shop):
    guest, key = shop.guest(), uuid4().hex

    with_key = [await guest.checkout("pack_100", **{"Idempotency-Key": key}) for _ in range(3)]
    without = [await guest.checkout("pack_100") for _ in range(2)]

    assert len({answer.json()["session_id"] for answer in with_key}) == 1
    assert len({answer.json()["session_id"] for answer in without}) == 2


@pytest.mark.parametrize("who", ["guest", "customer"])
async def test_a_key_used_for_another_purchase_is_a_conflict(shop: Shop, who: str):
    buyer = shop.guest() if who == "guest" else await shop.customer()
    key = {"Idempotency-Key": uuid4().hex}
    await buyer.checkout("pack_100", **key)

    answer = await buyer.checkout("pack_500", **key)

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_a_key_that_joined_an_open_page_leads_there_for_ever(shop: Shop):
    customer = await shop.customer()
    page = (await customer.checkout("pack_100")).json()
    joined = await customer.checkout("pack_100", **{"Idempotency-Key": "join"})
    assert joined.json() == page

    other = await customer.checkout("pack_500", **{"Idempotency-Key": "join"})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    await shop.control.pay(page["session_id"], Payer(email=customer.email))
    await shop.hear()
    again = await customer.checkout("pack_100", **{"Idempotency-Key": "join"})

    assert again.json() == page  # paid already: the card is not charged for one click twice
    assert await customer.available() == 100


async def test_parallel_clicks_with_keys_of_their_own_all_lead_to_one_page(shop: Shop):
    customer = await shop.customer()

    async def click(number: int) -> str:
        answer = await customer.checkout("pack_100", **{"Idempotency-Key": f"click-{number}"})
        assert answer.is_success, answer.text
        return str(answer.json()["session_id"])

    first = await asyncio.gather(*(click(number % 3) for number in range(9)))
    await shop.control.pay(first[0], Payer(email=customer.email))
    await shop.hear()
    later = await asyncio.gather(*(click(number) for number in range(3)))

    assert {*first, *later} == {first[0]}


async def test_keys_are_their_callers_own(shop: Shop):
    first, second = await shop.customer(), await shop.customer()
    key = {"Idempotency-Key": "1"}

    answers = [await buyer.checkout("pack_100", **key) for buyer in (first, second, shop.guest())]

    assert len({answer.json()["session_id"] for answer in answers}) == 3
