"""`impacter doctor` on wrong settings: the variable is named, and everything else is looked at all the same."""

import json
from pathlib import Path

import pytest
from cli_gateway import ADMIN_KEY
from doctor_parts import READY, found_in
from typer.testing import CliRunner

from impacter.main import app


@pytest.fixture
def folder(values):
    """The data folder of a product that has run here."""
    Path("data/postgres").mkdir(parents=True)


@pytest.fixture
def report(gateway, folder):
    """What the doctor reports where it finds the origin itself."""
    gateway.ready = {"status": "ready", "services": {"billing": READY}}

    def run():
        result = CliRunner().invoke(app, ["doctor", "--json"])
        assert result.exit_code == 1, result.output
        return json.loads(result.stdout)

    return run


@pytest.mark.parametrize(
    ("name", "value", "why", "what"),
    [
        ("PORT", "abc", "'abc' is not a port", "settings of the process"),
        ("PORT", "808080", "'808080' is not a port", "settings of the process"),
        ("SITE_URL", "notaurl", "'notaurl' is not an origin", "settings of billing"),
    ],
)
def test_an_origin_that_is_none_is_named_and_the_rest_is_looked_at(
    report, monkeypatch, name, value, why, what
):
    monkeypatch.delenv("SITE_URL", raising=False)
    monkeypatch.setenv(name, value)

    shown = report()

    assert found_in(shown, "product")["why"] == why
    assert name in found_in(shown, "product")["to_do"]
    assert found_in(shown, what)["why"].startswith(f"{name} is not valid")
    assert {name} == {
        check["why"].split(" is not valid")[0]
        for check in shown["checks"]
        if " is not valid" in check["why"]
    }


def test_a_wrong_origin_that_was_given_is_a_usage_error(gateway):
    result = CliRunner().invoke(app, ["doctor", "--url", "notaurl"])

    assert result.exit_code == 2
    assert "as --url" in result.output


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("AGENT_RUNNER_EXECUTORS", "{bad", "settings of agent-runner"),
        ("AGENT_RUNNER_EXECUTORS", '{"resarch": "human"}', "settings of agent-runner"),
        ("AGENT_RUNNER_OPENCLAW_WORKSPACES", "/nope", "settings of agent-runner"),
        ("GATEWAY_RATE_FACTOR", "-1", "settings of the gateway"),
        ("EMULATOR_WEBHOOK_URL", "nowhere", "settings of the gateway"),
        ("HOST", "999.1.1.1", "settings of the process"),
        ("TRUSTED_PROXIES", "foo", "settings of the process"),
        ("BILLING_DATABASE_URL", "mysql://x", "settings of billing"),
    ],
)
def test_what_keeps_the_product_from_starting_is_found(report, monkeypatch, name, value, what):
    monkeypatch.setenv(name, value)

    found = found_in(report(), what)

    assert found["state"] == "broken"
    assert found["why"].startswith(f"{name} is not valid: ")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("foo://", "no bus is called 'foo'; there are amqp, amqps, postgresql, postgresql+asyncpg"),
        ("amqp://a:b:c", "it is no URL like amqp://user:password@host/name"),
    ],
)
def test_a_bus_that_is_none_is_told_as_the_start_tells_it(report, monkeypatch, url, why):
    monkeypatch.setenv("BUS_URL", url)

    bus = found_in(report(), "bus")

    assert (bus["why"], bus["to_do"]) == (why, "correct BUS_URL")


@pytest.mark.parametrize("name", ["NOTIFIER_MAIL_URI", "STRIPE_SECRET_KEYS"])
def test_a_misspelled_variable_in_the_environment_is_named(report, monkeypatch, name):
    monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AUTH_DATABASE_PASSWORD", "of the database's own container")
    monkeypatch.setenv("TASKS_OF_SOMEBODY_ELSE", "x")

    found = found_in(report(), "environment")

    assert found["why"] == f"{name} is read by nobody"
    assert found["to_do"] == f"did you mean {name[:-1]}{'L' if name.endswith('I') else ''}?"


def test_a_key_that_the_product_does_not_take_is_broken(report, gateway, monkeypatch):
    monkeypatch.setenv("SITE_URL", gateway.origin)
    monkeypatch.setenv("ADMIN_API_KEY", "the-key-of-another-product")

    shown = report()

    assert found_in(shown, "operators' key")["state"] == "broken"
    assert "set ADMIN_API_KEY" in found_in(shown, "operators' key")["to_do"]
    assert found_in(shown, "ledger")["state"] == "skipped"
    assert found_in(shown, "comparison with Stripe")["state"] == "skipped"


def test_metrics_that_say_nothing_are_not_the_keys_fault(gateway, values, monkeypatch):
    gateway.ready = {"status": "ready", "services": {"billing": READY}}
    monkeypatch.setenv("ADMIN_API_KEY", ADMIN_KEY)
    command = ["doctor", "--json", "--url", gateway.origin]

    shown = json.loads(CliRunner().invoke(app, command).stdout)

    assert found_in(shown, "ledger")["why"] == "billing does not tell of its proof now"
    assert "operators' key" not in {check["what"] for check in shown["checks"]}


def test_without_a_key_the_metrics_are_skipped(gateway, values, monkeypatch):
    gateway.ready = {"status": "ready", "services": {"billing": READY}}
    monkeypatch.delenv("ADMIN_API_KEY", raising=False)
    command = ["doctor", "--json", "--url", gateway.origin]

    shown = json.loads(CliRunner().invoke(app, command).stdout)

    assert found_in(shown, "ledger")["why"].startswith("There is no admin key")
    assert shown["is_well"] is True


def test_services_have_one_name(report, monkeypatch):
    assert "agent_runner" not in json.dumps(report())
