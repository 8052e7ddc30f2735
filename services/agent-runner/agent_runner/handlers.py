"""Events in: credits are held, and a run begins; a task is cancelled, and its run ends."""

from collections.abc import Callable
from datetime import timedelta

from agent_runner import runs
from agent_runner.executors import HUMAN, Executors
from agent_runner.models import Run, RunState, Tombstone
from agent_runner.runs import Limits
from shared.contracts.credits import CreditsHeld
from shared.contracts.tasks import TaskCancelRequested
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
        now = await tx.now()
        executor = executors.of(task.agent_type)
        patience_s = limits.desk_s_max if executor == HUMAN else limits.run_s_max
        is_new = await tx.insert_once(
            Run,
            id=tx.new_id(),
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
        if is_new and await tx.get(Tombstone, task.task_id) is not None:
            await runs.cancel(tx, task.task_id)
        elif is_new:
            tx.after_commit(wake)

    @handlers.on(TaskCancelRequested)
    async def cancel_run(event: TaskCancelRequested, tx: Tx) -> None:
        """End the task's run, or leave a tombstone for it where it has not begun."""
        await runs.serialize(tx, event.task_id)
        if not await runs.cancel(tx, event.task_id):
            await tx.insert_once(Tombstone, task_id=event.task_id, created_at=await tx.now())

    return handlers
