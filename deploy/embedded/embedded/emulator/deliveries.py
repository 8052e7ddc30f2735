"""Webhooks: each event to each endpoint that wants it, signed, tried again with growing pauses, given up at last.

Deliveries are rows of the same transaction as what they tell of; signatures and pauses go by the true time.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import httpx2
import stripe
import structlog

from embedded.emulator.store import Body, Tables, rows
from embedded.emulator.tx import Tx

log = structlog.get_logger()

AT_ONCE = 8
PATIENCE_S = 20
PAUSES_S = (1, 5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
SAID_MAX = 300
LEASE_S = 60
OPEN = "status IN ('pending', 'under_way')"


class Network(Protocol):
    """Posts a webhook; returns the status and the beginning of the answer, or raises what went wrong."""

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """Post these bytes."""
        ...


@dataclass(slots=True)
class Mischief:
    """What a test or a person does to the webhooks; `twice`, `drop` and `cut` count what is still to come."""

    hold: bool = False
    drop: int = 0
    cut: int = 0
    twice: bool = False


def enqueue(tx: Tx) -> int:
    """Write a delivery for each event of this transaction and each endpoint that wants it."""
    count = 0
    for event in tx.events:
        for endpoint in tx.all("webhook_endpoint", status="enabled"):
            if wants(endpoint, event["type"]):
                add(tx.tables, event["id"], endpoint["id"], tx.around.real())
                count += 1
    return count


def wants(endpoint: Body, kind: str) -> bool:
    """Tell whether an endpoint has asked for this type of event."""
    return "*" in endpoint["enabled_events"] or kind in endpoint["enabled_events"]


def add(tables: Tables, event: str, endpoint: str, due_at: float) -> None:
    """Write one delivery down, due at this true time."""
    tables.execute(
        "INSERT INTO deliveries (event, endpoint, status, due_at) VALUES (?, ?, 'pending', ?)",
        (event, endpoint, due_at),
    )


def pending_of(tables: Tables, event: str) -> int:
    """Count what of an event has not arrived yet."""
    sql = f"SELECT count(*) FROM deliveries WHERE event = ? AND {OPEN}"  # noqa: S608
    count: int = tables.execute(sql, (event,)).fetchone()[0]
    return count


def resume(tx: Tx) -> None:
    """Have what was under way when a former process ended be due now."""
    sql = "UPDATE deliveries SET status = 'pending', due_at = ? WHERE status = 'under_way'"
    tx.tables.execute(sql, (tx.around.real(),))


def recent(tables: Tables, limit: int) -> list[dict[str, Any]]:
    """Return the newest deliveries, newest first."""
    return list(
        rows(tables.execute("SELECT * FROM deliveries ORDER BY seq DESC LIMIT ?", (limit,)))
    )


@dataclass(frozen=True, slots=True)
class Parcel:
    """A delivery that is due, with all that is needed to make it."""

    seq: int
    url: str
    body: str
    secret: str
    attempts: int


class Courier:
    """Makes the deliveries that are due, several at once."""

    def __init__(
        self,
        run: Callable[[Callable[[Tx], Any]], Awaitable[Any]],
        network: Network,
        real: Callable[[], float],
        chance: random.Random,
    ) -> None:
        self._run = run
        self._network = network
        self._real = real
        self.chance = chance
        self.mischief = Mischief()

    async def work_once(self) -> bool:
        """Make what is due now; tell whether there was anything."""
        if self.mischief.hold:
            return False
        parcels: list[Parcel] = await self._run(self._due)
        await asyncio.gather(*(self._deliver(parcel) for parcel in parcels))
        return bool(parcels)

    def _due(self, tx: Tx) -> list[Parcel]:
        """Take what is due; whoever takes it is given a while, and then it is due again."""
        now = tx.around.real()
        sql = f"SELECT * FROM deliveries WHERE {OPEN} AND due_at <= ? ORDER BY due_at, seq LIMIT ?"  # noqa: S608
        parcels = []
        for row in rows(tx.tables.execute(sql, (now, AT_ONCE))):
            parcel = self._parcel(tx, row)
            if parcel is None:
                _settle(tx.tables, row["seq"], "dropped", "the endpoint is gone or disabled")
                continue
            lease = "UPDATE deliveries SET status = 'under_way', due_at = ? WHERE seq = ?"
            tx.tables.execute(lease, (now + LEASE_S, row["seq"]))
            parcels.append(parcel)
        return parcels

    def _parcel(self, tx: Tx, row: Mapping[str, Any]) -> Parcel | None:
        endpoint = tx.known("webhook_endpoint", row["endpoint"])
        event = tx.known("event", row["event"])
        if endpoint is None or event is None or endpoint["status"] != "enabled":
            return None
        text = json.dumps(tx.view(event), indent=2)
        return Parcel(row["seq"], endpoint["url"], text, endpoint["_"]["secret"], row["attempts"])

    async def _deliver(self, parcel: Parcel) -> None:
        if self.mischief.drop > 0:
            self.mischief.drop -= 1
            await self._run(lambda tx: _settle(tx.tables, parcel.seq, "dropped", "as was asked"))
            return
        status, said = await self._post(parcel)
        if self.mischief.twice and status is not None:
            await self._post(parcel)
        await self._run(lambda tx: self._note(tx, parcel, status, said))

    async def _post(self, parcel: Parcel) -> tuple[int | None, str]:
        if self.mischief.cut > 0:
            self.mischief.cut -= 1
            return None, "the network failed, as was asked"
        moment = int(self._real())
        sign = stripe.WebhookSignature.generate_signature_header
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(parcel.body, parcel.secret, moment),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._network(parcel.url, parcel.body.encode(), headers)
        except Exception as flaw:  # noqa: BLE001 - whatever it is, the delivery is tried again
            return None, repr(flaw)

    def _note(self, tx: Tx, parcel: Parcel, status: int | None, said: str) -> None:
        """Write down what came back, and when to try again."""
        now = tx.around.real()
        attempts = parcel.attempts + 1
        is_done = status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        is_over = attempts > len(PAUSES_S)
        state = "delivered" if is_done else "given_up" if is_over else "pending"
        pause_s = (
            0.0 if is_done or is_over else PAUSES_S[attempts - 1] * self.chance.uniform(1, 1.2)
        )
        sql = (
            "UPDATE deliveries SET status = ?, attempts = ?, answer = ?, said = ?, tried_at = ?, due_at = ?"
            " WHERE seq = ?"
        )
        values = (state, attempts, status, said[:SAID_MAX], now, now + pause_s, parcel.seq)
        tx.tables.execute(sql, values)
        if not is_done:
            log.warning("webhook_not_delivered", url=parcel.url, status=status, attempt=attempts)


class Http:
    """The network of a real process."""

    def __init__(self) -> None:
        self._client: httpx2.AsyncClient | None = None

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """Post these bytes; redirects are no answer."""
        if self._client is None:
            self._client = httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_S)
        answer = await self._client.post(url, content=body, headers=dict(headers))
        return answer.status_code, answer.text

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()


def _settle(tables: Tables, seq: int, status: str, said: str) -> None:
    sql = "UPDATE deliveries SET status = ?, said = ? WHERE seq = ?"
    tables.execute(sql, (status, said, seq))
