"""A service under test: its real database and code, without a bus or a process.

async with under_test(service) as billing:
    await billing.deliver(TaskCreated(...))
    assert billing.published(CreditsHeld)
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from sqlalchemy import delete, select

from shared.bus import Delivery
from shared.bus_memory import MemoryBus
from shared.clock import Ids
from shared.consumer import Consumer
from shared.db import Database
from shared.events import Envelope, Event, Message
from shared.ids import public
from shared.migrate import migrate
from shared.run import build_app
from shared.service import Service
from shared.tables import outbox
from shared.tokens import ALGORITHM, AUDIENCE, TOKEN_TYPE, Verifier

EventT = TypeVar("EventT", bound=Event)

ISSUER = "http://test"
ADMIN_KEY = "the-operators-key-of-a-test"


class TokenIssuer:
    """Signs access tokens as auth does, with a key of its own."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self._issuer = issuer
        self._key = Ed25519PrivateKey.generate()

    async def key_set(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key Set."""
        key = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": "test", "alg": ALGORITHM, "use": "sig"}]}

    def verifier(self) -> Verifier:
        """Return a verifier of these tokens."""
        return Verifier(self.key_set, issuer=self._issuer)

    def token(self, user_id: UUID, *, roles: Sequence[str] = (), **claims: Any) -> str:
        """Return a token of this user; `claims` replace the usual ones."""
        now = int(time.time())
        ids = Ids()
        usual = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": public("usr", user_id),
            "sid": public("ses", ids.new()),
            "email": f"{user_id.hex}@example.com",
            "roles": list(roles),
            "iat": now,
            "exp": now + 900,
            "jti": ids.secret(),
        }
        headers = {"kid": "test", "typ": TOKEN_TYPE}
        return jwt.encode({**usual, **claims}, self._key, algorithm=ALGORITHM, headers=headers)


def claims_from_now(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return a token's claims in which each timedelta has become the moment that far from now."""
    now = int(time.time())
    return {
        name: now + int(value.total_seconds()) if isinstance(value, timedelta) else value
        for name, value in claims.items()
    }


class ServiceUnderTest:
    """A migrated service with an HTTP client at its routes and a door for events."""

    def __init__(self, service: Service, client: httpx2.AsyncClient) -> None:
        self.service = service
        self.client = client
        self.database: Database = service.database
        self._consumer = Consumer(service.database, service.handlers)

    async def deliver(self, event: Event, *, times: int = 1) -> Envelope:
        """Hand an event to the service as the bus would, once or more often."""
        envelope = self.envelope(event)
        for _ in range(times):
            await self.receive([envelope.to_message()])
        return envelope

    async def deliver_together(self, *events: Event) -> None:
        """Hand several events to the service in one batch."""
        await self.receive([self.envelope(event).to_message() for event in events])

    async def receive(self, messages: Sequence[Message], *, is_redelivered: bool = False) -> None:
        """Hand messages to the service as one batch."""
        await self._consumer.receive(
            [Delivery(message, is_redelivered=is_redelivered) for message in messages]
        )

    def envelope(self, event: Event) -> Envelope:
        """Put an event into an envelope of its publisher."""
        return self.database.envelope(event, None, source=event.publisher)

    async def retry_parked(self) -> bool:
        """Try one parked event that is due; tell whether there was one."""
        return await self._consumer.retry_once()

    async def published(self, kind: type[EventT]) -> list[EventT]:
        """Return the events of this kind that wait in the outbox, in the order of their commits."""
        async with self.database.transaction() as tx:
            rows = await tx.execute(
                select(outbox.c.body).where(outbox.c.name == kind.name).order_by(outbox.c.id)
            )
            return [kind.model_validate_json(bytes(row.body)) for row in rows]

    async def work(self) -> None:
        """Have every worker work until there is nothing left to do."""
        for worker in self.service.workers:
            while await worker.work_once():
                pass

    async def prune(self) -> None:
        """Delete what nobody can need any more, of every table."""
        pruner = self.service.pruner()
        while await pruner.step():
            pass


@asynccontextmanager
async def under_test(service: Service) -> AsyncIterator[ServiceUnderTest]:
    """Migrate the service's database and open it for a test, with nothing to be published; close it afterwards."""
    await migrate(service.database.engine, service.migrations)
    async with service.database.transaction() as tx:
        await tx.execute(delete(outbox))
    app = build_app([service], MemoryBus())
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        try:
            yield ServiceUnderTest(service, client)
        finally:
            if service.farewell is not None:
                service.farewell()
            if service.close is not None:
                await service.close()
            await service.database.close()


async def eventually(
    condition: Callable[[], Awaitable[object]], *, within_s: float = 60, what: str = "it"
) -> None:
    """Return once the condition holds; fail when it does not within the time."""
    deadline = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {within_s} s"
        await asyncio.sleep(0.02)
