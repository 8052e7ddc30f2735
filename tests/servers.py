"""The servers of a test run: from Docker where an engine answers, else private local processes.

A part the machine lacks skips its tests and says why; with CI=true it is a failure instead.
"""

import asyncio
import gc
import os
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from distributed.nginx import NginxMissing, find_nginx
from distributed.rabbitmq import PrivateRabbitMQ
from distributed.rabbitmq_install import RabbitMQMissing, install_if_missing
from distributed.rabbitmq_install import find_bin_dir as find_rabbitmq
from embedded.postgres import EmbeddedPostgres
from embedded.postgres_install import PostgresMissing
from embedded.postgres_install import find_bin_dir as find_postgres
from tests.folders import temporary_folder

if TYPE_CHECKING:
    from testcontainers.community.rabbitmq import RabbitMqContainer

POSTGRES_IMAGE = "postgres:17"
RABBITMQ_IMAGE = "rabbitmq:4-management"
# A test's data need not survive the machine; commits are several times as fast this way.
POSTGRES_SETTINGS = {"max_connections": "200", "fsync": "off"}

HANG_UP = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = :name AND usename = current_user
"""


class PostgresServer:
    """A PostgreSQL for the whole run, with a fresh database for whoever asks."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = make_url(admin_url)

    async def create_database(self, *, template: str | None = None) -> str:
        """Create a database, empty or a copy of that of the template's url, and return its url."""
        name = f"test_{uuid4().hex}"
        copied = f" TEMPLATE {make_url(template).database}" if template else ""
        await self._run(f"CREATE DATABASE {name}{copied}")
        return self._admin_url.set(database=name).render_as_string(hide_password=False)

    async def drop_database(self, url: str) -> None:
        """Drop a database, also if somebody is still connected.

        WITH (FORCE) is refused while the server itself cleans up there: only a superuser may end that.
        """
        name = make_url(url).database
        await self._run(HANG_UP, name=name)
        await self._run(f"DROP DATABASE {name}")

    async def _run(self, statement: str, **values: str | None) -> None:
        engine = create_async_engine(
            self._admin_url, isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        async with engine.connect() as connection:
            await connection.execute(text(statement), values)


class RabbitMQServer:
    """A RabbitMQ for the whole run, with a fresh virtual host for whoever asks."""

    def __init__(self, url: str, rabbitmqctl: Callable[..., Awaitable[str]]) -> None:
        self._url = url
        self.rabbitmqctl = rabbitmqctl

    async def create_vhost(self) -> str:
        """Create an empty virtual host and return its url."""
        name = f"test_{uuid4().hex}"
        await self.rabbitmqctl("add_vhost", name)
        user = str(urlsplit(self._url).username)
        await self.rabbitmqctl("set_permissions", "-p", name, user, ".*", ".*", ".*")
        return self._url + name

    async def delete_vhost(self, url: str) -> None:
        """Delete a virtual host with all that is in it."""
        await self.rabbitmqctl("delete_vhost", url.removeprefix(self._url))


@asynccontextmanager
async def postgres_server() -> AsyncIterator[PostgresServer]:
    """Run the PostgreSQL of a test session."""
    if not docker_answers():
        with needed(PostgresMissing):
            find_postgres(None)
    run = _postgres_in_docker if docker_answers() else _postgres_here
    async with run() as url:
        yield PostgresServer(url)


@asynccontextmanager
async def rabbitmq_server() -> AsyncIterator[RabbitMQServer]:
    """Run the RabbitMQ of a test session."""
    if not docker_answers():
        need_rabbitmq()
    run = _rabbitmq_in_docker if docker_answers() else _rabbitmq_here
    async with run() as server:
        yield server


def need_rabbitmq() -> None:
    """Go on only with RabbitMQ on this machine, installed first where that is allowed."""
    with needed(RabbitMQMissing):
        install_if_missing()
        find_rabbitmq()


def need_nginx() -> None:
    """Go on only with nginx on this machine, installed first where that is allowed."""
    with needed(NginxMissing):
        find_nginx()


@cache
def docker_answers() -> bool:
    """Tell whether a container engine is at our service."""
    # Their import takes a second, which a run without servers need not pay.
    from docker.errors import DockerException  # type: ignore[import-untyped]  # noqa: PLC0415
    from testcontainers.core.docker_client import DockerClient  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # a client without engine leaves a socket
        try:
            return bool(DockerClient().client.ping())
        except DockerException:
            return False
        finally:
            gc.collect()


@contextmanager
def needed(missing: type[Exception]) -> Iterator[None]:
    """Skip the test where a part is missing, and say why; with CI=true it fails."""
    try:
        yield
    except missing as reason:
        if _is_ci():
            raise
        pytest.skip(str(reason))


def _is_ci() -> bool:
    return os.getenv("CI") == "true"


@asynccontextmanager
async def _postgres_here() -> AsyncIterator[str]:
    with temporary_folder("postgres") as folder:
        postgres = EmbeddedPostgres(folder, settings=POSTGRES_SETTINGS)
        await postgres.start()
        try:
            yield postgres.url("postgres")
        finally:
            await postgres.stop()


@asynccontextmanager
async def _postgres_in_docker() -> AsyncIterator[str]:
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415

    options = [f"-c{name}={value}" for name, value in POSTGRES_SETTINGS.items()]
    container = PostgresContainer(POSTGRES_IMAGE, driver="asyncpg")
    container.with_command(["postgres", *options])
    try:
        await asyncio.to_thread(container.start)
        yield container.get_connection_url()
    finally:
        await asyncio.to_thread(container.stop)


@asynccontextmanager
async def _rabbitmq_here() -> AsyncIterator[RabbitMQServer]:
    with temporary_folder("rabbitmq") as folder:
        rabbitmq = PrivateRabbitMQ(folder)
        await rabbitmq.start()
        try:
            yield RabbitMQServer(rabbitmq.url, rabbitmq.rabbitmqctl)
        finally:
            await rabbitmq.stop()


@asynccontextmanager
async def _rabbitmq_in_docker() -> AsyncIterator[RabbitMQServer]:
    container = _rabbitmq_container()

    async def rabbitmqctl(*arguments: str) -> str:
        done = await asyncio.to_thread(container.exec, ["rabbitmqctl", "--quiet", *arguments])
        assert done.exit_code == 0, done.output.decode()
        return done.output.decode()

    try:
        await asyncio.to_thread(container.start)
        place = f"{container.get_container_host_ip()}:{container.get_exposed_port(container.port)}"
        url = f"amqp://{container.username}:{container.password}@{place}/"
        yield RabbitMQServer(url, rabbitmqctl)
    finally:
        await asyncio.to_thread(container.stop)


def _rabbitmq_container() -> "RabbitMqContainer":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own business, and at import
        from testcontainers.community.rabbitmq import RabbitMqContainer  # noqa: PLC0415

    return RabbitMqContainer(RABBITMQ_IMAGE)
