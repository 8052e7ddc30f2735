"""The fixtures which every test of the repository can ask for; a server starts when one does."""

import os
from collections.abc import AsyncIterator

import hypothesis
import pytest

from shared import logs
from tests.servers import PostgresServer, RabbitMQServer, postgres_server, rabbitmq_server

SLOW = ("tests/simulation/", "tests/system/", "tests/flows/", "tests/conformance/", "benchmarks/")


def pytest_configure() -> None:
    """Log as production does: without it a traceback shows local variables, and takes seconds."""
    logs.configure(level="INFO", is_json=True)
    hypothesis.settings.register_profile("ci", derandomize=True)  # the same cases on every run
    if os.environ.get("CI") == "true":
        hypothesis.settings.load_profile("ci")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run what shares something dear, where several work; and begin with what takes minutes."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_shared_by(item)))
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))


def _shared_by(item: pytest.Item) -> str:
    """Name what a test shares with others: a way of running the product, the simulation, a module's database."""
    way = getattr(item, "callspec", None)
    if way is not None and "module" in way.params:
        return f"the {way.params['module']} product"
    file = item.nodeid.partition("::")[0]
    return "the simulation" if file.startswith("tests/simulation/") else file


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
