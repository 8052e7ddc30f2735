"""`impacter admin parked …`."""

import pytest

from shared.ids import public


def event_id(event):
    return public("parked", event["id"])


def test_parked_events_of_all_services_are_listed(gateway, impacter):
    first = gateway.add_parked("billing")
    second = gateway.add_parked("agent-runner", state="retrying", name="task.created.v1")
    gateway.add_parked("tasks", state="done")

    shown = impacter("parked", "list").stdout
    pages = impacter.json("parked", "list")

    assert event_id(first) in shown
    assert event_id(second) in shown
    assert "ValueError: no" in shown
    assert list(pages) == ["auth", "billing", "tasks", "notifier", "agent-runner"]
    assert pages["billing"]["events"][0]["id"] == event_id(first)
    assert pages["tasks"] == {"events": [], "next_cursor": None}


def test_one_services_events_are_its_page(gateway, impacter):
    gateway.add_parked("billing", state="parked")
    discarded = gateway.add_parked("billing", state="discarded")

    page = impacter.json("parked", "list", "--service", "billing", "--state", "discarded")

    assert [event["id"] for event in page["events"]] == [event_id(discarded)]
    assert gateway.requests == ["GET /api/admin/events/billing"]


def test_a_service_that_does_not_answer_hides_no_other(gateway, impacter):
    event = gateway.add_parked("tasks")
    gateway.broken.add("billing")

    result = impacter("parked", "list", exit_code=1)

    assert event_id(event) in result.stdout
    assert result.stderr.startswith("error: billing: A part of the system that this needs")


def test_an_event_is_shown_with_what_it_carries(gateway, impacter):
    event = gateway.add_parked("billing", body='{"a":{"b":"\x1b[2J"}}', headers={"ce-id": "77"})

    shown = impacter("parked", "show", "billing", event_id(event)).stdout
    answer = impacter.json("parked", "show", "billing", event_id(event))

    assert "ValueError: no" in shown
    assert "ce-id" in shown
    assert "\x1b" not in shown
    assert answer["headers"] == {"ce-id": "77"}
    assert answer["body"] == '{"a":{"b":"\x1b[2J"}}'


def test_the_body_of_an_event_is_indented(gateway, impacter):
    event = gateway.add_parked("billing", body='{"a":"ñ"}')
    broken = gateway.add_parked("billing", body="not json")

    assert '{\n  "a": "ñ"\n}' in impacter("parked", "show", "billing", event_id(event)).stdout
    assert "not json" in impacter("parked", "show", "billing", event_id(broken)).stdout


def test_an_event_is_replayed(gateway, impacter):
    event = gateway.add_parked("notifier")

    answer = impacter.json("parked", "replay", "notifier", event_id(event))

    assert (answer["state"], answer["resolved_by"]) == ("retrying", "admin-key")
    assert "retrying" in impacter("parked", "replay", "notifier", event_id(event)).stdout


def test_all_parked_events_of_a_service_are_replayed(gateway, impacter):
    parked = [gateway.add_parked("billing") for _ in range(3)]
    gateway.add_parked("billing", state="retrying", attempt=4)
    other = gateway.add_parked("tasks")

    answer = impacter.json("parked", "replay", "billing", "--all")

    assert {event["id"] for event in answer["events"]} == {event_id(event) for event in parked}
    assert sorted(row["attempt"] for row in gateway.parked["billing"]) == [0, 0, 0, 4]
    assert other["state"] == "parked"
    assert "No event was replayed" in impacter("parked", "replay", "billing", "--all").stdout


def test_one_event_that_cannot_be_replayed_stops_no_other(gateway, impacter):
    first = gateway.add_parked("billing")
    stubborn = gateway.add_parked("billing", name="stubborn")

    result = impacter("parked", "replay", "billing", "--all", exit_code=1)

    assert first["state"] == "retrying"
    assert result.stderr == (f"error: {event_id(stubborn)}: That is not yours to do. [forbidden]\n")


def test_an_event_is_discarded_with_a_reason(gateway, impacter):
    event = gateway.add_parked("auth")
    arguments = ["parked", "discard", "auth", event_id(event), "--reason", "made by a test"]

    assert impacter.json(*arguments)["resolution"] == "made by a test"
    again = impacter(*arguments, exit_code=1)

    assert again.stderr == "error: This event is discarded already. [conflict]\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay", "billing"],
        ["replay", "billing", "parked_1", "--all"],
        ["discard", "billing", "parked_1"],
        ["show", "payroll", "parked_1"],
        ["list", "--state", "lost"],
    ],
)
def test_what_makes_no_sense_is_not_sent(gateway, impacter, arguments):
    impacter("parked", *arguments, exit_code=2)

    assert gateway.requests == []
