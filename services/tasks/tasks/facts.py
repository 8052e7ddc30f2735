"""What the facts of other services make of a task.

They come late, twice and in any order: a final status wins, what comes after it only adds what is missing.
Facts about tasks that are not kept here are somebody else's.
"""

from collections.abc import Iterable
from uuid import UUID

from shared.contracts.credits import CreditsDenied
from shared.contracts.tasks import DeliveredFile, TaskFinished, TaskProgressed, TaskStarted
from shared.db import Tx
from shared.handlers import Received
from shared.ids import public
from tasks import story, stream
from tasks.models import Task, TaskFile
from tasks.status import OF_OUTCOME, Status
from tasks.stream import Change


async def queue(tx: Tx, task_id: UUID) -> None:
    """The credits are held: the task waits for an agent."""
    task = await tx.lock(Task, task_id)
    if task is None:
        return
    await story.note(tx, task, "queued")
    if task.advance(Status.QUEUED):
        await story.show(tx, task)


async def reject(tx: Tx, denial: CreditsDenied) -> None:
    """The credits were not there: the task ends before it has begun."""
    task = await tx.lock(Task, denial.task_id)
    if task is None or not task.advance(Status.REJECTED):
        return
    available = max(denial.balance.available, 0)
    task.error = f"Not enough credits: {denial.needed} needed, {available} available."
    await story.note(tx, task, Status.REJECTED, detail=task.error)
    await story.show(tx, task)


async def start(tx: Tx, event: TaskStarted) -> None:
    """An agent has begun an attempt."""
    task = await tx.lock(Task, event.task_id)
    if task is None:
        return
    executor = _storable(event.executor)
    is_news = await story.note(tx, task, "started", attempt=event.attempt, detail=executor)
    if is_news and not task.is_final and event.attempt >= task.attempt:
        _begin_attempt(task, event.attempt)
        task.executor = executor
        task.advance(Status.RUNNING)
        await story.show(tx, task)


async def progress(tx: Tx, task_id: UUID, signs: Iterable[Received[TaskProgressed]]) -> None:
    """Show signs of life, but those of an earlier attempt and those older than what is shown."""
    task = await tx.lock(Task, task_id)
    if task is None or task.is_final:
        return
    shown = [_shown(task, sign.event) for sign in signs if _is_newer(task, sign)]
    if shown and task.advance(Status.RUNNING):
        await story.show(tx, task)
    await stream.emit(tx, *shown)


async def finish(tx: Tx, event: TaskFinished) -> None:
    """The run has ended: keep what came of it; the first end is the only one."""
    task = await tx.lock(Task, event.task_id)
    status = OF_OUTCOME[event.outcome]
    if task is None or not task.advance(status):
        return
    task.result = _storable(event.result)
    task.error = _storable(event.reason)
    task.executor = _storable(event.executor)
    task.note = task.draft = task.progressed_at = None
    for place, file in enumerate(event.files):
        await _keep(tx, task, file, place)
    await story.note(tx, task, status, detail=task.error)
    await story.show(tx, task)


async def settle(tx: Tx, task_id: UUID, captured: int) -> None:
    """The hold has ended: keep what the task cost."""
    task = await tx.lock(Task, task_id)
    if task is not None and await story.note(tx, task, "settled"):
        task.credits_spent = captured
        await story.show(tx, task)


def _begin_attempt(task: Task, attempt: int) -> None:
    """Forget the signs of life of an earlier attempt."""
    if attempt > task.attempt:
        task.attempt = attempt
        task.note = task.draft = task.progressed_at = None


def _is_newer(task: Task, sign: Received[TaskProgressed]) -> bool:
    """Tell whether the sign is later than the last, by the clock of the one runner of an attempt."""
    if sign.event.attempt < task.attempt:
        return False
    _begin_attempt(task, sign.event.attempt)
    if task.progressed_at is not None and sign.envelope.time < task.progressed_at:
        return False
    task.progressed_at = sign.envelope.time
    return True


def _shown(task: Task, event: TaskProgressed) -> Change:
    note, text = _storable(event.note), _storable(event.text)
    task.note = note or task.note
    task.draft = text or task.draft
    data = {
        "task_id": public("task", task.id),
        "attempt": event.attempt,
        "note": note,
        "text": text,
    }
    return Change(task.user_id, "progress", data)


async def _keep(tx: Tx, task: Task, file: DeliveredFile, place: int) -> None:
    await tx.insert_once(
        TaskFile,
        id=file.file_id,
        task_id=task.id,
        place=place,
        key=_storable(file.key),
        name=_storable(file.name),
        size=file.size,
        media_type=_storable(file.media_type),
        sha256=file.sha256,
    )


def _storable(text: str | None) -> str | None:
    """Return the text as PostgreSQL can keep it; what agents write may hold anything."""
    return None if text is None else text.replace("\x00", "")
