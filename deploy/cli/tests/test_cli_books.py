"""`impacter admin books`: what is checked, and each day."""

import pytest

WELL = {"state": "well", "checked_at": "2026-11-21T12:00:00Z", "facts": {"rules": 20}, "open": []}
DAY = {
    "day": "2026-11-20",
    "state": "balanced",
    "settled_count": 1200,
    "captured": 9000,
    "released": 1000,
    "moved": {},
    "asked_count": 1,
    "differences": {},
    "broken": {},
    "closed_at": "2026-11-21T00:05:00Z",
    "compared_at": "2026-11-21T00:05:01Z",
    "proved_at": "2026-11-21T00:20:00Z",
}


@pytest.fixture
def books(gateway):
    gateway.books = {"sections": {"ledger": WELL, "tasks": WELL}, "days": [DAY]}
    return gateway.books


def test_books_that_balance_are_shown_by_section_and_day(books, impacter):
    shown = impacter("books").stdout

    assert "ledger" in shown
    assert "rules 20" in shown
    assert "2026-11-20" in shown
    assert "9,000" in shown


def test_what_does_not_agree_is_named_and_ends_with_1(books, impacter):
    books["sections"]["stripe"] = {**WELL, "state": "broken", "open": ["re_1 is not here"]}
    books["days"][0] = {**DAY, "state": "differs", "differences": {"captured": -7}}

    shown = impacter("books", exit_code=1).stdout

    assert "stripe: re_1 is not here" in shown
    assert "tasks counts -7 captured" in shown


def test_a_broken_rule_is_named(books, impacter):
    rule = "a balance is what the last line left"
    books["days"][0] = {**DAY, "state": "broken", "broken": {rule: 2}}

    assert f"{rule}: 2" in impacter("books", exit_code=1).stdout


def test_a_day_is_compared_again_first(books, gateway, impacter):
    impacter("books", "--again", "2026-11-20")

    assert gateway.compared == ["2026-11-20"]


@pytest.mark.parametrize("day", ["2026-11-01", "yesterday"])
def test_a_day_that_is_not_closed_is_one_sentence(books, impacter, day):
    assert impacter("books", "--again", day, exit_code=1).stderr.count("\n") == 1


def test_books_as_json_are_what_the_api_says(books, impacter):
    assert impacter.json("books") == books


def test_without_a_closed_day_it_says_so(gateway, impacter):
    assert "No day is closed yet." in impacter("books").stdout


def test_a_comparison_is_asked_for_and_where_to_see_it_is_said(gateway, impacter):
    shown = impacter("reconcile").stdout

    assert gateway.reconciled == 1
    assert "`impacter admin books`, section stripe" in shown


def test_what_the_api_says_of_a_comparison_is_shown_as_json(gateway, impacter):
    assert impacter.json("reconcile") == {"status": "accepted"}


def test_facts_are_whole_in_a_pipe_and_in_one_line(books, impacter):
    facts = {f"what was seen of things number {n}": n for n in range(40)}
    books["sections"]["ledger"] = {**WELL, "facts": facts}

    [ledger] = [each for each in impacter("books").stdout.splitlines() if each.startswith("ledger")]

    assert ledger.rstrip().endswith("what was seen of things number 39 39")
