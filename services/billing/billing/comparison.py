"""The section of the books on Stripe: when we were last compared, what was found, and what is still not the same."""

from typing import Final

from sqlalchemy import text

from billing import reconciliation
from billing.models import Reconciliation
from billing.schemas.books import Section, SectionState
from shared import ids
from shared.db import Tx

# Payments of which more or less is taken back than their reversals in the ledger say.
TAKEN_OTHERWISE: Final = text("""
    SELECT m.id FROM payments m
    LEFT JOIN LATERAL (SELECT revoked_after FROM reversals WHERE payment_id = m.id
                       ORDER BY number DESC LIMIT 1) AS last ON true
    WHERE (m.refund_taken + m.dispute_taken > 0 OR last.revoked_after > 0)
      AND m.refund_taken + m.dispute_taken <> coalesce(last.revoked_after, 0)
    LIMIT 100
""")


async def section(tx: Tx) -> Section:
    """What Stripe has, against our rows."""
    found = {scope: await reconciliation.latest(tx, scope) for scope in reconciliation.SCOPES}
    done = [row for row in found.values() if row is not None]
    wrong = [ids.public("pay", row.id) for row in await tx.execute(TAKEN_OTHERWISE)]
    open_ones = [item for row in done for item in row.open]
    open_ones += [f"{name}: what is taken back is not what its reversals say" for name in wrong]
    waiting = SectionState.WELL if done else SectionState.WAITING
    return Section(
        state=SectionState.BROKEN if open_ones else waiting,
        checked_at=max((row.finished_at for row in done if row.finished_at), default=None),
        facts={**_facts("recent", found["recent"]), **_facts("daily", found["daily"])},
        open=list(dict.fromkeys(open_ones)),
    )


def _facts(scope: str, row: Reconciliation | None) -> dict[str, int | str | None]:
    if row is None:
        return {f"{scope}_seen": None}
    return {
        f"{scope}_seen": sum(row.seen.values()),
        f"{scope}_drift": row.drift,
        f"{scope}_repaired": row.repaired,
    }
