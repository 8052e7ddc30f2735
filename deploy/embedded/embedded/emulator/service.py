"""The composition root of the emulator: an account, what answers for it, and where it is found.

emulator = await Emulator(Place("sk_test_…", "whsec_…")).open()
session = await emulator.client().v1.checkout.sessions.create_async({...})
await emulator.control.pay(session.id, Payer("4242424242424242", email="ada@example.com"))
"""

import os
from dataclasses import dataclass
from pathlib import Path

import stripe
from fastapi import APIRouter, FastAPI

from embedded.emulator import families, http, seed
from embedded.emulator.account import Account
from embedded.emulator.api import Api
from embedded.emulator.client import InProcessHTTPClient
from embedded.emulator.control import Control
from embedded.emulator.deliveries import Network
from embedded.emulator.faults import Faults
from embedded.emulator.store import MEMORY, Store
from shared.clock import Clock, Entropy

PREFIX = "/emulator"
ORIGIN = "http://stripe.test"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an emulator keeps what it knows, what it is called with, and whom it tells; `folder` None: in memory."""

    secret_key: str
    webhook_secret: str
    origin: str = ORIGIN
    webhook_url: str | None = None
    folder: Path | None = None


class Emulator:
    """A whole emulated Stripe."""

    def __init__(
        self,
        place: Place,
        *,
        clock: Clock | None = None,
        entropy: Entropy = os.urandom,
        network: Network | None = None,
    ) -> None:
        self.place = place
        store = Store(MEMORY if place.folder is None else place.folder / "stripe.sqlite3")
        self.account = Account(
            store,
            families.rules(),
            secret_key=place.secret_key,
            origin=place.origin,
            clock=clock,
            entropy=entropy,
            network=network,
        )
        self.faults = Faults()
        self.control = Control(self.account, self.faults)
        self.api = Api(self.account, families.routes(), self.faults)

    async def open(self) -> "Emulator":
        """Fill the account at its first start; every start keeps the product's webhook in step."""
        where = {"webhook_url": self.place.webhook_url, "webhook_secret": self.place.webhook_secret}
        await self.account.do(lambda tx: seed.plant(tx, **where))  # type: ignore[arg-type]
        return self

    async def close(self) -> None:
        """Let go of the store."""
        await self.account.close()

    def router(self) -> APIRouter:
        """Return everything of it that is reached over HTTP."""
        router = APIRouter(prefix=PREFIX, include_in_schema=False)
        router.include_router(http.routes(self.api))
        return router

    def app(self) -> FastAPI:
        """Return an app that is nothing else."""
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.include_router(self.router())
        return app

    def client(self, *, retries: int = 0, key: str | None = None) -> stripe.StripeClient:
        """Return the official client of this account, in this process."""
        return stripe.StripeClient(
            key or self.place.secret_key,
            base_addresses={"api": f"{self.place.origin}{PREFIX}/stripe"},
            http_client=InProcessHTTPClient(self.app()),
            max_network_retries=retries,
        )
