"""Runs: who works on a funded task, until when, and how it ended; by the database's clock alone.

A run waits, is leased for an attempt, and finishes once. Whoever writes about it names the attempt it was
given and is told, by False or None, when a later one, or the end, has come first.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, update

from agent_runner import texts
from agent_runner.agents import Progress
from agent_runner.models import Run, RunFile, RunState
from shared.contracts.tasks import (
    DeliveredFile,
    Outcome,
    TaskFinished,
    TaskProgressed,
    TaskStarted,
)
from shared.correlation import taking_up
from shared.db import Tx
from shared.tracing import Origin

DESCRIPTION_BYTES_MAX = 5000
UNITS_MAX = 1_000_000_000
USER_RUNS_MAX = 3

AT_WORK = (Run.state == RunState.RUNNING, Run.lease_until.is_not(None))

CANCELLED = "The task was cancelled."
INTERRUPTED = "The agent was interrupted."
NOT_TRIED_AGAIN = "The agent was interrupted, and was not tried again."
TIMED_OUT = "The task took longer than it may."


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how often a run is worked on, how many of one user's at once, and how much each may deliver."""

    user_runs_max: int
    run_s_max: float
    desk_s_max: float
    lease_s: float
    retry_s: float
    clean_up_s_max: float
    attempts_max: int
    files_max: int
    file_bytes_max: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a run, for as long as no later attempt has begun."""

    task_id: UUID
    attempt: int
    executor: str
    agent_type: str
    prompt: str
    timeout_s: float
    origin: Origin


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends: `reason` tells the customer why not well, the rest is what was delivered."""

    outcome: Outcome
    reason: str | None = None
    result: str | None = None
    units_used: int | None = None
    files: Sequence[DeliveredFile] = ()


async def serialize(tx: Tx, task_id: UUID) -> None:
    """Let no two transactions begin a task's run and cancel it side by side, neither seeing the other."""
    await tx.execute(select(func.pg_advisory_xact_lock(_lock_of(task_id))))


async def locked(tx: Tx, task_id: UUID) -> Run | None:
    """Return the task's run, locked, or None."""
    return await tx.scalar(_fresh(Run.task_id == task_id).with_for_update())


async def lease(
    tx: Tx,
    *,
    executors: Collection[str],
    owner: str,
    lease_s: float,
    user_runs_max: int = USER_RUNS_MAX,
) -> Lease | None:
    """Begin the next attempt at the run that has waited longest for one of these executors.

    Runs of a user for whom so many are at work already wait: one customer does not stop the work of all others.
    """
    now = await tx.now()
    run = await _next(tx, executors, now=now, user_runs_max=user_runs_max)
    if run is None:
        return None
    run.lease_until = now + timedelta(seconds=lease_s)
    with taking_up(run.origin):
        await begin_attempt(tx, run, owner=owner)
    return Lease(
        task_id=run.task_id,
        attempt=run.attempt,
        executor=run.executor,
        agent_type=run.agent_type,
        prompt=run.description,
        timeout_s=(run.deadline_at - now).total_seconds(),
        origin=run.origin,
    )


async def _next(
    tx: Tx, executors: Collection[str], *, now: datetime, user_runs_max: int
) -> Run | None:
    """Return the run that is due longest whose user has not too many at work, locked."""
    full = select(Run.user_id).where(*AT_WORK).group_by(Run.user_id)
    waiting = _fresh(
        Run.state == RunState.WAITING,
        Run.executor.in_(list(executors)),
        Run.user_id.not_in(full.having(func.count() >= user_runs_max)),
        Run.available_at <= now,
        Run.deadline_at > now,
    ).order_by(Run.available_at, Run.id)
    passed: set[UUID] = set()
    while True:
        others = waiting.where(Run.user_id.not_in(passed)) if passed else waiting
        run = await tx.scalar(others.limit(1).with_for_update(skip_locked=True))
        if run is None or await _has_room(tx, run.user_id, user_runs_max, waits=not passed):
            return run
        passed.add(run.user_id)


async def _has_room(tx: Tx, user_id: UUID, user_runs_max: int, *, waits: bool) -> bool:
    """Tell whether a user may have one more at work, whatever other processes begin at this moment.

    Waiting for them is safe as long as this transaction keeps nobody else waiting; else a user of theirs is passed over.
    """
    lock = func.pg_advisory_xact_lock if waits else func.pg_try_advisory_xact_lock
    if await tx.scalar(select(lock(_lock_of(user_id)))) is False:
        return False
    theirs = select(func.count()).where(*AT_WORK, Run.user_id == user_id)
    return (await tx.scalar(theirs) or 0) < user_runs_max


def _lock_of(key: UUID) -> int:
    return key.int & (2**63 - 1)


async def begin_attempt(tx: Tx, run: Run, *, owner: str) -> None:
    """Give a locked run to an agent or a person; whoever had it before is not heard any more."""
    assert run.state != RunState.FINISHED, "a finished run never runs again"
    run.state = RunState.RUNNING
    run.attempt += 1
    run.lease_owner = owner
    run.started_at = run.started_at or await tx.now()
    tx.publish(
        TaskStarted(task_id=run.task_id, run_id=run.id, attempt=run.attempt, executor=run.executor)
    )


