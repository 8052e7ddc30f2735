"""Leaky buckets, by a clock that a test moves on."""

import pytest

from gateway.limits import CLIENTS_MAX, LIMITS, Limit, Limits, kinds, multiplied


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limits(clock):
    return Limits({"all": Limit(2, 4), "writes": Limit(1, 1)}, now=clock)


def admitted(limits, times, *, method="GET", client="192.0.2.1"):
    return [limits.admit(method, "/x", client) for _ in range(times)].count(True)


def test_a_burst_and_one_more_pass_at_once(limits):
    assert admitted(limits, 20) == 5


def test_what_leaks_makes_room_for_as_much(limits, clock):
    admitted(limits, 20)
    clock.now += 1.5

    assert admitted(limits, 20) == 3


def test_after_a_while_everything_is_as_in_the_beginning(limits, clock):
    admitted(limits, 20)
    clock.now += 3600

    assert admitted(limits, 20) == 5


def test_what_is_refused_does_not_count(limits, clock):
    admitted(limits, 1000)
    clock.now += 0.5

    assert admitted(limits, 20) == 1


def test_what_one_limit_refuses_counts_against_no_other(limits):
    assert admitted(limits, 20, method="POST") == 2

    assert admitted(limits, 20) == 3


def test_clients_are_counted_apart(limits):
    assert admitted(limits, 20, client="192.0.2.1") == 5
    assert admitted(limits, 20, client="192.0.2.2") == 5


def test_who_was_not_seen_for_longest_is_forgotten_first(limits):
    admitted(limits, 20, client="192.0.2.1")
    admitted(limits, 20, client="192.0.2.2")
    for number in range(CLIENTS_MAX - 1):
        limits.admit("GET", "/x", f"a socket {number}")

    assert admitted(limits, 1, client="192.0.2.2") == 0
    assert admitted(limits, 20, client="192.0.2.1") == 5


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        ("GET", "/dashboard", ["all"]),
        ("HEAD", "/api/auth/login", ["all"]),
        ("POST", "/api/tasks", ["all", "writes"]),
        ("DELETE", "/api/tasks/task_1", ["all", "writes"]),
        ("POST", "/api/auth/login", ["all", "writes", "entrance"]),
        ("DELETE", "/api/auth/sessions/ses_1", ["all", "writes", "entrance"]),
        ("POST", "/api/auth/refresh", ["all", "writes"]),
        ("POST", "/api/auth/logout", ["all", "writes"]),
        ("POST", "/api/webhooks/stripe", ["webhooks"]),
        ("POST", "/api/stripe/webhook", ["webhooks"]),
        ("GET", "/api/webhooks/stripe", ["all"]),
    ],
)
def test_a_request_counts_against_what_it_is(method, path, counted):
    assert list(kinds(method, path)) == counted


def test_limits_are_widened_or_lifted():
    assert multiplied(1) == LIMITS
    assert multiplied(3)["writes"] == Limit(30, 150)
    assert admitted(Limits(multiplied(0)), 5000, method="POST") == 5000
