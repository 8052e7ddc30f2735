"""What is too much, too often, or too slow."""

import asyncio
from time import monotonic

import pytest

from tests.gateway.origins import Origin

LOGIN = {"email": "nobody@example.com", "password": "a guess"}
ENOUGH_WRITES = 200
ENOUGH_LOGINS = 80
ENOUGH = 900


async def post_all(http, path, times, **options):
    return await asyncio.gather(*(http.post(path, **options) for _ in range(times)))


def refused(answers):
    return [answer for answer in answers if answer.status_code == 429]


async def test_who_tries_to_enter_too_often_is_held_back(origin: Origin):
    async with origin.client() as http, origin.client() as other:
        answers = await post_all(http, "/api/auth/password/forgot", ENOUGH_LOGINS, json={})
        neighbour = await other.post("/api/auth/password/forgot", json={})
        renewal = await http.post("/api/auth/refresh")

    assert refused(answers)
    assert len(answers) - len(refused(answers)) > 30
    for answer in refused(answers):
        assert answer.json() == {
            "type": "about:blank",
            "title": "Too Many Requests",
            "status": 429,
            "code": "too_many_requests",
            "detail": "Too many requests; wait a little.",
        }
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-correlation-id"]
    assert neighbour.status_code == 422
    assert renewal.status_code == 401


async def test_who_writes_too_often_is_held_back_and_may_read(origin: Origin):
    async with origin.client() as http:
        answers = await post_all(http, "/api/tasks", ENOUGH_WRITES, json={})
        read = await http.get("/api/tasks")

    assert refused(answers)
    assert len(answers) - len(refused(answers)) > 50
    assert read.status_code == 401


async def test_what_stripe_tells_is_never_held_back_by_that(origin: Origin):
    async with origin.client() as http:
        answers = [
            *await post_all(http, "/api/webhooks/stripe", ENOUGH_WRITES // 2, content=b"{}"),
            *await post_all(http, "/api/stripe/webhook", ENOUGH_WRITES // 2, content=b"{}"),
        ]

    assert {answer.status_code for answer in answers} == {400}


async def test_who_asks_too_often_is_held_back(origin: Origin):
    """All in one go, on one connection: nobody asks faster."""
    request = b"GET /favicon.svg HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.19.0.1\r\n\r\n"
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    answers = await origin.exchange(request * ENOUGH + last)

    assert answers.count(b"HTTP/1.1 200 ") > 400
    assert answers.count(b"HTTP/1.1 429 ") > 0
    assert answers.count(b"HTTP/1.1 ") == ENOUGH + 1


@pytest.mark.parametrize(
    ("addresses", "are_one"),
    [
        (("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), True),
        (("2001:db8:7::1", "2001:db8:7:0:1:2:3:4"), True),
        (("2001:db8:1:3::1", "2001:db8:1:4::1"), False),
        (("192.0.2.1", "192.0.2.2"), False),
        (("192.0.2.3", "::ffff:192.0.2.3"), True),
        (("::ffff:192.0.2.4", "::ffff:192.0.2.5"), False),
    ],
)
async def test_a_client_is_a_host_or_the_network_of_a_subscriber(
    origin: Origin, addresses, are_one
):
    path = "/api/auth/password/forgot"
    async with origin.client(addresses[0]) as http, origin.client(addresses[1]) as other:
        assert refused(await post_all(http, path, ENOUGH_LOGINS, json={}))
        answers = await post_all(other, path, 20, json={})

    assert bool(refused(answers)) is are_one


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/api/auth/login", 1024 * 1024, 422),
        ("/api/auth/login", 1024 * 1024 + 1, 413),
        ("/api/webhooks/stripe", 256 * 1024, 400),
        ("/api/webhooks/stripe", 256 * 1024 + 1, 413),
        ("/api/stripe/webhook", 256 * 1024 + 1, 413),
        ("/api/admin/runs/task_1/files", 2 * 1024 * 1024, 401),
    ],
)
async def test_a_body_may_be_as_large_as_its_route_takes(http, path, size, status):
    answer = await http.post(path, content=b"x" * size)

    assert answer.status_code == status
    if status == 413:
        assert answer.json()["code"] == "too_large"


async def test_a_body_whose_size_is_not_told_is_measured(http):
    async def pieces():
        for _ in range(40):
            yield b"x" * 32 * 1024

    answer = await http.post("/api/auth/login", content=pieces())

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_is_hardly_http_is_refused_in_form(origin: Origin, request_):
    answer = await origin.exchange(request_)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"bad_request"' in answer
    assert b"application/problem+json" in answer.lower()


async def test_who_is_too_slow_is_not_waited_for(origin: Origin):
    """A head that does not end, one that never begins, and a body that stops in the middle."""
    heads = [b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", b""]
    body = (
        b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b'Content-Length: 1000\r\n\r\n{"email": '
    )
    began = monotonic()

    answers = await asyncio.gather(*(origin.exchange(each) for each in (*heads, body)))

    assert monotonic() - began < 60, "the exchange itself gives up then"
    assert answers[:2] == [b"", b""]
    assert answers[2] == b"" or answers[2].startswith(b"HTTP/1.1 408 ")


async def test_who_is_slow_but_goes_on_is_served(origin: Origin):
    reader, writer = await origin.connect()
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    for piece in (head[:30], head[30:], b"{", b"}"):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.3)  # this is what slow means

    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 422 ")


async def test_a_stream_arrives_as_it_is_written(origin: Origin):
    alice = await origin.product.funded(1000)
    async with (
        origin.client(authorization=f"Bearer {alice.token}") as http,
        http.stream("GET", "/api/events") as answer,
    ):
        assert answer.status_code == 200
        lines = answer.aiter_lines()
        assert await anext(lines) == "event: hello"
        await origin.product.ask(alice)
        assert "event: task" in [await anext(lines) for _ in range(8)]