async def heartbeat(tx: Tx, lease: Lease, *, lease_s: float) -> bool:
    """Extend the lease; tell whether it still held."""
    until = await tx.now() + timedelta(seconds=lease_s)
    extend = update(Run).where(*_held(lease)).values(lease_until=until).returning(Run.id)
    return (await tx.execute(extend)).first() is not None


async def progress(tx: Tx, lease: Lease, step: Progress) -> bool:
    """Tell the customer what is being done; tell whether the attempt still held."""
    if await _run_of(tx, lease) is None:
        return False
    note = _fit(step.note, texts.NOTE_BYTES_MAX)
    text = _fit(step.text, texts.TEXT_BYTES_MAX)
    tx.publish(TaskProgressed(task_id=lease.task_id, attempt=lease.attempt, note=note, text=text))
    return True


async def finish(tx: Tx, lease: Lease, ending: Ending) -> bool:
    """End the run with what this attempt came to; tell whether the attempt still held."""
    run = await _run_of(tx, lease)
    if run is None:
        return False
    for file in ending.files:
        remember_file(tx, run, file, now=await tx.now())
    await end(tx, run, ending)
    return True


async def retry(tx: Tx, lease: Lease, reason: str, *, pause_s: float) -> bool:
    """Have the run wait for another attempt after a pause, or fail it after the last one."""
    run = await _run_of(tx, lease)
    if run is None:
        return False
    pause = timedelta(seconds=pause_s)
    await _wait_again(tx, run, available_at=await tx.now() + pause, reason=reason)
    return True


async def hand_back(tx: Tx, lease: Lease, reason: str) -> bool:
    """Free a run whose worker has to stop: it was no fault of the work, so it takes none of its tries."""
    run = await _run_of(tx, lease)
    if run is None:
        return False
    run.attempts_max += 1
    await _wait_again(tx, run, available_at=await tx.now(), reason=reason)
    return True


async def give_up(tx: Tx) -> bool:
    """End one run past its deadline, or take back one lease that ran out; tell whether there was one."""
    now = await tx.now()
    is_over = or_(Run.deadline_at <= now, Run.lease_until <= now)
    over = _fresh(Run.state != RunState.FINISHED, is_over).order_by(Run.deadline_at).limit(1)
    run = await tx.scalar(over.with_for_update(skip_locked=True))
    if run is None:
        return False
    with taking_up(run.origin):
        if run.deadline_at <= now:
            await end(tx, run, Ending(Outcome.TIMED_OUT, reason=TIMED_OUT))
        else:
            is_last = run.attempt >= run.attempts_max
            reason = NOT_TRIED_AGAIN if is_last else INTERRUPTED
            await _wait_again(tx, run, available_at=now, reason=reason)
    return True


async def call_off(tx: Tx, task_id: UUID, ending: Ending) -> None:
    """End the task's run before it comes to anything, unless it is over."""
    run = await locked(tx, task_id)
    if run is not None and run.state != RunState.FINISHED:
        await end(tx, run, ending)


def remember_file(tx: Tx, run: Run, file: DeliveredFile, *, now: datetime) -> RunFile:
    """Enter a stored file into the manifest of the run's attempt."""
    row = RunFile(
        id=file.file_id,
        run_id=run.id,
        attempt=run.attempt,
        key=file.key,
        name=file.name,
        size=file.size,
        media_type=file.media_type,
        sha256=file.sha256,
        created_at=now,
    )
    tx.add(row)
    return row


async def end(tx: Tx, run: Run, ending: Ending) -> None:
    """End a locked run, and publish that it has ended: the one place that does either."""
    assert run.state != RunState.FINISHED, "a run ends once"
    run.finished_at = await tx.now()
    run.state = RunState.FINISHED
    run.lease_until = None
    run.outcome = ending.outcome
    run.reason = _fit(ending.reason, texts.REASON_BYTES_MAX)
    run.result = ending.result
    run.units_used = ending.units_used
    tx.publish(
        TaskFinished(
            task_id=run.task_id,
            user_id=run.user_id,
            run_id=run.id,
            description=texts.cut(run.description, DESCRIPTION_BYTES_MAX),
            outcome=ending.outcome,
            executor=run.executor,
            reason=run.reason,
            result=ending.result,
            units_used=ending.units_used,
            files=tuple(ending.files),
        )
    )


async def _wait_again(tx: Tx, run: Run, *, available_at: datetime, reason: str) -> None:
    if run.attempt >= run.attempts_max:
        await end(tx, run, Ending(Outcome.FAILED, reason=reason))
        return
    run.state = RunState.WAITING
    run.lease_until = None
    run.lease_owner = None
    run.available_at = available_at
    run.reason = _fit(reason, texts.REASON_BYTES_MAX)


async def _run_of(tx: Tx, lease: Lease) -> Run | None:
    return await tx.scalar(_fresh(*_held(lease)).with_for_update())


def _fit(text: str | None, bytes_max: int) -> str | None:
    return None if text is None else texts.cut(text, bytes_max)


def _held(lease: Lease) -> Sequence[ColumnElement[bool]]:
    return (
        Run.task_id == lease.task_id,
        Run.attempt == lease.attempt,
        Run.state == RunState.RUNNING,
    )


def _fresh(*conditions: ColumnElement[bool]) -> Select[Run]:
    return select(Run).where(*conditions).execution_options(populate_existing=True)
