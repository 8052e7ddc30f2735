"""Billing under test."""

from collections.abc import AsyncIterator

import pytest

from billing.service import build
from billing.settings import BillingSettings
from shared.testing import ADMIN_KEY, ISSUER, ServiceUnderTest, TokenIssuer, under_test
from shared.tokens import Verifier
from tests.stripe_events import WEBHOOK_SECRET


@pytest.fixture
async def issuer() -> TokenIssuer:
    return TokenIssuer()


@pytest.fixture
async def billing(database_url: str, issuer: TokenIssuer) -> AsyncIterator[ServiceUnderTest]:
    settings = BillingSettings(
        site_url=ISSUER,
        jwks_url="http://test/none",
        admin_api_key=ADMIN_KEY,
        database_url=database_url,
        stripe_secret_key="sk_test_x",
        stripe_webhook_secret=f"whsec_old, {WEBHOOK_SECRET}",
    )
    service = build(settings)
    service.resources[Verifier] = issuer.verifier()
    async with under_test(service) as running:
        yield running
