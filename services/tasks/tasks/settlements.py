"""Settlements: how billing ended the holds of tasks, kept to compare each day's books with its own."""

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import text

from shared.contracts.books import BooksClosed, BooksCompared
from shared.contracts.credits import CreditsSettled
from shared.db import Tx
from tasks.models import Settlement

# The same sum for the same holds that ended in the same way, in whatever order: billing makes it likewise.
COUNTED = text("""
    SELECT count(*) AS settled_count, coalesce(sum(captured), 0)::bigint AS captured,
           coalesce(sum(released), 0)::bigint AS released,
           coalesce(sum(('x' || left(md5(hold_id::text || ' ' || captured || ' ' || released), 15))
                        ::bit(60)::bigint), 0)::text AS fingerprint
    FROM settlements WHERE settled_at >= :since AND settled_at < :until
""")


async def note(tx: Tx, event: CreditsSettled) -> None:
    """Remember how a hold ended, once; what does not say when belongs to no day."""
    if event.settled_at is not None:
        await tx.insert_once(
            Settlement,
            hold_id=event.hold_id,
            task_id=event.task_id,
            captured=event.captured,
            released=event.released,
            settled_at=event.settled_at,
        )


async def compare(tx: Tx, closed: BooksClosed) -> BooksCompared:
    """Return what we counted of a day, and whether billing counted the same."""
    since = datetime.combine(closed.day, time(), UTC)
    period = {"since": since, "until": since + timedelta(days=1)}
    row = (await tx.execute(COUNTED, period)).one()
    counted = BooksCompared(
        day=closed.day,
        attempt=closed.attempt,
        matches=row.fingerprint == closed.fingerprint,
        settled_count=row.settled_count,
        captured=row.captured,
        released=row.released,
    )
    names = ("settled_count", "captured", "released")
    is_same = all(getattr(counted, name) == getattr(closed, name) for name in names)
    return counted.model_copy(update={"matches": counted.matches and is_same})
