"""What the agent-runner's metrics say of its runs."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import case, func, literal, select

from agent_runner.models import Run, RunState
from shared.clock import first_id
from shared.contracts.tasks import Outcome
from shared.db import Tx
from shared.metrics import Gauge, pairs, seconds_by

RECENT = timedelta(days=1)
DESK = "desk"
OPEN = (RunState.WAITING, RunState.RUNNING, DESK)

_STATE = case((Run.lease_until.is_(None) & (Run.state == RunState.RUNNING), DESK), else_=Run.state)


async def gauges(tx: Tx) -> Sequence[Gauge]:
    """Return the runs by where they stand, and how late the latest of them are."""
    is_open = Run.state != RunState.FINISHED
    is_recent = Run.id >= first_id(await tx.now() - RECENT)
    begun = func.min(func.coalesce(Run.started_at, Run.available_at))
    opened = select(_STATE, func.count()).where(is_open).group_by(_STATE)
    ended = select(Run.outcome, func.count()).where(~is_open, is_recent).group_by(Run.outcome)
    late = (
        select(literal("late"), func.min(Run.deadline_at)).where(is_open).having(func.count() > 0)
    )
    counts = await pairs(tx, opened) | await pairs(tx, ended)
    what = "Runs: open ones all of them (desk: in a person's hands), ended ones of the last day."
    return [
        Gauge.by("state", "impacter_runs", what, counts, (*OPEN, *Outcome)),
        Gauge.by(
            "state",
            "impacter_run_oldest_seconds",
            "How long the oldest open run has been worked on, or could have been.",
            await seconds_by(tx, select(_STATE, begun).where(is_open).group_by(_STATE)),
            OPEN,
        ),
        Gauge.single(
            "impacter_run_overdue_seconds",
            "How long a run is open beyond its deadline.",
            (await seconds_by(tx, late)).get("late", 0),
        ),
    ]
