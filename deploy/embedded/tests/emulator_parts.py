"""What the emulator's tests share: an account in memory, a clock of their own, and a webhook that remembers."""

import json
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import stripe

from embedded.emulator.paying import Payer
from embedded.emulator.service import Emulator, Place

KEY = "sk_test_emulated_of_a_test"
SECRET = "whsec_of_a_test"
HOOK = "http://product.test/api/webhooks/stripe"
ADA = "ada@example.com"
START = datetime(2027, 1, 31, 12, tzinfo=UTC)


class StillClock:
    """A clock that stands until it is moved."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def move(self, **span: float) -> None:
        self.moment += timedelta(**span)


class Listener:
    """The other end of a webhook: it verifies and remembers, and answers as it is told to."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.answers: list[int | Exception] = []

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        stripe.WebhookSignature.verify_header(
            body.decode(), headers["Stripe-Signature"], SECRET, None
        )
        self.heard.append(json.loads(body))
        return answer, "thanks"

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.heard]


class Stage:
    """An emulator, its clock, its listener and the official client of it."""

    def __init__(self, emulator: Emulator, clock: StillClock, listener: Listener) -> None:
        self.clock = clock
        self.listener = listener
        self.emulator = emulator
        self.control = emulator.control
        self.client = emulator.client()
        self.v1 = self.client.v1

    @classmethod
    def of(cls, emulator: Emulator) -> "Stage":
        """The stage of an emulator that was made otherwise, in real time."""
        return cls(emulator, StillClock(), Listener())

    @classmethod
    def still(cls, folder: Path | None, seed: int) -> "Stage":
        """A stage whose time stands still until it is moved."""
        clock, listener = StillClock(), Listener()
        place = Place(KEY, SECRET, webhook_url=HOOK, folder=folder)
        entropy = random.Random(seed).randbytes
        emulator = Emulator(place, clock=clock, entropy=entropy, network=listener)
        return cls(emulator, clock, listener)

    async def price(self, lookup_key: str) -> Any:
        found = await self.v1.prices.list_async({"lookup_keys": [lookup_key]})
        return found.data[0]

    async def session(self, lookup_key: str = "pack_500", **params: Any) -> Any:
        price = await self.price(lookup_key)
        usual = {
            "mode": "subscription" if price.recurring else "payment",
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "https://product.test/success?id={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://product.test/cancel",
        }
        return await self.v1.checkout.sessions.create_async({**usual, **params})

    async def happened(self) -> list[str]:
        """The types of what happened after the seed, in order."""
        found = [event["type"] for event in await self.control.events()]
        return found[22:]


@asynccontextmanager
async def staged(folder: Path | None = None, *, seed: int = 1) -> AsyncIterator[Stage]:
    stage = Stage.still(folder, seed)
    await stage.emulator.open()
    try:
        yield stage
    finally:
        await stage.emulator.close()


async def subscribed(stage: Stage, lookup_key: str = "basic_monthly", **payer: str) -> Any:
    session = await stage.session(lookup_key)
    paid = await stage.control.pay(session.id, Payer(email=ADA, **payer))
    return await stage.v1.subscriptions.retrieve_async(paid["subscription"])


async def refreshed(stage: Stage, subscription: Any) -> Any:
    return await stage.v1.subscriptions.retrieve_async(
        subscription.id, {"expand": ["latest_invoice"]}
    )


def day(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
