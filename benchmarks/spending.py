"""POST /api/credits/spend: how many spends a second one billing process answers, on 1,000 accounts and on one.

Each has a key of its own: the token is verified, lots are used, and the posting with its hash, the usage, the answer
and the event are written. Whoever waits meanwhile shares the commit. Compared with pgbench's commits on the same
server. The credits were bought before, on the money path.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from benchmarks.asking import tokens_of
from benchmarks.load import Outcome, fire, request
from benchmarks.money import ALL_ARE_IN, CREDITS, open_accounts, pay
from benchmarks.observed import processor_time, profiled
from benchmarks.rest import outbox_is_empty, until
from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import Site, Stage

PATH = "/api/credits/spend"
CONNECTIONS = 64
ACCOUNTS = 1_000
WARM_UP = 0.1


@asynccontextmanager
async def spending(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure how fast credits are spent."""
    site = await stage.site("spending")
    async with site.running("billing"):
        users = await open_accounts(site, min(ACCOUNTS, effort.events))
        [hot] = await open_accounts(site, 1)
    await _fund(site, users, each=1 + 2 * effort.requests * effort.rounds // len(users) // CREDITS)

    async def once() -> Samples:
        await _fund(site, [hot], each=1 + 2 * effort.requests // CREDITS)
        many = await spent(site, users, effort)
        alone = await spent(site, [hot], effort)
        return {
            "spending/rate": many["rate"],
            "spending/cpu_us": many["cpu_us"],
            "spending/p99_ms": many["p99_ms"],
            "spending/hot/rate": alone["rate"],
        }

    yield once


async def spent(site: Site, users: Sequence[UUID], effort: Effort) -> Samples:
    """Spend a credit of one of these users after the other; return how fast it was."""
    tokens = tokens_of(site, users)
    async with site.running("billing") as billing:
        await _fired(billing.port, tokens, effort, seconds=effort.seconds * WARM_UP)
        with processor_time(billing.pid) as used:
            async with profiled(billing.pid, f"spending-{len(users)}", effort.profiles):
                outcome = await _fired(billing.port, tokens, effort, seconds=effort.seconds)
        await outbox_is_empty(site, "billing")
    cpu_us = used.seconds / outcome.count * 1e6
    return {"rate": outcome.rate, "cpu_us": cpu_us, "p99_ms": outcome.p99_ms}


async def _fund(site: Site, users: Sequence[UUID], *, each: int) -> None:
    """Have these users buy credits so many times, and return when they have them."""
    async with site.running("billing"):
        since = await pay(site, each * len(users), users)
        await until(site, "billing", ALL_ARE_IN, each * len(users), since)
        await outbox_is_empty(site, "billing")


async def _fired(port: int, tokens: Sequence[str], effort: Effort, *, seconds: float) -> Outcome:
    requests = [_spend(tokens[place % len(tokens)]) for place in range(effort.requests)]
    outcome = await fire(port, requests, connections=CONNECTIONS, seconds=seconds)
    return outcome.expect(201)


def _spend(token: str) -> bytes:
    body = json.dumps({"amount": 1, "reason": "A caption", "feature": "captions"}).encode()
    headers = {"authorization": f"Bearer {token}", "content_type": "application/json"}
    return request("POST", PATH, body, **headers, idempotency_key=uuid4().hex)
