"""What auth's metrics say of its database."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select

from auth.models import Throttle
from shared.db import Tx
from shared.metrics import Gauge

RECENT = timedelta(days=1)


async def gauges(tx: Tx) -> Sequence[Gauge]:
    """Return how many sign-ins are held back after too many failures."""
    now = await tx.now()
    is_blocked = (Throttle.last_failed_at > now - RECENT, Throttle.blocked_until > now)
    count = await tx.scalar(select(func.count()).select_from(Throttle).where(*is_blocked)) or 0
    what = "Addresses and callers that may not sign in for now, after too many failures."
    return [Gauge.single("impacter_sign_ins_blocked", what, count)]
