"""Stripe in a world: one emulated account outside of every process, the wires to it, and what is done at its pages."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import stripe
from typing_extensions import override

from embedded.emulator.checkout import items_of
from embedded.emulator.errors import StripeError
from embedded.emulator.service import WEBHOOK_PATH, Emulator, Place
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx
from tests.simulation.loop import LIFE
from tests.simulation.nodes import Node
from tests.simulation.world import World
from tests.stripe_events import WEBHOOK_SECRET, signed

T = TypeVar("T")

API_KEY = "sk_test_simulated"
ORIGIN = "http://stripe.invalid"
API_BASE = f"{ORIGIN}/emulator/stripe"
LOOK_S = 1.5
LATE_S = 12.0
OK, TOO_MANY, BROKEN = 200, 429, 500
KINDS = ("checkout.session", "invoice", "invoice_payment", "payment_intent", "refund", "dispute")
MORE_KINDS = ("subscription", "subscription_item", "customer", "price")


class StripeAccount:
    """An account of an emulated Stripe; it lives as long as its world, and tells billing of all that happens.

    Where it `is_mute` none of its events reaches anybody: billing must come to know by itself.
    """

    def __init__(self, world: World, *, is_mute: bool = False) -> None:
        self.world = world
        self.told: set[str] = set()
        self._is_mute = is_mute
        self._nodes: Sequence[Node] = ()
        place = Place(API_KEY, WEBHOOK_SECRET, ORIGIN, f"http://impacter.invalid{WEBHOOK_PATH}")
        entropy = random.Random(f"stripe {world.seed} {world.loop.time()}").randbytes
        self._emulator = Emulator(place, clock=world, entropy=entropy, network=self._post)
        self._api = self._emulator.client().v1
        self.control = self._emulator.control

    async def open(self, nodes: Sequence[Node], kept: bytes | None) -> None:
        """Begin to answer and to tell, with what another account had or a new one."""
        self._nodes = nodes
        if kept is not None:
            await self._act(lambda tx: tx)
            connection = self._emulator.account.store._connection
            assert connection is not None, "it was just used"
            connection.deserialize(kept)
        await self._emulator.open()
        self.world.begin(self._live())

    def keep(self) -> bytes:
        """Return all that the account knows."""
        connection = self._emulator.account.store._connection
        assert connection is not None, "it is open"
        return connection.serialize()

    def wire(self) -> "Wire":
        """Return how Stripe's library in a process reaches this account."""
        return Wire(self.world, self._emulator.transport())

    async def release(self) -> None:
        """Let all that is still to be told be told now, in any order."""
        await self.control.release("shuffled")

    async def at(self, deed: Callable[[Any], Awaitable[T]]) -> T | None:
        """Do something at Stripe's pages; what Stripe does not let happen has not happened."""
        await self.world.travel()
        with suppress(StripeError, stripe.StripeError):
            return await deed(self)
        return None

    async def price_of(self, lookup_key: str) -> str:
        """Return a price of the standard catalogue."""
        found = await self._act(lambda tx: tx.all("price", lookup_key=lookup_key))
        return str(found[0]["id"])

    async def change_plan(self, subscription_id: str, key: str, **change: Any) -> None:
        """Change a subscription as its customer or an operator may at Stripe."""
        options: Any = {"idempotency_key": key}
        await self._api.subscriptions.update_async(subscription_id, change, options)  # type: ignore[arg-type]

    async def cancel_plan(self, subscription_id: str, key: str) -> None:
        """End a subscription now."""
        await self._api.subscriptions.cancel_async(subscription_id, None, {"idempotency_key": key})

    async def pay_bill(self, invoice_id: str, key: str) -> None:
        """Pay an open invoice at its page."""
        await self._api.invoices.pay_async(invoice_id, None, {"idempotency_key": key})

    async def seen(self, kind: str, **where: Any) -> list[Body]:
        """Return the objects of a kind as Stripe shows them, oldest first."""
        return await self._act(lambda tx: [tx.view(item) for item in tx.all(kind, **where)])

    async def everything(self) -> dict[str, list[Body]]:
        """Return all that money depends on; of sessions with what is sold at them."""

        def look(tx: Tx) -> dict[str, list[Body]]:
            found = {
                kind: [tx.view(item) for item in tx.all(kind)] for kind in (*KINDS, *MORE_KINDS)
            }
            for session, item in zip(
                found["checkout.session"], tx.all("checkout.session"), strict=True
            ):
                session["items"] = items_of(tx, item)
            return found

        return await self._act(look)

    async def pending(self) -> list[str]:
        """Return what is still to be told."""

        def look(tx: Tx) -> list[str]:
            sql = "SELECT event FROM deliveries WHERE status IN ('pending', 'under_way')"
            return [f"Stripe has not told of {row['event']}" for row in tx.tables.execute(sql)]

        return await self._act(look)

    async def _act(self, work: Callable[[Tx], T]) -> T:
        return await self.control.act(work)

    async def _live(self) -> None:
        """Do what is due and deliver what is to be told, several deliveries beside each other."""
        while True:
            await asyncio.sleep(self.world.chance.expovariate(1 / LOOK_S))
            await self.control.settle()
            self.world.begin(self._emulator.account.courier.work_once())

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """Bring an event to one of billing's processes: late, twice, under another id as well, or not at all."""
        world, faults = self.world, self.world.faults
        if self._is_mute or world.happens(faults.webhook_dropped):
            return OK, "lost, and taken for delivered"
        if world.happens(faults.webhook_late):
            await asyncio.sleep(world.chance.uniform(0, LATE_S))
        if world.happens(faults.webhook_twin):
            world.begin(self._twin(body))
        if world.happens(faults.webhook_twice):
            world.begin(self._bring(body, headers))
        return await self._bring(body, headers), ""

    async def _twin(self, body: bytes) -> None:
        told = json.loads(body)
        twin = signed({**told, "id": f"{told['id']}twin"}, WEBHOOK_SECRET, at=self._moment())
        await self._bring(twin["content"], twin["headers"])

    async def _bring(self, body: bytes, headers: Mapping[str, str]) -> int:
        billing = [node for node in self._nodes if node.service_name == "billing"]
        node = self.world.chance.choice(billing)
        answer = await node.request("POST", WEBHOOK_PATH, body, headers)
        if answer.status == OK:
            self.told.add(json.loads(body)["id"])
        return answer.status

    def _moment(self) -> int:
        return int(self.world.now().timestamp())


