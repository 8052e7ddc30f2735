"""`impacter admin users`, `user`, `grant` and `payments`."""

import re

import pytest
from fastapi import Response

from shared.ids import public


def user_id(user):
    return public("usr", user["id"])


def test_users_are_listed_and_searched(gateway, impacter):
    ana = gateway.add_user("ana@example.com", roles=["admin"])
    gateway.add_user("bob@example.com", email_verified=False)

    shown = impacter("users").stdout
    found = impacter.json("users", "--email", "ANA")

    assert re.search(
        rf"{user_id(ana)} +ana@example.com +proven +1,000 +admin +2026-11-21 12:", shown
    )
    assert "not proven" in shown
    assert [row["email"] for row in found["users"]] == ["ana@example.com"]
    assert "There is no such account." in impacter("users", "--email", "zoe").stdout


@pytest.mark.parametrize("by", ["email", "id"])
def test_a_user_is_shown_with_payments_and_tasks(gateway, impacter, by):
    gateway.add_user("mariana@example.com")
    ana = gateway.add_user("Ana@example.com")
    gateway.add_payment("Ana@example.com", note="paid twice?")
    gateway.add_payment("bob@example.com", note="somebody else's")
    gateway.add_task(user_id=ana["id"], status="completed", description="Write a song")
    gateway.add_task(description="Not hers")
    who = "ana@EXAMPLE.com" if by == "email" else user_id(ana)

    shown = impacter("user", who).stdout
    story = impacter.json("user", who)

    assert all(text in shown for text in (user_id(ana), "1,234.56 USD", "paid twice?", "a song"))
    assert "else's" not in shown
    assert "Not hers" not in shown
    assert story["user"]["id"] == user_id(ana)
    assert [row["note"] for row in story["payments"]] == ["paid twice?"]
    assert [row["description"] for row in story["tasks"]] == ["Write a song"]


def test_an_account_is_made_an_admins_and_a_customers_again(gateway, impacter):
    ana = gateway.add_user("ana@example.com")

    assert re.search(r"roles +admin", impacter("roles", "ana@example.com", "admin").stdout)
    assert impacter.json("roles", user_id(ana))["roles"] == []
    assert "[invalid]" in impacter("roles", "ana@example.com", "emperor", exit_code=1).stderr


def test_half_an_address_is_nobody(gateway, impacter):
    gateway.add_user("ana@example.com")

    assert (
        "No account has the address na@example.com"
        in impacter("grant", "na@example.com", "5", "--reason", "x", exit_code=1).stderr
    )
    assert impacter("user", "ana", exit_code=2).stderr.startswith("error: 'ana' is neither")
    assert "[not_found]" in impacter("user", f"usr_{'0' * 32}", exit_code=1).stderr
    assert gateway.grants == {}


def test_a_grant_shows_the_key_to_repeat_it_with(gateway, impacter):
    ana = gateway.add_user("ana@example.com")

    first = impacter("grant", "ana@example.com", "100", "--reason", "Sorry")
    key = re.search(r"--key (cli-[0-9a-f]{24})", first.stderr).group(1)
    again = impacter("grant", user_id(ana), "100", "--reason", "Sorry", "--key", key)

    assert set(gateway.grants) == {key}
    assert re.search(r"granted +now", first.stdout)
    assert re.search(r"balance after +1,100", first.stdout)
    assert "nothing changed" in again.stdout


def test_two_grants_without_a_key_are_two(gateway, impacter):
    gateway.add_user("ana@example.com")

    for _ in range(2):
        impacter("grant", "ana@example.com", "1", "--reason", "x")

    assert len(gateway.grants) == 2


def test_a_grant_as_json_is_the_transaction_alone(gateway, impacter):
    gateway.add_user("ana@example.com")

    transaction = impacter.json("grant", "ana@example.com", "7", "--reason", "x", "--key", "mine")

    assert transaction["id"] == public("txn", gateway.grants["mine"]["id"])
    assert (transaction["amount"], transaction["balance_after"]) == (7, 1007)


