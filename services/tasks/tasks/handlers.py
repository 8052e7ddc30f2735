"""Events in: what billing and agent-runner say becomes what customers see."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from typing_extensions import override

from shared.contracts.credits import (
    CreditsDenied,
    CreditsGranted,
    CreditsHeld,
    CreditsRevoked,
    CreditsSettled,
)
from shared.contracts.tasks import TaskFinished, TaskProgressed, TaskStarted
from shared.db import Tx
from shared.handlers import Handlers, Received
from shared.sql import among
from tasks import facts, hints
from tasks.hub import Hub
from tasks.models import Task

handlers = Handlers("tasks")


@handlers.on(CreditsGranted)
async def show_granted_credits(event: CreditsGranted, tx: Tx) -> None:
    """Show the credits that came in."""
    await hints.learn(tx, event.user_id, event.balance)


@handlers.on(CreditsRevoked)
async def show_revoked_credits(event: CreditsRevoked, tx: Tx) -> None:
    """Show the credits that were taken back."""
    await hints.learn(tx, event.user_id, event.balance)


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
    """Show what the task cost and what came back."""
    await hints.learn(tx, event.user_id, event.balance)
    await facts.settle(tx, event.task_id, event.captured)


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
        if not isinstance(event, (TaskStarted, TaskProgressed))
    }
    tasks = {event.task_id for event in events if isinstance(event, (TaskStarted, TaskProgressed))}
    if tasks:
        told |= {*await tx.scalars(select(Task.user_id).where(among(Task.id, tasks)))}
    return told
