"""A user's credits over HTTP, and what operators do with them."""

from uuid import uuid4

import pytest

from shared.contracts.credits import CreditsGranted
from shared.ids import public
from shared.testing import ADMIN_KEY

KEY = {"x-admin-key": ADMIN_KEY}


def bearer(issuer, user_id, **claims):
    return {"Authorization": f"Bearer {issuer.token(user_id, **claims)}"}


def request(user, **fields):
    usual = {"user_id": public("usr", user), "amount": 100, "reason": "a gift"}
    return {**usual, "idempotency_key": uuid4().hex, **fields}


async def grant(billing, user, headers=KEY, **fields):
    return await billing.client.post(
        "/api/credits/grant", json=request(user, **fields), headers=headers
    )


async def test_a_new_user_has_nothing(billing, issuer):
    answer = await billing.client.get("/api/credits/summary", headers=bearer(issuer, uuid4()))

    assert answer.json() == {
        "credits": 0, "available": 0, "reserved": 0, "paused": 0, "debt": 0, "balance": 0,
        "expiring": None, "plan": None, "books": None, "lots": [], "transactions": [],
    }  # fmt: skip


async def test_a_grant_shows_in_summary_and_transactions(billing, issuer):
    user_id = uuid4()
    granted = (await grant(billing, user_id)).json()

    summary = (
        await billing.client.get("/api/credits/summary", headers=bearer(issuer, user_id))
    ).json()

    assert (summary["available"], summary["transactions"]) == (100, [granted])
    assert [lot["remaining"] for lot in summary["lots"]] == [100]
    assert (granted["type"], granted["kind"]) == ("bonus", "admin_grant")
    assert granted["created_at"].endswith("Z")


async def test_a_grant_repeated_with_its_key_answers_the_same_and_gives_once(billing, issuer):
    user_id, key = uuid4(), uuid4().hex

    first = await grant(billing, user_id, idempotency_key=key)
    again = await grant(billing, user_id, idempotency_key=key)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    events = [e for e in await billing.published(CreditsGranted) if e.user_id == user_id]
    assert len(events) == 1


async def test_a_key_used_for_another_grant_is_a_conflict(billing):
    user_id, key = uuid4(), uuid4().hex
    await grant(billing, user_id, idempotency_key=key)

    answer = await grant(billing, user_id, idempotency_key=key, amount=7)

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_the_originals_spelling_of_a_grant_works(billing):
    body = {
        "userId": public("usr", uuid4()), "amount": 5, "reason": "x", "idempotencyKey": uuid4().hex,
    }  # fmt: skip

    answer = await billing.client.post("/api/credits/grant", json=body, headers=KEY)

    assert answer.status_code == 201


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 0}, {"amount": -1}, {"amount": 1.5}, {"amount": "7"}, {"amount": 10**10},
        {"reason": ""}, {"reason": "\x00"}, {"user_id": "usr_x"}, {"user_id": "task_" + "0" * 32},
        {"surprise": 1}, {"idempotency_key": ""}, {"idempotency_key": "a b"},
        {"kind": "purchase"}, {"kind": "capture"}, {"email": "both@example.com"},
        {"expires_at": "soon"}, {"expires_at": 1}, {"expires_at": "2026-01-01T00:00:00"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_malformed_grant_names_the_field(billing, fields):
    answer = await grant(billing, uuid4(), **fields)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert next(iter(fields)).split("_")[0] in answer.text.replace("user_id or email", "email")


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"x-admin-key": "wrong"}, 401), ({"x-admin-key": ""}, 401)],
)
async def test_a_grant_needs_the_operators_key(billing, headers, status):
    assert (await grant(billing, uuid4(), headers=headers)).status_code == status


async def test_a_user_who_is_no_admin_grants_nothing(billing, issuer):
    user_id = uuid4()

    assert (await grant(billing, user_id, bearer(issuer, user_id))).status_code == 403
    assert (await grant(billing, user_id, bearer(issuer, user_id, roles=["admin"]))).is_success


async def test_transactions_are_paged_newest_first(billing, issuer):
    user_id = uuid4()
    for amount in range(1, 6):
        await grant(billing, user_id, amount=amount)

    seen, cursor = [], None
    while True:
        parameters = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = await billing.client.get(
            "/api/transactions", params=parameters, headers=bearer(issuer, user_id)
        )
        page = answer.json()
        seen += [row["amount"] for row in page["transactions"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == [5, 4, 3, 2, 1]


async def test_nobody_sees_anothers_lines(billing, issuer):
    await grant(billing, uuid4())

    answer = await billing.client.get("/api/credits/transactions", headers=bearer(issuer, uuid4()))

    assert answer.json()["transactions"] == []


async def test_payments_are_listed_for_operators_alone(billing, issuer):
    assert (await billing.client.get("/api/admin/payments")).status_code == 401
    answer = await billing.client.get("/api/admin/payments?status=review", headers=KEY)
    assert answer.json()["payments"] == []
