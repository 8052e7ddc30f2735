"""A TCP proxy of our own, which treats connections as a bad network does, and strikes at chosen moments.

    async with Proxy(lambda: 5672, amqp).listening() as port:
        proxy.reset()

A moment is known by what goes over the wire: see `tests.system.dialects`.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy import make_url

from tests.system.dialects import Dialect, Moment, Postgres, Side, Unread

PIECE_BYTES = 65_536
CONNECT_S_MAX = 5
NO_LINGER = struct.pack("ii", 1, 0)

Target = Callable[[], Path | int]


def before_database(url: str) -> "Proxy":
    """Return a proxy in front of the server of a PostgreSQL database."""
    address = make_url(url)
    folder = address.query.get("host")
    place = Path(str(folder)) / f".s.PGSQL.{address.query['port']}" if folder else address.port
    assert place is not None, "a url of a server says where it is"
    return Proxy(lambda: place, Postgres)


def through(url: str, port: int) -> str:
    """Return the url of the same database by a proxy's port."""
    address = make_url(url).set(host="127.0.0.1", port=port, query={})
    return address.render_as_string(hide_password=False)


class Strike:
    """An order to drop what goes over the wire at a moment, and to reset its connection."""

    def __init__(self, moment: Moment, *, after: int = 0) -> None:
        self.moment = moment
        self.struck = asyncio.Event()
        self._to_pass = after

    def falls(self, moments: list[Moment]) -> bool:
        """Tell whether this is the moment; it comes once, after as many others as were to pass."""
        if self.struck.is_set() or self.moment not in moments:
            return False
        if self._to_pass > 0:
            self._to_pass -= 1
            return False
        self.struck.set()
        return True


class Proxy:
    """A loopback port in front of a server (a socket's path or a port, asked for at each connection)."""

    def __init__(self, target: Target, dialect: Callable[[], Dialect] = Unread) -> None:
        self.delay_s = 0.0
        self.strikes: list[Strike] = []
        self._target = target
        self._dialect = dialect
        self._loses_answers = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._links: set[_Link] = set()
        self._joining: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        return len(self._links)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen on 127.0.0.1; the port goes to the block."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.reset()
            self._flowing.set()
            await asyncio.gather(*self._joining, return_exceptions=True)

    def move(self, target: Target) -> None:
        """Connect to another place from now on."""
        self._target = target

    def lose_answers(self) -> None:
        """Deliver what the clients say, and nothing of what the server answers, until the connections end."""
        self._loses_answers = True

    def cut(self) -> None:
        """End every connection in order, as a server does that closes; the next ones are served in full."""
        self._loses_answers = False
        for link in list(self._links):
            link.close()

    def reset(self) -> None:
        """End every connection at once, with an RST to both sides; the next ones are served in full."""
        self._loses_answers = False
        for link in list(self._links):
            link.reset()

    def hold(self) -> None:
        """Let nothing through in either direction, and say nothing about it."""
        self._flowing.clear()

    def release(self) -> None:
        """Let everything through again, also what was held."""
        self._flowing.set()

    async def pass_on(self, side: Side, writer: asyncio.StreamWriter, piece: bytes) -> None:
        """Write what a side says when the network lets it through."""
        if side is Side.SERVER and self._loses_answers:
            return
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        await self._flowing.wait()
        writer.write(piece)
        await writer.drain()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "streams run this in a task"
        self._joining.add(task)
        try:
            await self._join(reader, writer)
        finally:
            self._joining.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far = await _connect(self._target())
        except OSError:
            _reset(writer)
            return
        link = _Link(self, self._dialect(), (reader, writer), far)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One connection from a client through us to the server."""

    def __init__(self, proxy: Proxy, dialect: Dialect, near: Stream, far: Stream) -> None:
        self._proxy = proxy
        self._dialect = dialect
        self._near = near
        self._far = far

    async def run(self) -> None:
        """Pass on what both sides say until one of them ends."""
        pumps = [
            asyncio.create_task(self._pump(Side.CLIENT, self._near[0], self._far[1])),
            asyncio.create_task(self._pump(Side.SERVER, self._far[0], self._near[1])),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self.close()

    def close(self) -> None:
        for _, writer in (self._near, self._far):
            writer.close()

    def reset(self) -> None:
        for _, writer in (self._near, self._far):
            _reset(writer)

    async def _pump(
        self, side: Side, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while piece := await source.read(PIECE_BYTES):
                moments = self._dialect.moments(side, piece)
                if any(strike.falls(moments) for strike in self._proxy.strikes):
                    self.reset()
                    return
                await self._proxy.pass_on(side, sink, piece)


async def _connect(target: Path | int) -> Stream:
    async with asyncio.timeout(CONNECT_S_MAX):
        if isinstance(target, Path):
            return await asyncio.open_unix_connection(target)
        return await asyncio.open_connection("127.0.0.1", target)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that TCP sends an RST; on a socket of the file system this is a close like any other."""
    opened = writer.get_extra_info("socket")
    if opened is not None and opened.family == socket.AF_INET and not writer.transport.is_closing():
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    writer.transport.abort()
