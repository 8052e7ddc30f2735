"""Billing under test, with a Stripe of its own in the same process."""

from collections.abc import AsyncIterator, Callable

import pytest
from billing_parts import API_KEY, HOOK, Hook, Shop
from cryptography.fernet import Fernet
from sqlalchemy import text

from billing.service import assemble
from billing.settings import BillingSettings
from embedded.emulator.client import InProcessHTTPClient
from embedded.emulator.service import PREFIX, Emulator, Place
from shared.db import Database
from shared.service import Service
from shared.testing import ADMIN_KEY, ISSUER, ServiceUnderTest, TokenIssuer, under_test
from tests.stripe_events import WEBHOOK_SECRET


@pytest.fixture
async def issuer() -> TokenIssuer:
    return TokenIssuer()


@pytest.fixture
def hook() -> Hook:
    return Hook()


SEALING_KEY = Fernet.generate_key().decode()


@pytest.fixture
def choices() -> dict[str, object]:
    """Settings that are not the usual ones."""
    return {}


@pytest.fixture
async def emulator(hook: Hook) -> AsyncIterator[Emulator]:
    place = Place(API_KEY, WEBHOOK_SECRET, webhook_url=HOOK)
    emulator = await Emulator(place, network=hook).open()
    yield emulator
    await emulator.close()


@pytest.fixture
def billing_process(
    database_url: str, issuer: TokenIssuer, emulator: Emulator, choices: dict[str, object]
) -> Callable[[], Service]:
    """What makes another process of billing, on the same database."""
    settings = BillingSettings(
        site_url=ISSUER,
        jwks_url="http://test/none",
        admin_api_key=ADMIN_KEY,
        database_url=database_url,
        sealing_key=SEALING_KEY,
        stripe_secret_key=API_KEY,
        stripe_webhook_secret=f"whsec_old, {WEBHOOK_SECRET}",
        stripe_api_base=f"{emulator.place.origin}{PREFIX}/stripe",
        **choices,
    )
    return lambda: assemble(
        settings,
        database=Database(database_url, source="billing"),
        to_stripe=InProcessHTTPClient(emulator.app()),
        verifier=issuer.verifier(),
        patience_s=0,
    )


@pytest.fixture
async def billing(
    billing_process: Callable[[], Service], hook: Hook
) -> AsyncIterator[ServiceUnderTest]:
    async with under_test(billing_process()) as running:
        hook.client = running.client
        await put_off_chores(running)
        yield running


async def put_off_chores(billing: ServiceUnderTest) -> None:
    """Leave the catalogue and the comparison with Stripe to the tests that are about them."""
    async with billing.database.transaction() as tx:
        await tx.execute(text("UPDATE chores SET due_at = now() + interval '1 day'"))


@pytest.fixture
async def shop(billing: ServiceUnderTest, emulator: Emulator, issuer: TokenIssuer) -> Shop:
    """Billing with the standard catalogue, and no other's, and everybody who buys there."""
    async with billing.database.transaction() as tx:
        await tx.execute(text("TRUNCATE products, prices, payment_links"))
    shop = Shop(billing, emulator, issuer)
    await shop.sync()
    return shop
