"""Bytes that are hardly HTTP: refused or understood in one way, and never a failure of ours."""

import asyncio
from urllib.parse import urlsplit

import pytest

from shared.testing import eventually
from tests.security.product import Person, Product

JSON = b"Content-Type: application/json"
REFUSED = b"HTTP/1.1 400 "
SECOND = b"0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def post(*headers: bytes, body: bytes = b"{}", path: bytes = b"/api/auth/login") -> bytes:
    return b"\r\n".join([b"POST " + path + b" HTTP/1.1", b"Host: x", JSON, *headers, b"", body])


def get(*headers: bytes, path: bytes = b"/health/live") -> bytes:
    return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: x", *headers, b"", b""])


async def exchange(product: Product, request: bytes) -> bytes:
    """Send bytes and return all that comes back until the server waits for more, or closes."""
    at = urlsplit(product.origin)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        writer.write(request + get(b"Connection: close"))
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


@pytest.mark.parametrize(
    "request_",
    [
        post(b"Content-Length: 4", b"Transfer-Encoding: chunked", body=SECOND),
        post(b"Transfer-Encoding: chunked, identity", body=SECOND),
        post(b"Transfer-Encoding: xchunked", body=SECOND),
        post(b"Transfer-Encoding : chunked", body=SECOND),
        post(b"Content-Length: 2", b"Content-Length: 3"),
        post(b"Content-Length: +2"),
        post(b"Content-Length: -2"),
        post(b"Content-Length: 99999999999999999999"),
        post(b"Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n0\r\n\r\n"),
        get(b"X-Correlation-Id: a\rSet-Cookie: a=b"),
        get(b"X-Correlation-Id: a\nSet-Cookie: a=b"),
        get(b"X-Correlation-Id: a\x00b"),
        get(b"X-Correlation-Id: a", b" folded: b"),
        get(b"X-Correlation-Id : a"),
        get(path=b"/api/tasks?q=\xff"),
        get(path=b"/api/tasks/\xff"),
        get(path=b"/api/tasks HTTP/9.9\r\nX: "),
    ],
    ids=lambda request: repr(request[:110]),
)
async def test_what_two_servers_could_read_differently_is_refused(
    product: Product, request_: bytes
):
    """One request stays one: what a gateway let pass is not a second request to us."""
    answer = await exchange(product, request_)

    assert answer.startswith(REFUSED)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"set-cookie: a" not in answer.lower()


@pytest.mark.parametrize(
    "request_",
    [
        get(*(b"X-%d: a" % number for number in range(5_000))),
        get(path=b"/health/live?" + b"a" * 200_000),
        get(b"Host: ["),
        get(path=b"http://evil.example/health/live"),
        get(path=b"/api/tasks/%ff%00%0d%0aSet-Cookie:%20a=b"),
        get(b"Authorization: Bearer \xff\x80", path=b"/api/user"),
        get(b"Authorization: Bearer", b"Authorization: Bearer", path=b"/api/user"),
        get(b"X-Forwarded-For: [::1, %eth0, \xff", b"X-Forwarded-Proto: \xff"),
        get(b"X-Admin-Key: \xff\xfe", path=b"/api/admin/users"),
        get(b"X-Admin-Key: " + b"a" * 60_000, path=b"/api/admin/users"),
        get(b"X-Admin-Key:", path=b"/api/admin/users"),
        get(b"Connection: Upgrade", b"Upgrade: websocket", path=b"/api/events"),
        get(b"Cookie: refresh_token=\xff; refresh_token=b; =;;", path=b"/api/user"),
        post(b"Content-Length: 2", b"Expect: 100-continue"),
        post(b"Content-Length: 2", b"Content-Encoding: gzip"),
        post(b"Content-Length: 2", b"Content-Type: application/json; charset=\xff"),
        post(b"Content-Length: 6", body=b'{"\xff":1}'[:6]),
        post(b"Content-Length: 40000", body=b"[" * 40_000),
        post(b"Content-Length: 10000", body=b"1" * 10_000),
        post(b"Content-Length: 4", body=b"1e99"),
        post(b"Content-Length: 3", body=b"NaN"),
        post(b"Content-Length: 0", b"Origin: http://[", path=b"/api/auth/refresh", body=b""),
        post(b"Content-Length: 0", b"Origin: http://x:99999999", path=b"/api/auth/refresh", body=b""),
        post(b"Content-Length: 0", b"Cookie: refresh_token=%00", path=b"/api/auth/logout", body=b""),
        b"G\xffT / HTTP/1.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT evil.example:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=lambda request: repr(request[:90]),
)  # fmt: skip
async def test_what_is_strange_is_answered_and_the_next_request_too(
    product: Product, request_: bytes
):
    answer = await exchange(product, request_)

    assert answer.startswith(b"HTTP/1.1 ")
    assert b"HTTP/1.1 5" not in answer
    assert b"set-cookie: a" not in answer.lower()
    assert (await product.http.get("/health/live")).status_code == 200


async def test_a_head_that_does_not_end_is_refused(product: Product):
    answer = await exchange(product, get(b"X-A: " + b"a" * 1_000_000))

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert (await product.http.get("/health/live")).status_code == 200


async def test_requests_that_are_never_finished_hold_nothing_of_the_databases(product: Product):
    """A hundred callers who stop in the middle of a body leave the product as it was."""
    at = urlsplit(product.origin)
    halves = [await asyncio.open_connection(at.hostname, at.port) for _ in range(100)]
    for _, writer in halves:
        writer.write(post(b"Content-Length: 1000", body=b'{"email": '))

    answers = [await product.http.get("/health/ready") for _ in range(5)]

    for _, writer in halves:
        writer.close()
    assert [answer.status_code for answer in answers] == [200] * 5


async def test_streams_that_are_never_read_hold_nothing_of_the_databases(
    product: Product, alice: Person
):
    at = urlsplit(product.origin)
    bearer = f"Authorization: Bearer {alice.token}".encode()
    silent = [await asyncio.open_connection(at.hostname, at.port) for _ in range(50)]
    for _, writer in silent:
        writer.write(get(bearer, path=b"/api/events"))

    task_id = await product.ask(alice)
    await product.task_is(alice, task_id, "completed")

    for _, writer in silent:
        writer.close()
    checked_out = product.services["tasks"].database.engine.pool.checkedout

    async def are_free() -> bool:
        return checked_out() <= 1

    await eventually(are_free, what="free connections")
