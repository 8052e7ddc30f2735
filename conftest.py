"""The fixtures which every test of the repository can ask for; a server starts when one does."""

import gc
import os
import re
from collections.abc import AsyncIterator
from typing import Any

import hypothesis
import pytest
from typing_extensions import override
from xdist.scheduler import LoadScopeScheduling

from shared import logs
from tests.servers import PostgresServer, RabbitMQServer, postgres_server, rabbitmq_server

# What takes minutes, the longest first.
SLOW = (
    "tests/simulation/",
    "tests/system/",
    "tests/flows/",
    "tests/browser/",
    "deploy/distributed/",
)
SHARED = ("tests/simulation/", "tests/gateway/", "tests/security/")
WAY = re.compile(r"\[(embedded|distributed|compose)")


def pytest_configure() -> None:
    """Log as production does: without it a traceback shows local variables, and takes seconds."""
    logs.configure(level="INFO", is_json=True)
    hypothesis.settings.register_profile("ci", derandomize=True)  # the same cases on every run
    if os.environ.get("CI") == "true":
        hypothesis.settings.load_profile("ci")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes."""
    items.sort(key=lambda item: [not item.nodeid.startswith(folder) for folder in SLOW])


def pytest_collection_finish() -> None:
    """Leave what was made so far alone: it stays, and the collector looks through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Return how tests are dealt out where several workers run them."""
    return Together(config, log)


class Together(LoadScopeScheduling):
    """One worker runs what shares something dear: a way of running the product, a module's servers.

    It stands in for `--dist loadgroup`, which does not group under pytest 9.2 (pytest-dev/pytest-xdist#1386).
    """

    @override
    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if way := WAY.search(test) if file.startswith("tests/flows/") else None:
            return f"tests/flows, {way[1]}"
        return next((folder for folder in SHARED if file.startswith(folder)), file)


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[PostgresServer]:
    """The PostgreSQL of this run; `await postgres.create_database()` makes one more database."""
    async with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
async def rabbitmq() -> AsyncIterator[RabbitMQServer]:
    """The RabbitMQ of this run; `await rabbitmq.rabbitmqctl(...)` raises its alarms."""
    async with rabbitmq_server() as server:
        yield server


@pytest.fixture(scope="module")
async def database_url(postgres: PostgresServer) -> AsyncIterator[str]:
    """The url of a fresh PostgreSQL database, one for each test module."""
    url = await postgres.create_database()
    yield url
    await postgres.drop_database(url)


@pytest.fixture(scope="module")
async def rabbitmq_url(rabbitmq: RabbitMQServer) -> AsyncIterator[str]:
    """The url of a fresh RabbitMQ virtual host, one for each test module."""
    url = await rabbitmq.create_vhost()
    yield url
    await rabbitmq.delete_vhost(url)