class Wire(stripe.HTTPClient):
    """The wire between a process and Stripe: requests get lost, or answers, or Stripe has a bad day."""

    name = "simulated"

    def __init__(self, world: World, transport: stripe.HTTPClient) -> None:
        super().__init__()
        self._world = world
        self._transport = transport

    @override
    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        world, faults, life = self._world, self._world.faults, LIFE.get()
        await world.travel(life)
        if world.happens(faults.stripe_away):
            raise _no_answer()
        if world.happens(faults.stripe_busy):
            return _flaw("rate_limit"), TOO_MANY, {}
        is_broken = world.happens(faults.stripe_breaks)
        if is_broken and world.happens(0.5):
            return _flaw("broken"), BROKEN, {}
        # It goes on at Stripe whatever becomes of who asked.
        asking = world.begin(self._transport.request_async(method, url, headers, post_data))
        await asyncio.wait({asking})
        body, status, answered = asking.result()
        world.say(life, "asks Stripe", f"{method} {url.partition('/v1/')[2]} {status}")
        await world.travel(life)
        if is_broken:
            return _flaw("broken"), BROKEN, {}
        if world.happens(faults.stripe_answer_lost):
            raise _no_answer()
        return body, status, answered

    @override
    def _add_jitter_time(self, sleep_seconds: float) -> float:
        return sleep_seconds * self._world.chance.uniform(0.5, 1)

    @override
    def sleep_async(self, secs: float) -> Awaitable[None]:
        return asyncio.sleep(secs)

    @override
    async def close_async(self) -> None:
        """There is nothing to close."""


def _no_answer() -> stripe.APIConnectionError:
    return stripe.APIConnectionError("it does not answer", should_retry=True)


def _flaw(code: str) -> bytes:
    return json.dumps({"error": {"type": "api_error", "code": code, "message": code}}).encode()
