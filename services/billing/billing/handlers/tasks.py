"""The gate: tasks are admitted with their credits set aside, and outcomes settle them."""

from collections.abc import Sequence

from billing import ledger
from billing.handlers.registry import handlers
from shared.contracts.credits import CreditsDenied, CreditsHeld, CreditsRanLow, CreditsSettled
from shared.contracts.tasks import Outcome, TaskCreated, TaskFinished
from shared.db import Tx
from shared.handlers import Received


@handlers.on_many(TaskCreated)
async def admit_tasks(received: Sequence[Received[TaskCreated]], tx: Tx) -> None:
    """The gate: a task reaches an agent only through the CreditsHeld published here."""
    requests = [
        ledger.HoldRequest(item.event.user_id, item.event.task_id, item.event.terms)
        for item in received
    ]
    by_task = {item.event.task_id: item for item in received}
    for answer in await ledger.hold(tx, requests):
        item = by_task[answer.request.task_id]
        verdict = _held(item.event, answer) or _denied(item.event, answer)
        tx.publish(verdict, cause=item.envelope)


@handlers.on_many(TaskFinished)
async def settle_tasks(received: Sequence[Received[TaskFinished]], tx: Tx) -> None:
    """Capture what delivered work cost, at most what was held, and release the rest."""
    settlements = [
        ledger.Settlement(
            task_id=item.event.task_id,
            is_delivered=item.event.outcome is Outcome.SUCCEEDED,
            units_used=item.event.units_used,
            description=item.event.description,
        )
        for item in received
    ]
    by_task = {item.event.task_id: item for item in received}
    for settled in await ledger.settle(tx, settlements):
        cause = by_task[settled.task_id].envelope
        tx.publish(_settled(settled), cause=cause)
        if settled.has_run_low:
            ran_low = CreditsRanLow(user_id=settled.user_id, balance=settled.balance)
            tx.publish(ran_low, cause=cause)


def _held(event: TaskCreated, answer: ledger.Held) -> CreditsHeld | None:
    if answer.hold_id is None:
        return None
    return CreditsHeld(
        hold_id=answer.hold_id, amount=event.terms.maximum, task=event, balance=answer.balance
    )


def _denied(event: TaskCreated, answer: ledger.Held) -> CreditsDenied:
    return CreditsDenied(
        task_id=event.task_id,
        user_id=event.user_id,
        needed=event.terms.maximum,
        balance=answer.balance,
    )


def _settled(settled: ledger.Settled) -> CreditsSettled:
    return CreditsSettled(
        hold_id=settled.hold_id,
        task_id=settled.task_id,
        user_id=settled.user_id,
        captured=settled.captured,
        released=settled.released,
        settled_at=settled.settled_at,
        balance=settled.balance,
    )
