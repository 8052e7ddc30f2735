"""What a new emulated account has, and when there is one at all."""

from pathlib import Path

import pytest
import stripe
from emulator_parts import HOOK, KEY, SECRET, Listener, Stage

from embedded.defaults import emulates_stripe, own_secrets
from embedded.emulator.service import Emulator, Place, at_site

CATALOGUE = {
    "credits_per_cent": (1000, None, "per_cent", 1000),
    "pack_100": (900, None, "pack", 100),
    "pack_500": (3900, None, "pack", 500),
    "pack_2000": (12900, None, "pack", 2000),
    "starter": (1200, None, "pack", 20),
    "popular": (2900, None, "pack", 50),
    "pro": (7900, None, "pack", 150),
    "basic_monthly": (2900, "month", "plan", 500),
    "business_monthly": (9900, "month", "plan", 2000),
    "basic_yearly": (29000, "year", "plan", 500),
    "business_yearly": (99000, "year", "plan", 2000),
}


async def test_a_new_account_sells_the_standard_catalogue(stage: Stage) -> None:
    prices = (await stage.v1.prices.list_async({"limit": 100, "expand": ["data.product"]})).data

    assert {
        price.lookup_key: (
            price.unit_amount,
            price.recurring.interval if price.recurring else None,
            price.product.metadata["kind"],
            int(price.product.metadata["includedCredits"]),
        )
        for price in prices
    } == CATALOGUE


async def test_plans_say_how_they_grant_and_what_rolls_over(stage: Stage) -> None:
    plans = await stage.v1.prices.list_async(
        {"type": "recurring", "expand": ["data.product"], "limit": 100}
    )

    said = {
        price.lookup_key: (
            price.product.metadata["rollover"],
            price.product.metadata.to_dict().get("grantInterval"),
        )
        for price in plans.data
    }
    assert said == {
        "basic_monthly": ("one_period", None),
        "business_monthly": ("unlimited", None),
        "basic_yearly": ("one_period", "month"),
        "business_yearly": ("unlimited", "month"),
    }


async def test_a_new_account_tells_the_product_and_lets_its_customers_manage_their_plans(
    stage: Stage,
) -> None:
    [endpoint] = (await stage.v1.webhook_endpoints.list_async()).data
    [configuration] = (await stage.v1.billing_portal.configurations.list_async()).data

    assert (endpoint.url, endpoint.enabled_events) == (HOOK, ["*"])
    assert endpoint.api_version == stripe.api_version
    assert configuration.is_default is True
    assert configuration.features.subscription_update.enabled is True


async def test_the_endpoint_follows_the_product_to_another_port_and_secret(tmp_path: Path) -> None:
    for port, secret in ((8080, SECRET), (9000, "whsec_another")):
        place = at_site(
            f"http://127.0.0.1:{port}/", tmp_path, secret_key=KEY, webhook_secrets=f"{secret}, old"
        )
        emulator = await Emulator(place, network=Listener()).open()
        stage = Stage.of(emulator)
        [endpoint] = (await stage.v1.webhook_endpoints.list_async()).data
        session = await stage.session()
        kept = await stage.control.act(lambda tx: tx.the("webhook_endpoint", endpoint.id)["_"])  # noqa: B023

        assert endpoint.url == f"http://127.0.0.1:{port}/api/webhooks/stripe"
        assert kept == {"secret": secret}
        assert session.url.startswith(f"http://127.0.0.1:{port}/emulator/checkout/")
        await emulator.close()


async def test_an_account_without_a_product_tells_nobody() -> None:
    emulator = await Emulator(Place(KEY, SECRET)).open()

    found = await emulator.client().v1.webhook_endpoints.list_async()

    assert found.data == []
    await emulator.close()


@pytest.mark.parametrize(
    ("key", "is_emulated"),
    [
        (None, True),
        ("", True),
        ("sk_test_emulated_0123", True),
        ("sk_test_51Habc", False),
        ("sk_live_51Habc", False),
        ("rk_live_51Habc", False),
    ],
)
def test_stripe_is_emulated_unless_the_caller_brings_a_key(
    key: str | None, is_emulated: bool
) -> None:
    assert emulates_stripe({} if key is None else {"STRIPE_SECRET_KEY": key}) is is_emulated


def test_a_key_that_was_made_here_is_the_emulators(tmp_path: Path) -> None:
    assert emulates_stripe(own_secrets(tmp_path)) is True
