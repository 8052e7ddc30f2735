"""The load: HTTP requests prepared beforehand, sent by a process of its own over keep-alive connections.

    outcome = await fire(port, requests, connections=32)              # as fast as answers come back
    outcome = await fire(port, requests, connections=64, rate=1500)   # at a steady rate

At a steady rate a request's latency counts from the moment it was due, so that a server which makes its
clients wait cannot hide it.
"""

import asyncio
import json
import pickle
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from typing_extensions import override

LOCALHOST = "127.0.0.1"
LOAD_S_MAX = 120


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a load: how many were answered in how long, how, and after which latencies."""

    count: int
    seconds: float
    statuses: dict[str, int]
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    def expect(self, status: int) -> "Outcome":
        """Return this outcome; raise unless every answer had this status."""
        if set(self.statuses) != {str(status)}:
            raise RuntimeError(f"answers were {self.statuses}, not all {status}")
        return self


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of a request; a name's underscores become hyphens."""
    named = {"host": LOCALHOST, "content-length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body


async def fire(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    rate: float | None = None,
) -> Outcome:
    """Send the requests, for so long or until all are sent, from a process of its own; return what came of them."""
    with tempfile.NamedTemporaryFile(prefix="impacter-load-") as file:
        plan = {"requests": requests, "rate": rate, "seconds": seconds}
        pickle.dump((port, connections, plan), file)
        file.flush()
        sender = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.load", file.name),
            cwd=Path(__file__).parents[1],
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(LOAD_S_MAX):
                said, _ = await sender.communicate()
        finally:
            if sender.returncode is None:
                sender.kill()
    return Outcome(**json.loads(said))


class _Sender:
    """Sends requests in their order, each over a connection that is free."""

    def __init__(self, requests: Sequence[bytes], *, rate: float | None, seconds: float) -> None:
        self._requests = iter(requests)
        self._rate = rate
        self._seconds = seconds
        self._until = float("inf")
        self._free: list[_Connection] = []
        self._due: deque[tuple[bytes, float]] = deque()
        self._open = 0
        self._is_sent = False
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.ended = asyncio.Event()

    async def run(self, port: int, connections: int) -> float:
        """Send everything and return how many seconds it took."""
        loop = asyncio.get_running_loop()
        opened = [
            (await loop.create_connection(lambda: _Connection(self), LOCALHOST, port))[1]
            for _ in range(connections)
        ]
        began_at = time.perf_counter()
        self._until = began_at + self._seconds
        if self._rate is None:
            for connection in opened:
                self.go_on(connection)
        else:
            self._free = list(opened)
            await self._pace(began_at, self._rate)
        await self.ended.wait()
        return time.perf_counter() - began_at

    def go_on(self, connection: "_Connection") -> None:
        """Give a free connection the next request, if one is due."""
        if self._rate is None:
            self._send(connection, self._following(), time.perf_counter())
        elif self._due:
            self._send(connection, *self._due.popleft())
        else:
            self._free.append(connection)
            self._end_if_done()

    def note(self, status: str, latency_s: float) -> None:
        """Remember an answer."""
        self.statuses[status] += 1
        self.latencies.append(latency_s)
        self._open -= 1

    def _following(self) -> bytes | None:
        is_over = time.perf_counter() >= self._until
        return None if is_over else next(self._requests, None)

    def _send(self, connection: "_Connection", content: bytes | None, since: float) -> None:
        if content is None:
            self._is_sent = True
            self._end_if_done()
        else:
            self._open += 1
            connection.send(content, since)

    async def _pace(self, began_at: float, rate: float) -> None:
        place = 0
        while (content := self._following()) is not None:
            due_at = began_at + place / rate
            while (early_s := due_at - time.perf_counter()) > 0:
                await asyncio.sleep(early_s)
            if self._free:
                self._send(self._free.pop(), content, due_at)
            else:
                self._due.append((content, due_at))
            place += 1
        self._is_sent = True
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self._is_sent and not self._open and not self._due:
            self.ended.set()


class _Connection(asyncio.Protocol):
    """One keep-alive connection: a request, its answer, the next."""

    def __init__(self, sender: _Sender) -> None:
        self._sender = sender
        self._received = b""
        self._since = 0.0

    @override
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self, content: bytes, since: float) -> None:
        """Send a request that was due at `since`."""
        self._since = since
        self._transport.write(content)

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or len(self._received) < end + 4 + _length(self._received[:end]):
            return
        status = self._received[9:12].decode()
        self._received = b""
        self._sender.note(status, time.perf_counter() - self._since)
        self._sender.go_on(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self._sender.ended.is_set():
            sys.exit("the server closed a connection in the middle of the load")


def _length(head: bytes) -> int:
    place = head.lower().find(b"content-length:")
    return int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value that this part of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


async def _main(port: int, connections: int, plan: dict[str, Any]) -> None:
    sender = _Sender(**plan)
    seconds = await sender.run(port, connections)
    outcome = {
        "count": len(sender.latencies),
        "seconds": seconds,
        "statuses": dict(sender.statuses),
        "p50_ms": percentile(sender.latencies, 0.5) * 1000,
        "p99_ms": percentile(sender.latencies, 0.99) * 1000,
    }
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    # The file was written by the process that started this one.
    uvloop.run(_main(*pickle.loads(Path(sys.argv[1]).read_bytes())))  # noqa: S301
