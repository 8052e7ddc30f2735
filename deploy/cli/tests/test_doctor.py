"""`impacter doctor`: settings and the product's own words, each link broken for real."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from doctor_parts import READY, found, found_in
from fastapi import Response
from typer.testing import CliRunner

from impacter.doctor import configuration
from impacter.doctor.findings import State
from impacter.doctor.ledger import check_ledger
from impacter.doctor.surroundings import as_environment
from impacter.main import app

NOWHERE = "postgresql+asyncpg://nobody:hunter2@127.0.0.1:1"
OF_BILLING = ("BILLING_SEALING_KEY", "BILLING_STRIPE_API_BASE")


def check_settings(values):
    with as_environment(values):
        return list(configuration.check())


def test_everything_is_one_line_each_and_the_broken_ones_say_what_to_do(
    gateway, doctor, values, monkeypatch
):
    gateway.ready = {"status": "ready", "services": {"billing": READY}}
    for name, value in {**values, "NOTIFIER_MAIL_URL": "smtp://127.0.0.1:1?starttls=false"}.items():
        monkeypatch.setenv(name, value)

    lines = [line.split(maxsplit=1) for line in doctor().splitlines() if line]

    shown = {rest.strip(): state for state, rest in lines[:-1]}
    assert set(shown.values()) <= {"ok", "broken", "skipped"}
    wrong = [rest for rest, state in shown.items() if state == "broken"]
    assert any("127.0.0.1:1: nothing listens there. To do: start PostgreSQL" in x for x in wrong)
    assert any(
        rest.startswith("mail ") and ". To do: look at the mail server" in rest for rest in wrong
    )
    assert lines[-1][1].endswith("links are broken.")


def test_the_same_as_json(gateway, doctor):
    gateway.ready = {"status": "ready", "services": {"billing": READY}}

    report = json.loads(doctor("--json", exit_code=0))

    assert report["is_well"] is True
    assert {"what": "billing", "state": "ok", "why": "database, bus", "to_do": ""} in report[
        "checks"
    ]
    assert found_in(report, "settings")["state"] == "skipped"


def test_without_product_and_settings_it_says_how_to_go_on(doctor, monkeypatch, values):
    result = CliRunner().invoke(app, ["doctor", "--url", "http://127.0.0.1:1"])

    assert result.exit_code == 1
    assert "Cannot reach http://127.0.0.1:1" in result.stdout
    assert "To do: start the product" in result.stdout
    assert "1 of 1 links is broken." in result.stdout
    assert "run it where the services run" in result.stdout


def test_a_folder_whose_servers_are_ended_is_at_rest(doctor, gateway, monkeypatch):
    gateway.ready = {"status": "ready", "services": {"billing": READY}}
    postgres = Path("data/postgres")
    postgres.mkdir(parents=True)
    (postgres / "postgres.log").write_text("LOG: starting\nFATAL:  the disk is full\nLOG: bye\n")

    report = json.loads(doctor("--json"))

    assert found_in(report, "databases and bus")["state"] == "skipped"
    assert found_in(report, "PostgreSQL")["why"] == "the disk is full"
    assert found_in(report, "mail")["state"] == "ok"
    assert found_in(report, "object store")["state"] == "ok"


def test_an_own_database_beside_the_data_folder_is_looked_at(gateway, doctor, values, monkeypatch):
    gateway.ready = {"status": "ready", "services": {"billing": READY}}
    Path("data/postgres").mkdir(parents=True)
    monkeypatch.setenv("BILLING_DATABASE_URL", f"{NOWHERE}/billing")

    report = json.loads(doctor("--json"))

    billing = found_in(report, "database of billing")
    assert billing["why"] == "127.0.0.1:1: nothing listens there"
    assert billing["to_do"] == "start PostgreSQL at 127.0.0.1:1, or correct BILLING_DATABASE_URL"
    assert found_in(report, "databases and bus")["state"] == "skipped"
    assert found_in(report, "settings of billing")["state"] == "ok"
    assert not [each for each in report["checks"] if each["what"] in ("other services", "bus")]


def test_settings_that_are_whole_are_well(values):
    findings = [*check_settings(values), *configuration.check_stripe(values)]

    assert {each.state for each in findings} == {State.OK}


@pytest.mark.parametrize(
    ("name", "value", "what", "why"),
    [
        ("BUS_URL", None, "settings of the process", "BUS_URL is missing"),
        ("BILLING_DATABASE_URL", None, "settings of billing", "BILLING_DATABASE_URL is missing"),
        ("PORT", "80800", "settings of the process", "PORT is not valid: Input should be less"),
        ("NOTIFIER_FROM", "nobody", "settings of notifier", "NOTIFIER_FROM is not valid"),
        ("LINK_SEALING_KEY", "short", "settings of auth", "LINK_SEALING_KEY is not valid"),
        ("TASKS_QUOTE_VALID_S", "soon", "settings of tasks", "TASKS_QUOTE_VALID_S is not valid"),
        ("AGENT_RUNNER_EXECUTOR", "x", "settings of agent-runner", "AGENT_RUNNER_EXECUTOR is not"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(values, name, value, what, why):
    given = {**values, name: value} if value else {k: v for k, v in values.items() if k != name}

    finding = found(check_settings(given), what)

    assert finding.state is State.BROKEN
    assert finding.why.startswith(why)
    assert finding.to_do.startswith("set it in .env or in the environment")


def test_all_that_is_missing_is_one_line(values):
    [finding] = configuration._of("settings of tasks", configuration.settings_of("tasks"))

    assert finding.why.startswith("SITE_URL, JWKS_URL, ADMIN_API_KEY, TASKS_DATABASE_URL")
    assert finding.why.endswith(" are missing")


def test_a_service_that_runs_alone_is_looked_at_alone(gateway, doctor, values, monkeypatch):
    gateway.ready = {"status": "ready", "services": {"billing": READY}}
    own = (
        "BUS_URL",
        "BILLING_DATABASE_URL",
        "SITE_URL",
        "JWKS_URL",
        "ADMIN_API_KEY",
        "HOST",
        "PORT",
    )
    for name in (*own, *OF_BILLING, "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, values[name])

    checks = {check["what"]: check["state"] for check in json.loads(doctor("--json"))["checks"]}

    assert checks["other services"] == "skipped"
    assert checks["settings of billing"] == "ok"
    assert checks["database of billing"] == checks["bus"] == "broken"
    assert not {"mail", "object store", "OpenClaw", "settings of auth"} & set(checks)


def test_what_the_settings_name_is_not_tried_while_they_are_wrong(
    gateway, doctor, values, monkeypatch
):
    gateway.ready = {"status": "ready", "services": {"billing": READY}}
    for name, value in {**values, "PORT": "none"}.items():
        monkeypatch.setenv(name, value)

    report = json.loads(doctor("--json"))

    assert found_in(report, "what they name")["state"] == "skipped"
    assert not [check for check in report["checks"] if check["what"].startswith("database")]


def test_a_misspelled_variable_in_dotenv_is_named_with_the_right_one(values):
    Path(".env").write_text("NOTIFIER_MAIL_URI=file:///x\nSITE_URL=http://x\nEXTRA=1\nZZZ=1\n")
    Path(".env.example").write_text("# EXTRA=  of ours\n")

    unread = [each for each in check_settings(values) if each.what == ".env"]

    assert [(each.why, each.to_do) for each in unread] == [
        ("NOTIFIER_MAIL_URI is read by nobody", "did you mean NOTIFIER_MAIL_URL?"),
        ("ZZZ is read by nobody", "take it out, or see .env.example for its name"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "what", "why"),
    [
        ("STRIPE_SECRET_KEY", "pk_test_x", "Stripe key", "it is the publishable key"),
        ("STRIPE_SECRET_KEY", "secret", "Stripe key", "it does not look like sk_test_…"),
        ("STRIPE_WEBHOOK_SECRET", "sk_test_x", "Stripe webhook secret", "it does not look like"),
        ("STRIPE_WEBHOOK_SECRET", ",", "Stripe webhook secret", "it does not look like whsec_"),
    ],
)
def test_stripes_keys_have_stripes_form(values, name, value, what, why):
    finding = found(configuration.check_stripe({**values, name: value}), what)

    assert finding.state is State.BROKEN
    assert finding.why.startswith(why)
    assert "Stripe's dashboard" in finding.to_do


def test_what_a_service_lacks_is_named_with_its_own_words(gateway, doctor):
    links = {"database": "ok", "bus": "the broker does not answer", "blobs": "ok"}
    down = {"status": "not ready", "dependencies": links}
    silent = {"status": "not ready", "dependencies": {"process": "the service does not answer"}}
    gateway.ready = {"status": "not ready", "services": {"tasks": down, "auth": silent}}

    report = json.loads(doctor("--json"))

    assert found_in(report, "tasks: bus")["why"] == "the broker does not answer"
    assert found_in(report, "tasks: bus")["to_do"] == "start the broker, or correct BUS_URL"
    assert found_in(report, "auth: process")["to_do"].startswith("start the service")


def test_what_waits_too_long_and_what_waits_for_a_person_is_named(gateway, doctor):
    late = {**READY, "outbox": 1200, "outbox_age_s": 90.4, "parked": {"parked": 2, "retrying": 5}}
    gateway.ready = {"status": "ready", "services": {"billing": late, "tasks": READY}}

    report = json.loads(doctor("--json"))

    waiting = "events do not leave billing (1,200 waiting, the oldest 90 s)"
    assert found_in(report, "outbox")["why"] == waiting
    assert found_in(report, "parked")["why"] == "events wait for a person in billing (2)"
    assert "impacter admin parked list" in found_in(report, "parked")["to_do"]


def test_somebody_elses_server_is_no_product(gateway, doctor):
    gateway.raw = Response('{"hello": "world"}', 200)

    report = json.loads(doctor("--json"))

    assert found_in(report, "product")["why"] == "it does not answer as ImpacterAGI's gateway does"


PAGE = """# TYPE impacter_ledger_rule_broken gauge
impacter_ledger_rule_broken{{rule="one",service="billing"}} {one}
impacter_ledger_rule_broken{{rule="two",service="billing"}} 0
# TYPE impacter_ledger_proof_age_seconds gauge
impacter_ledger_proof_age_seconds{{service="billing"}} {age}
"""
DAYS = """# TYPE impacter_books_wrong_days gauge
impacter_books_wrong_days{service="billing"} 2
"""


@pytest.mark.parametrize(
    ("page", "state", "why"),
    [
        (PAGE.format(one=0, age=30), State.OK, "every rule holds; proved 30 s ago"),
        (PAGE.format(one=3, age=30), State.BROKEN, "the books do not balance: one (3)"),
        (PAGE.format(one=0, age=1e6), State.BROKEN, "it was last proved as a whole 278 hours ago"),
        (
            f"{PAGE.format(one=0, age=30)}{DAYS}",
            State.BROKEN,
            "the books of 2 days differ: `impacter admin books` shows by how much",
        ),
        ("", State.SKIPPED, "billing does not tell of its proof now"),
    ],
)
def test_the_ledger_is_as_billings_proof_says(page, state, why):
    finding = check_ledger(page)

    assert (finding.state, finding.why) == (state, why)


def test_without_the_services_code_it_still_asks_the_product(gateway):
    gateway.ready = {"status": "ready", "services": {"billing": READY}}
    bare = "import sys; sys.modules['embedded'] = None; from impacter.main import app; app()"
    command = [sys.executable, "-c", bare, "doctor", "--json", "--url", gateway.origin]

    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    assert found_in(report, "billing")["state"] == "ok"
    assert found_in(report, "settings")["why"].startswith("the services' code is not installed")
