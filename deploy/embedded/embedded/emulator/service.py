"""The composition root of the emulator: an account, what answers for it, and where it is found.

emulator = await Emulator(Place("sk_test_…", "whsec_…")).open()
session = await emulator.client().v1.checkout.sessions.create_async({...})
await emulator.control.pay(session.id, Payer("4242424242424242", email="ada@example.com"))
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import stripe
from fastapi import APIRouter, FastAPI

from embedded.emulator import console, families, hosted, http, seed
from embedded.emulator.account import Account
from embedded.emulator.api import Api
from embedded.emulator.client import InProcessHTTPClient
from embedded.emulator.control import Control
from embedded.emulator.deliveries import Network
from embedded.emulator.faults import Faults
from embedded.emulator.rendering import Guard
from embedded.emulator.store import MEMORY, Store
from shared import problems
from shared.clock import Clock, Entropy

PREFIX = "/emulator"
ORIGIN = "http://stripe.test"
WEBHOOK_PATH = "/api/webhooks/stripe"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an emulator keeps what it knows, what it is called with, and whom it tells; `folder` None: in memory."""

    secret_key: str
    webhook_secret: str
    origin: str = ORIGIN
    webhook_url: str | None = None
    folder: Path | None = None


def at_site(
    site_url: str, folder: Path, *, secret_key: str, webhook_secrets: str, webhook_url: str = ""
) -> Place:
    """Return the place of the emulator behind a product's site; it signs with the first of several secrets."""
    return Place(
        secret_key=secret_key,
        webhook_secret=webhook_secrets.partition(",")[0].strip(),
        origin=site_url.rstrip("/"),
        webhook_url=webhook_url or f"{site_url.rstrip('/')}{WEBHOOK_PATH}",
        folder=folder,
    )


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

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Emulator"]:
        """Open it, and while the block lasts deliver webhooks and do what comes due."""
        await self.open()
        loops = asyncio.create_task(self.account.run())
        try:
            yield self
        finally:
            loops.cancel()
            with suppress(asyncio.CancelledError):
                await loops
            await self.close()

    async def close(self) -> None:
        """Let go of the store."""
        await self.account.close()

    def router(self) -> APIRouter:
        """Return everything of it that is reached over HTTP."""
        router = APIRouter(include_in_schema=False)
        guard = Guard(self.place.origin)
        router.include_router(http.routes(self.api), prefix=PREFIX)
        router.include_router(hosted.routes(self.control, guard), prefix=PREFIX)
        router.include_router(console.routes(self.control, guard), prefix=PREFIX)
        return router

    def app(self) -> FastAPI:
        """Return an app that is nothing else."""
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        problems.install(app)
        app.include_router(self.router())
        return app

    def transport(self) -> InProcessHTTPClient:
        """Return how the official library reaches this account in this process, without a socket."""
        return InProcessHTTPClient(http.app(self.api, PREFIX))

    def client(self, *, retries: int = 0, key: str | None = None) -> stripe.StripeClient:
        """Return the official client of this account, in this process."""
        return stripe.StripeClient(
            key or self.place.secret_key,
            base_addresses={"api": f"{self.place.origin}{PREFIX}/stripe"},
            http_client=self.transport(),
            max_network_retries=retries,
        )
