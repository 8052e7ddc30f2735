"""What Prometheus sees of the running product, and that alerts and dashboard ask for nothing else."""

import asyncio
import json
import os
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from shared.testing import eventually
from tests.promql import DASHBOARD, OF_PROMETHEUS, alerts, expressions, metrics_in
from tests.stripe_events import WEBHOOK_SECRET, event, signed

SERVICES = {"auth", "billing", "tasks", "notifier", "agent-runner"}
OF_THE_GATEWAY = {"impacter_service_up"}
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}


async def scrape(product):
    answer = await product.http.get("/metrics", headers=product.admin)
    assert answer.status_code == 200, answer.text
    return list(text_string_to_metric_families(answer.text))


async def value(product, name, **labels):
    """The sum of the samples that have these labels."""
    return sum(
        sample.value
        for family in await scrape(product)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def exposed(product):
    families = await scrape(product)
    return OF_THE_GATEWAY | {
        f"{family.name}{suffix}"
        for family in families
        for suffix in SUFFIXES.get(family.type, ("",))
    }


async def test_strangers_see_no_metrics(product, customer):
    for headers, status in (({}, 401), ({"x-admin-key": "x"}, 401), (customer.headers, 403)):
        refused = await product.http.get("/metrics", headers=headers)

        assert refused.status_code == status
        assert refused.headers["content-type"] == "application/problem+json"
        assert "impacter_" not in refused.text


async def test_the_operators_key_is_a_bearer_token_too(product):
    key = product.admin["x-admin-key"]
    answer = await product.http.get("/metrics", headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_every_service_is_on_the_page_and_every_source_answers(product):
    families = {family.name: family.samples for family in await scrape(product)}
    samples = [
        (each.name, tuple(sorted(each.labels.items()))) for f in families.values() for each in f
    ]

    assert len(samples) == len(set(samples))
    assert all("service" in dict(labels) for _, labels in samples)
    assert {each.labels["service"] for each in families["impacter_build_info"]} == SERVICES
    assert {each.value for each in families["impacter_gauges_up"]} == {1}
    assert {each.value for each in families["impacter_ledger_rule_broken"]} == {0}


async def test_every_alert_is_about_what_the_product_tells(product):
    told = await exposed(product) | OF_PROMETHEUS
    unknown = {rule["alert"]: metrics_in(rule["expr"]) - told for rule in alerts()}

    assert {name: metrics for name, metrics in unknown.items() if metrics} == {}


async def test_every_panel_is_about_what_the_product_tells(product):
    asked = set().union(*map(metrics_in, expressions(json.loads(DASHBOARD.read_text()))))

    assert asked - await exposed(product) == set()


async def test_the_dashboard_shows_all_that_is_ours(product):
    """What nobody looks at need not be told."""
    asked = set().union(*map(metrics_in, expressions(json.loads(DASHBOARD.read_text()))))
    looked_at = {metric.removesuffix("_bucket") for metric in asked}

    ours = {metric for metric in await exposed(product) if metric.startswith("impacter_")}
    ends = ("_bucket", "_count", "_sum", "_info", "_service_up")
    assert {metric for metric in ours if not metric.endswith(ends)} - looked_at == set()


async def test_a_customers_way_leaves_its_marks(product, customer):
    async def seen(name, **labels):
        async def is_there():
            return await value(product, name, **labels) > 0

        await eventually(is_there, what=f"{name} {labels}")

    await product.pay("metrics@example.com")
    forged = signed(event({}), f"{WEBHOOK_SECRET}x")
    assert (await product.http.post("/api/webhooks/stripe", **forged)).status_code == 400
    task_id = (await customer.ask("Write a haiku"))["task_id"]
    await customer.task_is(task_id, "completed")

    await seen("impacter_stripe_webhooks_total", outcome="accepted")
    await seen("impacter_stripe_webhooks_total", outcome="bad_signature")
    await seen("impacter_http_requests_total", service="tasks", route="/api/tasks", status="201")
    await seen("impacter_events_published_total", service="tasks", event="task.created.v1")
    await seen("impacter_handler_seconds_count", service="billing", event="task.created.v1")
    await seen("impacter_payments", status="granted")
    await seen("impacter_tasks", status="completed")
    await seen("impacter_runs", state="succeeded")
    await seen("impacter_mails", state="sent")


async def test_the_doctor_finds_every_link_whole(product, tmp_path):
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("impacter"),
        *("doctor", "--json"),
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(product.folder),
            "PORT": product.origin.rpartition(":")[2],
            "ADMIN_API_KEY": product.admin["x-admin-key"],
        },
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    report = json.loads(out)

    assert [check for check in report["checks"] if check["state"] == "broken"] == []
    assert (process.returncode, report["is_well"]) == (0, True)
    well = {check["what"] for check in report["checks"] if check["state"] == "ok"}
    assert {"product", "outbox", "parked", "ledger", *SERVICES} <= well
