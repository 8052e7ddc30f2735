"""The fixtures which every test of the repository can ask for; a server starts when one does."""

import os
from collections.abc import AsyncIterator

import hypothesis
import pytest

from shared import logs
from tests.servers import PostgresServer, RabbitMQServer, postgres_server, rabbitmq_server


def pytest_configure() -> None:
    """Log as production does: without it a traceback shows local variables, and takes seconds."""
    logs.configure(level="INFO", is_json=True)
    hypothesis.settings.register_profile("ci", derandomize=True)  # the same cases on every run
    if os.environ.get("CI") == "true":
        hypothesis.settings.load_profile("ci")


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
