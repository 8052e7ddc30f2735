"""The fixtures of the gateway's tests: each runs before both."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.folders import temporary_folder
from tests.gateway.origins import Origin, behind_nginx, embedded
from tests.servers import PostgresServer

WAYS = {"embedded": embedded, "nginx": behind_nginx}


@pytest.fixture(scope="package", params=WAYS)
async def origin(request: pytest.FixtureRequest, postgres: PostgresServer) -> AsyncIterator[Origin]:
    """The product's one origin."""
    with temporary_folder("gateway") as folder:
        async with WAYS[request.param](postgres, folder) as started:
            yield started


@pytest.fixture
async def http(origin: Origin) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who was not here before."""
    async with origin.client() as client:
        yield client
