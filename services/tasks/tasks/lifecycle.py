"""What is done with tasks: customers ask for one, end it, ask again; one that nobody answers is given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from shared.contracts.tasks import TaskCancelRequested, TaskCreated
from shared.db import Tx
from shared.errors import Conflict, DomainError
from shared.group_commit import Asked
from shared.sql import as_rows, insert_all
from tasks import hints, history, quotes, story
from tasks.classification import AgentType
from tasks.models import Task
from tasks.quotes import Agreement, Wanted
from tasks.status import Status

SET_AT_FIRST = (
    *("id", "user_id", "description", "agent_type", "status", "expected", "maximum"),
    *("per_unit_milli", "rate_card_version", "credits_spent", "is_cancel_requested", "attempt"),
    *("created_at", "updated_at"),
)
NEW = insert_all(Task, *SET_AT_FIRST)


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


@dataclass(frozen=True, slots=True)
class Accepted:
    """A task that billing is asked to admit, and the credits that remain if it does."""

    task: Task
    credits_remaining: int


async def create(
    tx: Tx, asked: Sequence[Asked[Wanted]], *, checkout_url: str
) -> list[Accepted | DomainError]:
    """Accept each task that its user can afford, first come first served; billing decides whether it may run."""
    wanted = [item.question for item in asked]
    offers = await quotes.agreements(tx, wanted)
    spare = await hints.spare_of(tx, (item.user_id for item in wanted))
    now, tasks = await tx.now(), []
    answers: list[Accepted | DomainError] = []
    for item, offer in zip(asked, offers, strict=True):
        verdict = _judge(item.question, offer, spare, checkout_url)
        if isinstance(verdict, DomainError):
            answers.append(verdict)
            continue
        task = _pending(tx.new_id(), item.question, verdict, now)
        item.publish(tx, _created(task, verdict))
        tasks.append(task)
        answers.append(Accepted(task, spare[task.user_id]))
    if tasks:
        await tx.execute(NEW, as_rows(map(_row, tasks)))
        await story.begin(tx, tasks)
    return answers


async def retry(tx: Tx, user_id: UUID, task_id: UUID, *, checkout_url: str) -> Accepted:
    """Accept the work of an ended task as a new one, on today's terms."""
    ended = await history.find(tx, user_id, task_id)
    if not ended.is_final or ended.status == Status.COMPLETED:
        raise NotRetryable
    wanted = Wanted(user_id, ended.description, AgentType(ended.agent_type))
    [answer] = await create(tx, [Asked(wanted)], checkout_url=checkout_url)
    if isinstance(answer, DomainError):
        raise answer
    return answer


async def cancel(tx: Tx, user_id: UUID, task_id: UUID) -> Task:
    """Ask for a task's end, once; it ends when agent-runner says so."""
    task = await history.find(tx, user_id, task_id, is_locked=True)
    if task.is_final:
        raise AlreadyFinished
    if not task.is_cancel_requested:
        task.is_cancel_requested = True
        tx.publish(_unwanted(task))
        await story.note(tx, task, "cancel_requested")
        await story.show(tx, task)
    return task


async def give_up(tx: Tx, task: Task) -> None:
    """Ask for the end of a task of which nothing was heard for too long; it goes on if its run has begun."""
    task.updated_at = (
        await tx.now()
    )  # it is asked again when nothing is heard for as long once more
    tx.publish(_unwanted(task))


def _judge(
    wanted: Wanted, offer: Agreement | DomainError, spare: dict[UUID, int], checkout_url: str
) -> Agreement | DomainError:
    """Take the work's maximum from what the user has to spare, or refuse it."""
    if isinstance(offer, DomainError):
        return offer
    available, needed = spare[wanted.user_id], offer.terms.maximum
    if available < needed:
        return InsufficientCredits(
            needed=needed, available=max(available, 0), checkout_url=checkout_url
        )
    spare[wanted.user_id] -= needed
    return offer


def _pending(task_id: UUID, wanted: Wanted, agreement: Agreement, now: datetime) -> Task:
    return Task(
        id=task_id,
        user_id=wanted.user_id,
        description=wanted.description,
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


def _created(task: Task, agreement: Agreement) -> TaskCreated:
    return TaskCreated(
        task_id=task.id,
        user_id=task.user_id,
        agent_type=agreement.agent_type,
        description=task.description,
        terms=agreement.terms,
    )


def _unwanted(task: Task) -> TaskCancelRequested:
    return TaskCancelRequested(
        task_id=task.id,
        user_id=task.user_id,
        agent_type=task.agent_type,
        description=task.description,
        is_overdue=not task.is_cancel_requested,
    )


def _row(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in SET_AT_FIRST}
