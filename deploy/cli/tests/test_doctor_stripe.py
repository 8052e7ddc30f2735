"""`impacter doctor` on Stripe: the key, the endpoint, and when billing was last compared with it."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest
import stripe
import uvicorn

from billing.stripe_gateway import StripeGateway
from billing.stripe_transport import Transport
from embedded.defaults import DATABASES, variables
from embedded.emulator.service import Emulator, at_site
from impacter.doctor.comparison import check_comparison
from impacter.doctor.findings import State
from impacter.doctor.money import check_stripe
from impacter.doctor.surroundings import as_environment
from shared.testing import eventually

YEARS_END_AT_ONCE = {"schedule_at_period_end": {"conditions": [{"type": "decreasing_item_amount"}]}}
NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1"


@pytest.fixture
def values(tmp_path):
    return variables(tmp_path, "1", {name: f"{NOWHERE}/{name}" for name in DATABASES})


@asynccontextmanager
async def emulated(values, tmp_path, *, webhook_url=""):
    """Stripe at the address that the settings name."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        site = f"http://127.0.0.1:{listener.getsockname()[1]}"
        values |= {"SITE_URL": site, "BILLING_STRIPE_API_BASE": f"{site}/emulator/stripe"}
        place = at_site(
            site,
            tmp_path / "stripe",
            secret_key=values["STRIPE_SECRET_KEY"],
            webhook_secrets=values["STRIPE_WEBHOOK_SECRET"],
            webhook_url=webhook_url,
        )
        emulator = await Emulator(place).open()
        config = uvicorn.Config(emulator.app(), log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))

        async def has_started():
            return server.started

        await eventually(has_started)
        try:
            yield emulator
        finally:
            server.should_exit = True
            await serving
            await emulator.close()


async def portal_lets(values, changing):
    """Change what the portal's settings say of changing plans."""
    transport = Transport()
    api = stripe.StripeClient(
        values["STRIPE_SECRET_KEY"],
        base_addresses={"api": values["BILLING_STRIPE_API_BASE"]},
        http_client=transport,
    )
    portals = api.v1.billing_portal.configurations
    [portal] = (await portals.list_async()).data
    await portals.update_async(portal.id, {"features": {"subscription_update": changing}})
    await transport.close_async()


async def looked(values, *, is_at_rest=False):
    with as_environment(values):
        return await check_stripe(is_at_rest=is_at_rest)


async def test_stripe_that_answers_and_tells_us_is_well(values, tmp_path):
    async with emulated(values, tmp_path):
        findings = await looked(values)

    assert [(each.what, each.state) for each in findings] == [
        ("Stripe", State.OK),
        ("Stripe webhook endpoint", State.OK),
        ("Stripe portal", State.OK),
    ]


@pytest.mark.parametrize(
    ("changing", "state", "why"),
    [
        (YEARS_END_AT_ONCE, State.BROKEN, "paid back at once"),
        ({**YEARS_END_AT_ONCE, "proration_behavior": "none"}, State.OK, ""),
        ({**YEARS_END_AT_ONCE, "enabled": False}, State.OK, "cannot change plans"),
    ],
)
async def test_a_portal_that_pays_back_what_stays_is_told(values, tmp_path, changing, state, why):
    async with emulated(values, tmp_path):
        await portal_lets(values, changing)
        findings = await looked(values)

    assert (findings[-1].what, findings[-1].state) == ("Stripe portal", state)
    assert why in findings[-1].why


async def test_a_portal_that_is_not_set_up_is_told(values, tmp_path, monkeypatch):
    async def nothing(_):
        return None

    monkeypatch.setattr(StripeGateway, "portal", nothing)
    async with emulated(values, tmp_path):
        findings = await looked(values)

    assert findings[-1].state is State.BROKEN
    assert "Settings, Billing" in findings[-1].to_do


async def test_a_key_that_stripe_does_not_take_is_told(values, tmp_path):
    async with emulated(values, tmp_path):
        [finding] = await looked({**values, "STRIPE_SECRET_KEY": "sk_test_of_another"})

    assert finding.state is State.BROKEN
    assert "sk_test_of_another" not in finding.why
    assert "STRIPE_SECRET_KEY" in finding.to_do


async def test_an_endpoint_that_leads_elsewhere_is_told(values, tmp_path):
    async with emulated(values, tmp_path, webhook_url="http://127.0.0.1:9/elsewhere"):
        findings = await looked(values)

    hook = findings[1]
    assert (hook.what, hook.state) == ("Stripe webhook endpoint", State.BROKEN)
    assert f"make an endpoint for {values['SITE_URL']}/api/webhooks/stripe" in hook.to_do


async def test_an_emulated_stripe_may_tell_billing_past_the_gateway(values, tmp_path):
    url = "http://127.0.0.1:9/api/webhooks/stripe"
    async with emulated(values, tmp_path, webhook_url=url):
        findings = await looked(values)

    assert (findings[1].state, findings[1].why) == (State.OK, url)


async def test_stripe_that_does_not_answer_is_told(values):
    [finding] = await looked({**values, "BILLING_STRIPE_API_BASE": "http://127.0.0.1:1"})

    assert finding.state is State.BROKEN
    assert "status page" in finding.to_do


async def test_the_emulator_of_a_product_at_rest_is_not_looked_at(values):
    [finding] = await looked(values, is_at_rest=True)

    assert finding.state is State.SKIPPED


@pytest.mark.parametrize(
    ("page", "states"),
    [
        ("impacter_stripe_compared_age_seconds 60\nimpacter_price_sync_age_seconds 60\n", "ok ok"),
        ("impacter_stripe_compared_age_seconds 9999\n", "broken skipped"),
        ("impacter_price_sync_age_seconds 99999\n", "skipped broken"),
        ("impacter_stripe_differences 2\n", "skipped skipped broken"),
    ],
)
def test_the_comparison_is_as_billings_metrics_say(page, states):
    assert [each.state for each in check_comparison(page)] == states.split()
