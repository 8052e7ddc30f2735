"""What billing does at Stripe from time to time: the catalogue is synced, and everything compared."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from billing import catalogue, chores
from billing.gateway import Gateway, StripeAway, StripeRefused
from billing.reconciliation import Reconciler
from shared.db import Database
from shared.workers import Loop

log = structlog.get_logger()

LEASE_S: Final = 900
SYNC_S: Final = 3600
DAILY_S: Final = 24 * 3600
RETRY_S: Final = 60

Work = Callable[[], Awaitable[None]]


class Chores:
    """The loop that does what is due: one replica at a time."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        reconciler: Reconciler,
        *,
        reconcile_s: float,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._every: dict[str, tuple[float, Work]] = {
            chores.SYNC_PRICES: (SYNC_S, self._sync),
            chores.RECONCILE_RECENT: (reconcile_s, lambda: reconciler.reconcile("recent")),
            chores.RECONCILE_DAILY: (DAILY_S, lambda: reconciler.reconcile("daily")),
        }
        self.loop = Loop("billing chores", self.work_once, poll_s=2)

    async def work_once(self) -> bool:
        """Do what is due; tell whether there was anything."""
        async with self._database.transaction() as tx:
            due = await chores.due(tx)
        done = [await self._do(name, *work) for name, work in self._every.items() if name in due]
        return any(done)

    async def _do(self, name: str, again_in_s: float, work: Work) -> bool:
        async with self._database.transaction() as tx:
            if not await chores.take(tx, name, lease_s=LEASE_S):
                return False
        flaw = None
        try:
            await work()
        except (StripeAway, StripeRefused) as refusal:
            flaw, again_in_s = refusal.code, RETRY_S
            log.warning("chore_put_off", chore=name, reason=refusal.code)
        async with self._database.transaction() as tx:
            await chores.finish(tx, name, again_in_s=again_in_s, flaw=flaw)
        return True

    async def _sync(self) -> None:
        found = await catalogue.fetch(self._gateway)
        async with self._database.transaction() as tx:
            changes = await catalogue.write(tx, found)
        for skipped in changes.skipped:
            log.info("price_skipped", product=skipped.product_id, reason=skipped.reason)
