"""The product under attack, and who is there: two customers, and an operator by key."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.security.product import Person, Product, running
from tests.servers import PostgresServer


@pytest.fixture(scope="package")
async def product(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Product]:
    """The running product."""
    folder: Path = tmp_path_factory.mktemp("product")
    async with running(postgres, folder) as started:
        yield started


@pytest.fixture(scope="module")
async def alice(product: Product) -> Person:
    """Somebody with things of her own; signed in anew for each module, as tokens last 15 minutes."""
    return await product.funded(1000)


@pytest.fixture(scope="module")
async def bob(product: Product) -> Person:
    """Somebody else."""
    return await product.funded(1000)
