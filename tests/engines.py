"""What buses run on, of a test's own, so that it may be killed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from distributed.rabbitmq import PrivateRabbitMQ
from embedded.postgres import EmbeddedPostgres
from shared.bus import Bus
from shared.run import open_bus
from tests.servers import need_rabbitmq


@dataclass
class Engine:
    """A broker or a database: the url of a bus on it, and the socket (a path or a port) where it listens."""

    server: EmbeddedPostgres | PrivateRabbitMQ
    url: str
    socket: Path | int

    def connect(self) -> Bus:
        """Open another bus on it, as another process would."""
        return open_bus(self.url)

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.server.kill()

    async def start(self) -> None:
        """Start it again on the data that it left."""
        await self.server.start()


@asynccontextmanager
async def running_engine(kind: str, folder: Path) -> AsyncIterator[Engine]:
    """Run RabbitMQ, or PostgreSQL with everything that makes a commit durable."""
    server = EmbeddedPostgres(folder) if kind == "postgres" else _rabbitmq(folder)
    await server.start()
    try:
        yield await _engine(server, folder)
    finally:
        await server.stop()


async def _engine(server: EmbeddedPostgres | PrivateRabbitMQ, folder: Path) -> Engine:
    if isinstance(server, PrivateRabbitMQ):
        port = urlsplit(server.url).port
        assert port is not None
        return Engine(server, server.url, port)
    await server.ensure_databases(["bus"])
    return Engine(server, server.url("bus"), folder / "run" / ".s.PGSQL.5432")


def _rabbitmq(folder: Path) -> PrivateRabbitMQ:
    need_rabbitmq()
    return PrivateRabbitMQ(folder)
