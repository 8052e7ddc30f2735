"""What buses run on, of a test's own, so that it may be killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from distributed.rabbitmq import PrivateRabbitMQ
from embedded.postgres import EmbeddedPostgres
from shared.bus import Bus
from shared.run import open_bus
from tests.servers import need_rabbitmq

PIECE_BYTES = 65_536


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


class Wire:
    """A loopback port in front of a server, which can lose its answers and hang up."""

    def __init__(self, target: Path | int) -> None:
        self._target = target
        self._answers = asyncio.Event()
        self._answers.set()
        self._ends: list[asyncio.StreamWriter] = []
        self._pumps: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen; the port goes to the block."""
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            self.hang_up()
            server.close()
            await asyncio.gather(*self._pumps, return_exceptions=True)

    def lose_answers(self) -> None:
        """Deliver what the clients say, and nothing of what the server answers."""
        self._answers.clear()

    def hang_up(self) -> None:
        """End every connection; the next ones are served in full."""
        for end in self._ends:
            end.close()
        self._ends.clear()
        self._answers.set()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._target, Path):
            far = await asyncio.open_unix_connection(self._target)
        else:
            far = await asyncio.open_connection("127.0.0.1", self._target)
        self._ends += [writer, far[1]]
        always = asyncio.Event()
        always.set()
        for source, sink, is_open in ((reader, far[1], always), (far[0], writer, self._answers)):
            pump = asyncio.create_task(_pump(source, sink, is_open))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)


async def _pump(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, is_open: asyncio.Event
) -> None:
    with suppress(OSError):
        while piece := await source.read(PIECE_BYTES):
            if is_open.is_set():
                sink.write(piece)
                await sink.drain()
    sink.close()
