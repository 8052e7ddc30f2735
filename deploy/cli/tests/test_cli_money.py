"""`impacter admin prices`, `refund` and `refunds`."""

import pytest

from shared.ids import public

PRICE = {
    "price_id": "price_1",
    "product_id": "prod_1",
    "lookup_key": "pack_500",
    "name": "500 credits",
    "kind": "pack",
    "credits": 500,
    "amount_cents": 3900,
    "currency": "usd",
    "interval": None,
    "grant_interval": None,
    "rollover": "none",
    "is_active": True,
    "flaw": None,
}
SYNC = {
    "added": [{"price_id": "price_2", "name": "A sip", "fields": {}}],
    "changed": [{"price_id": "price_1", "name": "500 credits", "fields": {"credits": [500, 600]}}],
    "deactivated": [],
    "unchanged": [],
    "skipped": [{"product_id": "prod_9", "name": "Socks", "reason": "no includedCredits"}],
}


@pytest.fixture
def payment(gateway):
    return public("pay", gateway.add_payment("ana@example.com")["id"])


@pytest.fixture
def refund(impacter, payment):
    return impacter.json("refund", payment, "--reason", "It was late.")


def test_prices_are_shown_with_what_they_cost_and_why_some_are_not_sold(gateway, impacter):
    plan = {**PRICE, "name": "Basic", "interval": "month", "amount_cents": 2900}
    broken = {**PRICE, "name": "Socks", "flaw": "its metadata has no includedCredits"}
    gateway.prices["all"] = {"prices": [PRICE, plan, broken]}

    shown = impacter("prices", "list").stdout

    assert "39.00 USD" in shown
    assert "29.00 USD a month" in shown
    assert "not sold: its metadata has no includedCredits" in shown


def test_what_a_sync_changes_is_shown_field_by_field(gateway, impacter):
    gateway.prices["sync"] = SYNC

    done, dry = impacter("prices", "sync"), impacter("prices", "sync", "--dry-run")

    assert "credits 500 → 600" in done.stdout
    assert "A sip" in done.stdout
    assert "no includedCredits" in done.stdout
    assert "dry run" not in done.output
    assert "Nothing was changed" in dry.output


def test_a_seed_says_what_it_made(gateway, impacter):
    gateway.prices["seed"] = {"made": ["pack_500"]}
    assert "pack_500" in impacter("prices", "seed").stdout

    gateway.prices["seed"] = {"made": []}
    assert "has all of them" in impacter("prices", "seed").stdout


def test_a_refund_is_asked_for_and_approved(impacter, refund):
    shown = impacter("refunds", "approve", refund["id"]).stdout

    assert "approved" in shown
    assert "requested by admin-key, approved by admin-key" in shown


def test_a_refund_of_a_part_is_asked_for_in_money(impacter, payment):
    refund = impacter.json("refund", payment, "--amount", "12.50", "--reason", "x")

    assert refund["amount_cents"] == 1250


@pytest.mark.parametrize("amount", ["0", "-1", "ten", "1.234", "NaN", "Infinity"])
def test_an_amount_that_is_none_is_not_understood(impacter, payment, amount):
    refused = impacter("refund", payment, f"--amount={amount}", "--reason", "x", exit_code=2)

    assert "no amount like" in refused.output


def test_a_refund_is_rejected_with_a_reason_and_stays_so(impacter, refund):
    impacter("refunds", "reject", refund["id"], "--reason", "It was delivered.")
    again = impacter("refunds", "approve", refund["id"], exit_code=1)

    assert "rejected already" in again.output


def test_refunds_that_wait_are_listed(impacter, refund):
    shown = impacter("refunds", "list", "--status", "requested").stdout
    none = impacter("refunds", "list", "--status", "made").stdout

    assert refund["id"] in shown
    assert "It was late." in shown
    assert "no such refund" in none


@pytest.mark.parametrize(
    "command", [("refund", "../x", "--reason", "x"), ("refunds", "approve", "../x")]
)
def test_an_id_that_is_a_path_is_refused(impacter, command):
    assert "is not an id" in impacter(*command, exit_code=2).output
