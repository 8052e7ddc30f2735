"""What the metrics of tasks say of its database."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select

from shared.clock import first_id
from shared.db import Tx
from shared.metrics import Gauge, pairs, seconds_by
from tasks.models import Task
from tasks.status import FINAL_RANK, RANK, Status

RECENT = timedelta(days=1)
UNDER_WAY = tuple(status for status in Status if RANK[status] < FINAL_RANK)
FINAL = tuple(status for status in Status if RANK[status] == FINAL_RANK)


async def gauges(tx: Tx) -> Sequence[Gauge]:
    """Return the tasks by status, and how long those under way have waited for their end."""
    counted = select(Task.status, func.count()).group_by(Task.status)
    begun = select(Task.status, func.min(Task.created_at)).group_by(Task.status)
    is_open = Task.status.in_(UNDER_WAY)
    is_recent = Task.id >= first_id(await tx.now() - RECENT)
    counts = await pairs(tx, counted.where(is_open))
    counts |= await pairs(tx, counted.where(Task.status.in_(FINAL), is_recent))
    what = "Tasks: those under way all of them, those that ended of the last day."
    return [
        Gauge.by("status", "impacter_tasks", what, counts, Status),
        Gauge.by(
            "status",
            "impacter_task_oldest_seconds",
            "Age of the oldest task under way.",
            await seconds_by(tx, begun.where(is_open)),
            UNDER_WAY,
        ),
    ]
