"""`impacter admin health` and `messages`."""

import re

from cli_gateway import ADMIN_KEY
from fastapi import Response

READY = {
    "status": "ready",
    "dependencies": {"database": "ok", "bus": "ok"},
    "outbox": 3,
    "outbox_age_s": 12.4,
    "parked": {"parked": 2, "retrying": 1},
    "queue": 1200,
}


def test_health_is_a_table_of_services_and_what_they_need(gateway, impacter):
    needs = {"database": "ok", "bus": "ok", "blobs": "ok"}
    idle = {**READY, "dependencies": needs, "outbox": 0, "outbox_age_s": 0.0, "parked": {}}
    gateway.ready = {"status": "ready", "services": {"billing": READY, "tasks": idle}}

    shown = impacter("health").stdout

    assert re.search(r"service +status +database +bus +blobs +outbox +parked +queue", shown)
    assert re.search(r"billing +ready +ok +ok +3 \(12 s\) +2 parked, 1 retrying +1,200", shown)
    assert re.search(r"tasks +ready +ok +ok +ok +0 +0 +1,200", shown)


def test_health_as_json_is_what_the_api_says(gateway, impacter):
    gateway.ready = {"status": "ready", "services": {"billing": READY}}

    assert impacter.json("health") == gateway.ready


def test_what_is_not_ready_is_shown_and_ends_with_1(gateway, impacter):
    down = {"status": "not ready", "dependencies": {"database": "connection refused"}}
    gateway.ready = {"status": "not ready", "services": {"billing": down}}

    shown = impacter("health", exit_code=1).stdout

    assert re.search(r"billing +not ready +connection refused", shown)
    assert impacter.json("health", exit_code=1)["status"] == "not ready"


def test_health_needs_no_key_and_shows_none(gateway, impacter, monkeypatch):
    gateway.ready = {"status": "ready", "services": {}}
    monkeypatch.delenv("ADMIN_API_KEY")

    impacter("health")
    monkeypatch.setenv("ADMIN_API_KEY", ADMIN_KEY)
    impacter("health")

    assert gateway.keys_seen == {None}


def test_a_gateway_without_services_behind_it_is_not_ready(gateway, impacter):
    gateway.raw = Response('{"detail": "No service answers.", "code": "unavailable"}', 503)
    assert "No service answers. [unavailable]" in impacter("health", exit_code=1).stderr

    gateway.raw = Response("<h1>502 Bad Gateway</h1>", 502)
    assert "[502] Try again soon" in impacter("health", exit_code=1).stderr


def test_messages_are_listed_by_state(gateway, impacter):
    gateway.add_message()
    gateway.add_message(state="failed", sent_at=None, error="550 no such mailbox", attempts=5)

    shown = impacter("messages", "--state", "failed").stdout
    page = impacter.json("messages")

    assert "550 no such mailbox" in shown
    assert "sent" not in shown.splitlines()[-1]
    assert [row["state"] for row in page["messages"]] == ["failed", "sent"]
