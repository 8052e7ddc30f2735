"""The product, running: once on embedded parts, once on the distributed engines; the same journeys on both.

With PRODUCT=compose they run on containers instead (`make test-compose`).
"""

import os
from collections.abc import AsyncIterator

import pytest

from tests.collector import Collector, collecting
from tests.compose.stack import Stack
from tests.flows.product import Product, running
from tests.folders import temporary_folder
from tests.servers import need_nginx, need_rabbitmq

WAYS = os.environ.get("PRODUCT", "embedded distributed").split()


@pytest.fixture(scope="package", params=WAYS)
def module(request: pytest.FixtureRequest) -> str:
    """Which way to run the product."""
    if request.param == "distributed":
        need_rabbitmq()
        need_nginx()
    return str(request.param)


@pytest.fixture(scope="package")
def containers(module: str, request: pytest.FixtureRequest) -> Stack | None:
    """The containers, where the product is to run in them."""
    return request.getfixturevalue("stack") if module == "compose" else None


@pytest.fixture(scope="package")
async def collector() -> AsyncIterator[Collector]:
    """Where the product sends its traces, unless it runs in containers."""
    async with collecting() as started:
        yield started


@pytest.fixture(scope="package")
async def product(
    module: str, containers: Stack | None, collector: Collector
) -> AsyncIterator[Product]:
    """The running product."""
    if containers is not None:
        yield containers.product
        return
    with temporary_folder("product") as folder:
        async with running(module, folder, **collector.variables) as started:
            yield started


@pytest.fixture
async def customer(product: Product):
    """Somebody signed in with 1,000 credits."""
    return await product.customer(funds=1000)