def test_a_key_of_another_grant_is_refused(gateway, impacter):
    gateway.add_user("ana@example.com")
    impacter("grant", "ana@example.com", "7", "--reason", "x", "--key", "mine")

    refused = impacter(
        *("grant", "ana@example.com", "8", "--reason", "x", "--key", "mine"), exit_code=1
    )

    assert "error: This idempotency key was used for another grant. [conflict]" in refused.stderr


@pytest.mark.parametrize("arguments", [["0", "--reason", "x"], ["ten", "--reason", "x"], ["5"]])
def test_a_grant_of_nothing_or_for_no_reason_is_not_sent(gateway, impacter, arguments):
    impacter("grant", "ana@example.com", *arguments, exit_code=2)

    assert gateway.requests == []


def test_payments_are_listed_by_status_and_payer(gateway, impacter):
    odd = gateway.add_payment("ana@example.com", status="review", note="no price known")
    gateway.add_payment("bob@example.com")

    shown = impacter("payments", "--status", "review").stdout
    by_payer = impacter.json("payments", "--email", "bob@example.com")

    assert public("pay", odd["id"]) in shown
    assert "no price known" in shown
    assert "bob" not in shown
    assert [row["email"] for row in by_payer["payments"]] == ["bob@example.com"]


PAID = {"paid (UTC)": "2026-11-21 12:00:00"}
GRANTED = {**PAID, "granted": "1,000"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"status": "granted"}, GRANTED),
        ({"status": "granted", "refund_taken": 1000}, {**GRANTED, "taken back": "1,000"}),
        ({"status": "granted", "dispute_taken": 400}, {**GRANTED, "taken back": "400"}),
        ({"status": "expired", "paid_at": None}, {}),
        ({"status": "open", "paid_at": None}, {}),
        ({"status": "review"}, PAID),
    ],
)
def test_a_payment_shows_what_was_paid_granted_and_taken_back(
    gateway, impacter, monkeypatch, fields, told
):
    gateway.add_payment("ana@example.com", **fields)
    monkeypatch.setenv("COLUMNS", "80")

    lines = impacter("payments").stdout.splitlines()
    shown = dict(re.split(r"\s{2,}", each.rstrip()) for each in lines)
    for name in ("id", "status", "e-mail", "created (UTC)"):
        del shown[name]
    assert shown == {"amount": "1,234.56 USD", **told}


def test_a_task_that_cost_nothing_shows_no_quote_as_its_price(gateway, impacter):
    ana = gateway.add_user("ana@example.com")
    for status in ("failed", "cancelled"):
        gateway.add_task(user_id=ana["id"], status=status)
    gateway.add_task(user_id=ana["id"], status="completed", credits_spent=151)
    gateway.add_task(user_id=ana["id"], status="running")

    shown = impacter("user", "ana@example.com").stdout

    assert re.search(r"running +lead-generation +up to 1,100 ", shown)
    assert re.search(r"completed +lead-generation +151 ", shown)
    assert re.search(r"failed +lead-generation +0 ", shown)
    assert re.search(r"cancelled +lead-generation +0 ", shown)


def test_what_is_not_there_is_not_the_origins_fault(gateway, impacter):
    missing = impacter("user", f"usr_{'0' * 32}", exit_code=1).stderr
    gateway.raw = Response("<html>", 404, media_type="text/html")
    elsewhere = impacter("payments", exit_code=1).stderr

    assert "[not_found]" in missing
    assert "origin" not in missing
    assert "Check that the origin is ImpacterAGI's gateway." in elsewhere


def test_a_filter_that_the_api_does_not_know_is_explained(impacter):
    refused = impacter("payments", "--status", "lost", exit_code=1)

    assert "[invalid] query.status: Input should be 'open', 'failed'" in refused.stderr


def test_a_payment_in_review_is_closed_with_what_was_decided(gateway, impacter):
    row = gateway.add_payment("ana@example.com", status="review")
    payment = public("pay", row["id"])

    shown = impacter("close-payment", payment, "--reason", "given back at Stripe").stdout
    again = impacter("close-payment", payment, "--reason", "x", exit_code=1)

    assert "closed: given back at Stripe" in " ".join(shown.split())
    assert "does not wait for a person" in again.stderr
