"""Heads that are too large, and requests that come one after another on a connection."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from shared.patience import HEAD_BYTES_MAX, PatientProtocol
from shared.testing import eventually

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


class HastyProtocol(PatientProtocol):
    """A protocol that waits for next to nothing."""

    head_s_max = 0.02


class Server(uvicorn.Server):
    """uvicorn that leaves the signals of its process alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(0.05)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def protocol() -> type[PatientProtocol]:
    return PatientProtocol


@pytest.fixture
async def port(protocol) -> AsyncIterator[int]:
    server = Server(uvicorn.Config(app, port=0, http=protocol, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())

    async def has_started() -> bool:
        return server.started

    await eventually(has_started, what="the server")
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def exchange(port: int, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionError:
        return b""
    finally:
        writer.close()


TOO_MUCH = [b"X-A: " + b"a" * 8000 + b"\r\n"] * (HEAD_BYTES_MAX // 8000 + 2)


@pytest.mark.parametrize("pieces", [TOO_MUCH, TOO_MUCH * 10])
async def test_a_head_that_is_too_large_is_refused_and_said_so(port, pieces):
    answer = await exchange(port, GET + b"".join(pieces))

    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b'"code":"headers_too_large"' in answer


async def test_a_head_that_is_too_large_is_no_part_of_the_answer_before_it(port):
    answer = await exchange(port, GET + b"\r\n" + GET + b"".join(TOO_MUCH))

    assert b"HTTP/1.1 431" not in answer


async def test_a_large_body_is_no_large_head(port):
    body = b"x" * HEAD_BYTES_MAX * 2
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )

    assert (await exchange(port, head + body)).startswith(b"HTTP/1.1 204 ")


async def test_what_is_asked_before_it_is_answered_is_answered_in_turn(port):
    answers = await exchange(port, (GET + b"\r\n") * 3 + GET + b"Connection: close\r\n\r\n")

    assert answers.count(b"HTTP/1.1 204 ") == 4


@pytest.mark.parametrize("protocol", [HastyProtocol])
async def test_whoever_does_not_go_on_is_left(port):
    assert await exchange(port, GET) == b""
    assert await exchange(port, b"") == b""


@pytest.mark.parametrize("protocol", [HastyProtocol])
async def test_whoever_waits_for_us_is_not_left(port):
    """A third head is half there for as long as two requests are being answered."""
    answers = await exchange(port, (GET + b"\r\n") * 2 + GET)

    assert answers.count(b"HTTP/1.1 204 ") == 2
