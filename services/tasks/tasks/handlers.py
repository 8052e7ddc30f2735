"""Events in: what billing and agent-runner say becomes what customers see."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from typing_extensions import override

from shared.contracts.books import BooksClosed
from shared.contracts.credits import (
    CreditsDenied,
    CreditsExpired,
    CreditsGranted,
    CreditsHeld,
    CreditsPaused,
    CreditsResumed,
    CreditsRevoked,
    CreditsSettled,
    CreditsSpent,
)
from shared.contracts.tasks import TaskFinished, TaskProgressed, TaskStarted
from shared.db import Tx
from shared.events import Event
from shared.handlers import Handlers, Received
from shared.sql import among
from tasks import facts, hints, settlements
from tasks.hub import Hub
from tasks.models import Task

handlers = Handlers("tasks")

# What changes credits and says nothing of a task.
BALANCE_CHANGES: Final[tuple[type[Event], ...]] = (
    CreditsGranted,
    CreditsSpent,
    CreditsRevoked,
    CreditsExpired,
    CreditsPaused,
    CreditsResumed,
)


async def show_credits(event: Any, tx: Tx) -> None:
    """Show the credits that there are now, whatever changed them."""
    await hints.learn(tx, event.user_id, event.balance)


for kind in BALANCE_CHANGES:
    handlers.on(kind)(show_credits)


@handlers.on(CreditsHeld)
async def queue_task(event: CreditsHeld, tx: Tx) -> None:
    """Let the task wait for an agent; its credits are set aside."""
    await hints.learn(tx, event.task.user_id, event.balance)
    await facts.queue(tx, event.task.task_id)


@handlers.on(CreditsDenied)
async def reject_task(event: CreditsDenied, tx: Tx) -> None:
    """End a task that there are not enough credits for."""
    await hints.learn(tx, event.user_id, event.balance)
    await facts.reject(tx, event)


@handlers.on(TaskStarted)
async def start_task(event: TaskStarted, tx: Tx) -> None:
    """Show that an agent works on the task."""
    await facts.start(tx, event)


@handlers.on_many(TaskProgressed)
async def show_progress(received: Sequence[Received[TaskProgressed]], tx: Tx) -> None:
    """Show what the agents are doing."""
    signs: dict[UUID, list[Received[TaskProgressed]]] = defaultdict(list)
    for item in received:
        signs[item.event.task_id].append(item)
    for task_id, told in signs.items():
        await facts.progress(tx, task_id, told)


@handlers.on(TaskFinished)
async def finish_task(event: TaskFinished, tx: Tx) -> None:
    """End the task with what came of it."""
    await facts.finish(tx, event)


@handlers.on(CreditsSettled)
async def settle_task(event: CreditsSettled, tx: Tx) -> None:
    """Show what the task cost and what came back; the day's books will be compared with it."""
    await hints.learn(tx, event.user_id, event.balance)
    await facts.settle(tx, event.task_id, event.captured)
    await settlements.note(tx, event)


@handlers.on(BooksClosed)
async def compare_books(event: BooksClosed, tx: Tx) -> None:
    """Tell billing whether we saw the same holds end on that day."""
    tx.publish(await settlements.compare(tx, event))


# What is about no user, or says of which only by its task.
WITHOUT_USER = (BooksClosed, TaskStarted, TaskProgressed)


class InTurn(Handlers):
    """These handlers, each batch under the turns of all the users whom it is about."""

    def __init__(self, handlers: Handlers, hub: Hub) -> None:
        super().__init__(handlers.service)
        self._handlers = handlers
        self._hub = hub

    @property
    @override
    def names(self) -> frozenset[str]:
        """The names of the events that are answered."""
        return self._handlers.names

    @override
    async def answer(self, received: Sequence[Received[Any]], tx: Tx) -> None:
        """Have a batch answered; no two replicas wait for each other, whatever is in their batches."""
        await self._hub.take_turn(tx, *await _users(tx, [item.event for item in received]))
        await self._handlers.answer(received, tx)


async def _users(tx: Tx, events: Sequence[Any]) -> set[UUID]:
    told = {
        event.task.user_id if isinstance(event, CreditsHeld) else event.user_id
        for event in events
        if not isinstance(event, WITHOUT_USER)
    }
    tasks = {event.task_id for event in events if isinstance(event, (TaskStarted, TaskProgressed))}
    if tasks:
        told |= {*await tx.scalars(select(Task.user_id).where(among(Task.id, tasks)))}
    return told
