"""Events in: credits are held, and a run begins; a task is cancelled, and its run ends."""

from collections.abc import Callable
from datetime import timedelta

from agent_runner import runs, tombstones
from agent_runner.executors import HUMAN, Executors
from agent_runner.models import Run, RunState, Tombstone
from agent_runner.runs import Limits
from shared.contracts.credits import CreditsHeld
from shared.contracts.tasks import Outcome, TaskCancelRequested
from shared.db import Tx
from shared.handlers import Handlers


def answering(executors: Executors, limits: Limits, wake: Callable[[], None]) -> Handlers:
    """Return the service's handlers; `wake` is called when there is a new run to work on."""
    handlers = Handlers("agent-runner")

    @handlers.on(CreditsHeld)
    async def begin_run(event: CreditsHeld, tx: Tx) -> None:
        """Begin the run of a funded task: the only place where a run comes from."""
        task = event.task
        await runs.serialize(tx, task.task_id)
        now, tombstone = await tx.now(), await tx.get(Tombstone, task.task_id)
        executor = executors.of(task.agent_type)
        patience_s = limits.desk_s_max if executor == HUMAN else limits.run_s_max
        is_new = await tx.insert_once(
            Run,
            id=tombstone.run_id if tombstone else tx.new_id(),
            task_id=task.task_id,
            user_id=task.user_id,
            agent_type=task.agent_type,
            executor=executor,
            description=task.description,
            hold_amount=event.amount,
            state=RunState.WAITING,
            attempt=0,
            attempts_max=limits.attempts_max,
            available_at=now,
            deadline_at=now + timedelta(seconds=patience_s),
            created_at=now,
            correlation_id=tx.origin.correlation_id,
            traceparent=tx.origin.traceparent,
        )
        ending = tombstones.ending_of(tombstone, task.task_id, now=now)
        if is_new and ending is not None:
            await runs.call_off(tx, task.task_id, ending)
        elif is_new:
            tx.after_commit(wake)

    @handlers.on(TaskCancelRequested)
    async def cancel_run(event: TaskCancelRequested, tx: Tx) -> None:
        """End the task's run, or the task itself where it has none; one that is only overdue has none, or goes on."""
        await runs.serialize(tx, event.task_id)
        if await runs.locked(tx, event.task_id) is None:
            await tombstones.end_task(tx, event, executor=executors.of(event.agent_type))
        elif not event.is_overdue:
            await runs.call_off(tx, event.task_id, tombstones.ENDINGS[Outcome.CANCELLED])

    return handlers
