"""What customers do with tasks: ask for one, end it, ask again."""

from http import HTTPStatus
from uuid import UUID

from shared.contracts.tasks import TaskCancelRequested, TaskCreated
from shared.db import Tx
from shared.errors import Conflict, DomainError
from tasks import hints, history, quotes, story
from tasks.classification import AgentType
from tasks.models import Task
from tasks.quotes import Agreement
from tasks.status import Status


class InsufficientCredits(DomainError):
    """There are not enough credits for this task."""

    status = HTTPStatus.PAYMENT_REQUIRED
    code = "insufficient_credits"


class AlreadyFinished(Conflict):
    """The task has already ended."""

    code = "already_finished"


class NotRetryable(Conflict):
    """Only a task that failed, timed out, was cancelled or was rejected can be run again."""

    code = "not_retryable"


async def create(
    tx: Tx, user_id: UUID, description: str, agreement: Agreement, *, checkout_url: str
) -> tuple[Task, int]:
    """Accept a task and return it with the credits that remain; billing decides whether it may run."""
    terms = agreement.terms
    spare = await hints.spare(tx, user_id)
    if spare < terms.maximum:
        raise InsufficientCredits(
            needed=terms.maximum, available=max(spare, 0), checkout_url=checkout_url
        )
    task = await _pending(tx, user_id, description, agreement)
    tx.add(task)
    tx.publish(
        TaskCreated(
            task_id=task.id,
            user_id=user_id,
            agent_type=agreement.agent_type,
            description=description,
            terms=terms,
        )
    )
    await story.note(tx, task, "created")
    await story.show(tx, task)
    return task, spare - terms.maximum


async def retry(tx: Tx, user_id: UUID, task_id: UUID, *, checkout_url: str) -> tuple[Task, int]:
    """Accept the work of an ended task as a new one, on today's terms."""
    ended = await history.find(tx, user_id, task_id)
    if not ended.is_final or ended.status == Status.COMPLETED:
        raise NotRetryable
    agreement = quotes.agreement_for(ended.description, AgentType(ended.agent_type))
    return await create(tx, user_id, ended.description, agreement, checkout_url=checkout_url)


async def cancel(tx: Tx, user_id: UUID, task_id: UUID) -> Task:
    """Ask for a task's end, once; it ends when agent-runner says so."""
    task = await history.find(tx, user_id, task_id, is_locked=True)
    if task.is_final:
        raise AlreadyFinished
    if not task.is_cancel_requested:
        task.is_cancel_requested = True
        tx.publish(TaskCancelRequested(task_id=task.id, user_id=user_id))
        await story.note(tx, task, "cancel_requested")
        await story.show(tx, task)
    return task


async def _pending(tx: Tx, user_id: UUID, description: str, agreement: Agreement) -> Task:
    now = await tx.now()
    return Task(
        id=tx.new_id(),
        user_id=user_id,
        description=description,
        agent_type=agreement.agent_type.value,
        status=Status.PENDING.value,
        expected=agreement.terms.expected,
        maximum=agreement.terms.maximum,
        per_unit_milli=agreement.terms.per_unit_milli,
        rate_card_version=agreement.rate_card_version,
        credits_spent=0,
        is_cancel_requested=False,
        attempt=0,
        created_at=now,
        updated_at=now,
    )
