"""POST /api/tasks: how many tasks one tasks process accepts a second.

A request carries an access token and an Idempotency-Key, as those of the web page do: the token is verified, the
hint of the user's credits is checked under the user's turn, task, story, stream and `task.created` are written.
Measured once more without the key, which costs two statements. Users and credits were told by events before.
"""

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from benchmarks.load import Outcome, fire, request
from benchmarks.observed import processor_time, profiled
from benchmarks.rest import outbox_is_empty, until
from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import Running, Site, Stage
from shared.clock import Ids
from shared.contracts.credits import Balance, CreditsGranted
from shared.db import Database
from shared.run import open_bus

PATH = "/api/tasks"
DESCRIPTION = "Summarise what was said about our product this week, with links."
CONNECTIONS = 32
WARM_UP = 0.1
USERS = 2_000
FUNDS = 1_000_000
TOKEN_S = 3_600


@asynccontextmanager
async def asking(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure how fast tasks are accepted."""
    site = await stage.site("asking")
    users = [Ids().new() for _ in range(min(USERS, effort.requests))]
    async with site.running("tasks"):
        await fund(site, users)

    async def once() -> Samples:
        tokens = tokens_of(site, users)
        async with site.running("tasks") as tasks:
            await _fired(tasks, tokens, effort, seconds=effort.seconds * WARM_UP)
            await outbox_is_empty(site, "tasks")
            with processor_time(tasks.pid) as spent:
                async with profiled(tasks.pid, "asking", effort.profiles):
                    keyed = await _fired(tasks, tokens, effort, seconds=effort.seconds)
            await outbox_is_empty(site, "tasks")
            plain = await _fired(tasks, tokens, effort, seconds=effort.seconds, is_keyed=False)
            await outbox_is_empty(site, "tasks")
        return {
            "asking/rate": keyed.rate,
            "asking/cpu_us": spent.seconds / keyed.count * 1e6,
            "asking/p99_ms": keyed.p99_ms,
            "asking/plain/rate": plain.rate,
        }

    yield once


def tokens_of(site: Site, users: Sequence[UUID]) -> list[str]:
    """Return an access token of each user."""
    return [site.issuer.token(user, exp=_in_an_hour()) for user in users]


def ask(token: str, *, key: str | None) -> bytes:
    """Return a request for work."""
    body = json.dumps({"description": DESCRIPTION, "agent_type": "general"}).encode()
    headers = {"authorization": f"Bearer {token}", "content_type": "application/json"}
    return request("POST", PATH, body, **headers, **({"idempotency_key": key} if key else {}))


async def fund(site: Site, users: Sequence[UUID]) -> None:
    """Tell tasks of these users' credits, as billing does; return when it knows."""
    bus, database = open_bus(site.bus_url), Database(site.databases["tasks"], source="billing")
    balance = Balance(balance=FUNDS, reserved=0, available=FUNDS, version=1)
    grants = [
        CreditsGranted(
            user_id=user, transaction_id=user, amount=FUNDS, kind="admin_grant", balance=balance
        )
        for user in users
    ]
    try:
        await bus.publish([database.envelope(grant, None).to_message() for grant in grants])
        known = "SELECT count(*) = $1 FROM balance_hints"
        await until(site, "tasks", known, len(users))
    finally:
        await bus.close()
        await database.close()


async def _fired(
    tasks: Running,
    tokens: Sequence[str],
    effort: Effort,
    *,
    seconds: float,
    is_keyed: bool = True,
) -> Outcome:
    requests = [
        ask(tokens[place % len(tokens)], key=uuid4().hex if is_keyed else None)
        for place in range(effort.requests)
    ]
    outcome = await fire(tasks.port, requests, connections=CONNECTIONS, seconds=seconds)
    return outcome.expect(201)


def _in_an_hour() -> int:
    return int(time.time()) + TOKEN_S
