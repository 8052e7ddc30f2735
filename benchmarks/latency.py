"""Idle latencies over RabbitMQ: from a webhook to its granted credits, from a new task to its started run.

All five services run, each its own process; requests come one at a time with pauses of changing length, so that no
poll keeps step with them. A latency begins when the request is sent and ends when PostgreSQL committed the posting
(its commit timestamp), or began the transaction that starts the run: one clock, that of this machine.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpx2

from benchmarks.asking import ask
from benchmarks.load import LOCALHOST, percentile
from benchmarks.rest import until
from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import ADMIN_KEY, Running, Site, Stage
from benchmarks.webhook import payments, sell_by_link
from embedded.defaults import SERVICES

PAUSE_S = (0.03, 0.12)
FUNDS = 1_000_000
WARM_UP = 3
GRANTED = """
    SELECT p.stripe_checkout_session_id AS name,
           extract(epoch FROM pg_xact_commit_timestamp(o.xmin))::float8 AS at
    FROM payments p JOIN postings o ON o.payment_id = p.id
"""
STARTED = "SELECT task_id::text AS name, extract(epoch FROM started_at)::float8 AS at FROM runs"
ALL_GRANTED = "SELECT NOT EXISTS (SELECT FROM payments WHERE status <> 'granted')"
ALL_OVER = (
    "SELECT NOT EXISTS (SELECT FROM runs WHERE started_at IS NULL) AND count(*) >= $1 FROM runs"
)


@dataclass(frozen=True, slots=True)
class Customer:
    """Who pays and asks."""

    user_id: str
    token: str


@asynccontextmanager
async def latency(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure both latencies."""
    site = await stage.site("latency")
    asked = 0

    async def once() -> Samples:
        nonlocal asked
        count = effort.single_requests
        async with _everything(site) as services:
            customer = await _customer(services)
            await sell_by_link(site)
            paid = await _one_by_one(services["billing"], payments_of(customer, count))
            await until(site, "billing", ALL_GRANTED)
            granted = _after(paid.sent, await _moments(site, "billing", GRANTED))
            keys = [ask(customer.token, key=uuid4().hex) for _ in range(count)]
            created = await _one_by_one(services["tasks"], keys)
            asked += count
            await until(site, "agent_runner", ALL_OVER, asked)
            started = _after(created.sent, await _moments(site, "agent_runner", STARTED))
        return {
            "latency/granted/p50_ms": percentile(granted, 0.5),
            "latency/granted/p99_ms": percentile(granted, 0.99),
            "latency/webhook_answered/p50_ms": percentile(paid.answered_ms, 0.5),
            "latency/task_answered/p50_ms": percentile(created.answered_ms, 0.5),
            "latency/started/p50_ms": percentile(started, 0.5),
            "latency/started/p99_ms": percentile(started, 0.99),
        }

    yield once


def payments_of(customer: Customer, count: int) -> list[bytes]:
    """Return requests that tell of what a signed-in customer has paid."""
    return payments(count, client_reference_id=customer.user_id)


@asynccontextmanager
async def _everything(site: Site) -> AsyncIterator[Mapping[str, Running]]:
    """Run all services; auth first, because the others fetch its keys."""
    site.settings["AUTH_BCRYPT_COST"] = "4"
    async with AsyncExitStack() as ending:
        auth = await ending.enter_async_context(site.running("auth"))
        site.settings["JWKS_URL"] = f"http://{LOCALHOST}:{auth.port}/.well-known/jwks.json"
        others = [name for name in SERVICES if name != "auth"]
        started = await asyncio.gather(
            *(ending.enter_async_context(site.running(name)) for name in others)
        )
        yield {"auth": auth, **dict(zip(others, started, strict=True))}


async def _customer(services: Mapping[str, Running]) -> Customer:
    """Sign somebody up and give them credits, over the product's own API; return when tasks knows."""
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:

        async def post(service: str, path: str, body: object, **headers: str) -> None:
            url = f"http://{LOCALHOST}:{services[service].port}{path}"
            answer = await http.post(url, json=body, headers=headers)
            answer.raise_for_status()
            said.update(answer.json())

        said: dict[str, str] = {}
        address = f"{uuid4().hex}@example.com"
        password = uuid4().hex
        await post("auth", "/api/auth/signup", {"email": address, "password": password})
        headers = {"authorization": f"Bearer {said['token']}"}
        origin = f"http://{LOCALHOST}:{services['auth'].port}"
        user_id = (await http.get(f"{origin}/api/user", headers=headers)).json()["id"]
        grant = {"user_id": user_id, "amount": FUNDS, "reason": "bench"}
        key = {"idempotency_key": uuid4().hex}
        await post("billing", "/api/credits/grant", grant | key, **{"x-admin-key": ADMIN_KEY})
        await _until_funded(http, services["auth"], headers)
    return Customer(user_id, said["token"])


async def _until_funded(
    http: httpx2.AsyncClient, auth: Running, headers: Mapping[str, str]
) -> None:
    url = f"http://{LOCALHOST}:{auth.port}/api/user"
    async with asyncio.timeout(30):
        while (await http.get(url, headers=dict(headers))).json()["credits"] < FUNDS:
            await asyncio.sleep(0.05)


@dataclass
class Sent:
    """When requests were sent, by what they made, and how long their answers took."""

    sent: dict[str, float] = field(default_factory=dict)
    answered_ms: list[float] = field(default_factory=list)


async def _one_by_one(service: Running, requests: Iterable[bytes]) -> Sent:
    """Send the requests with pauses between them."""
    reader, writer = await asyncio.open_connection(LOCALHOST, service.port)
    made = Sent()
    for content in requests:
        await asyncio.sleep(random.uniform(*PAUSE_S))  # noqa: S311 - no secret
        moment = time.time()
        writer.write(content)
        answer = await _answer(reader)
        made.answered_ms.append((time.time() - moment) * 1000)
        made.sent[_name(content, answer)] = moment
    writer.close()
    return made


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head[9:10] == b"2", head
    return await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))


def _name(content: bytes, answer: bytes) -> str:
    """Return the name of what a request made: its Checkout Session, or its task."""
    made: dict[str, str] = json.loads(answer)
    if "task_id" in made:
        return made["task_id"].removeprefix("task_")
    event = json.loads(content.partition(b"\r\n\r\n")[2])
    return str(event["data"]["object"]["id"])


async def _moments(site: Site, service: str, question: str) -> dict[str, float]:
    connection = await site.connect(service)
    try:
        rows = await connection.fetch(question)
    finally:
        await connection.close()
    return {row["name"].replace("-", ""): row["at"] for row in rows}


def _after(sent: Mapping[str, float], happened: Mapping[str, float]) -> Sequence[float]:
    """Return the latencies in milliseconds, without those of the first requests."""
    return [(happened[name] - moment) * 1000 for name, moment in sent.items()][WARM_UP:]
