"""The product, running: once on embedded parts, once on the distributed engines; the same journeys on both."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.product import Product, running
from tests.servers import need_nginx, need_rabbitmq


@pytest.fixture(scope="session", params=["embedded", "distributed"])
def module(request: pytest.FixtureRequest) -> str:
    """Which way to run the product."""
    if request.param == "distributed":
        need_rabbitmq()
        need_nginx()
    return str(request.param)


@pytest.fixture(scope="session")
async def product(module: str) -> AsyncIterator[Product]:
    """The running product."""
    with tempfile.TemporaryDirectory(prefix="impacter-") as folder:
        async with running(module, Path(folder)) as started:
            yield started


@pytest.fixture
async def customer(product: Product):
    """Somebody signed in with 1,000 credits."""
    return await product.customer(funds=1000)
