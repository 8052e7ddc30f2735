"""Tasks under test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tasks_parts import Customer, TasksUnderTest, opened

from shared.testing import TokenIssuer


@pytest.fixture(scope="module")
def issuer() -> TokenIssuer:
    return TokenIssuer()


@pytest.fixture(scope="module")
async def tasks(
    database_url: str, issuer: TokenIssuer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TasksUnderTest]:
    blobs: Path = tmp_path_factory.mktemp("blobs")
    async with opened(database_url, issuer, blobs) as running:
        yield running


@pytest.fixture(scope="module")
async def replica(
    tasks: TasksUnderTest, database_url: str, issuer: TokenIssuer, tmp_path_factory
) -> AsyncIterator[TasksUnderTest]:
    """A second process of the same service, on the same database."""
    async with opened(database_url, issuer, tmp_path_factory.mktemp("others")) as running:
        yield running


@pytest.fixture
async def customer(tasks: TasksUnderTest) -> Customer:
    """Somebody with 1,000 credits."""
    return await tasks.customer(with_credits=1000)
