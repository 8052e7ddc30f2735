"""The desk: a person takes a task over, attaches files, and ends it with a result or a reason."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO
from uuid import UUID

import structlog
from sqlalchemy import select

from agent_runner import runs, texts
from agent_runner.delivery import Store
from agent_runner.executors import HUMAN
from agent_runner.models import Run, RunFile, RunState
from agent_runner.runs import Ending, Limits
from shared.contracts.tasks import DeliveredFile, Outcome
from shared.correlation import taking_up
from shared.db import Database, Tx
from shared.errors import Conflict, DomainError, Invalid, NotFound

log = structlog.get_logger()

NOT_DONE = "The task could not be done."


class FileTooLarge(DomainError):
    """The file is larger than can be delivered."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"


async def page(tx: Tx, *, state: RunState | None, limit: int, before: UUID | None) -> Sequence[Run]:
    """Return a page of runs, newest first."""
    query = select(Run).order_by(Run.id.desc()).limit(limit)
    if state is not None:
        query = query.where(Run.state == state)
    if before is not None:
        query = query.where(Run.id < before)
    return await tx.scalars(query)


async def find(tx: Tx, task_id: UUID) -> Run:
    """Return the task's run; raise NotFound."""
    run = await tx.scalar(select(Run).where(Run.task_id == task_id))
    if run is None:
        raise NotFound
    return run


async def files_of(tx: Tx, *some: Run) -> Mapping[UUID, list[RunFile]]:
    """Return the files of these runs' present attempts, by run."""
    attempts = {run.id: run.attempt for run in some}
    rows = await tx.scalars(
        select(RunFile).where(RunFile.run_id.in_(attempts)).order_by(RunFile.id)
    )
    files: dict[UUID, list[RunFile]] = {run_id: [] for run_id in attempts}
    for row in rows:
        if row.attempt == attempts[row.run_id]:
            files[row.run_id].append(row)
    return files


async def take(tx: Tx, task_id: UUID, limits: Limits, *, by: str) -> Run:
    """Put a run into a person's hands; an agent that works on it is not heard any more."""
    run = await _open(tx, task_id)
    run.deadline_at = await tx.now() + timedelta(seconds=limits.desk_s_max)
    if _is_in_hand(run):
        run.lease_owner = by
        return run
    run.executor = HUMAN
    run.lease_until = None
    with taking_up(run.origin):
        await runs.begin_attempt(tx, run, owner=by)
    log.info("run_taken", task_id=str(task_id), attempt=run.attempt, by=by)
    return run


async def complete(
    tx: Tx, task_id: UUID, *, result: str | None, units_used: int | None, by: str
) -> Run:
    """End a run with a person's result and the files attached to it."""
    text = texts.clean(result or "")
    if not text.strip():
        message = "A completed task needs a result."
        raise Invalid(message)
    if texts.size(text) > texts.TEXT_BYTES_MAX:
        message = "The result is too long; attach it as a file."
        raise Invalid(message)
    run = await _open(tx, task_id)
    files = [_delivered(file) for file in (await files_of(tx, run))[run.id]]
    ending = Ending(Outcome.SUCCEEDED, result=text, units_used=units_used, files=files)
    return await _end(tx, run, ending, by=by)


async def refuse(tx: Tx, task_id: UUID, outcome: Outcome, *, reason: str | None, by: str) -> Run:
    """End a run without a result, and say why."""
    usual = runs.CANCELLED if outcome is Outcome.CANCELLED else NOT_DONE
    sentence = texts.cut(reason or "", texts.REASON_BYTES_MAX).strip() or usual
    run = await _open(tx, task_id)
    return await _end(tx, run, Ending(outcome, reason=sentence), by=by)


class Attachments:
    """Takes in the files that a person made."""

    def __init__(
        self, database: Database, store: Store, limits: Limits, *, scratch_dir: Path | None
    ) -> None:
        self._database = database
        self._store = store
        self._limits = limits
        self._scratch_dir = scratch_dir

    async def attach(
        self, task_id: UUID, content: BinaryIO, *, name: str, media_type: str
    ) -> RunFile:
        """Store a file and enter it into the manifest of the run that a person has in hand."""
        async with self._database.transaction() as tx:
            attempt = (await self._in_hand(tx, task_id)).attempt
        with tempfile.TemporaryDirectory(dir=self._scratch_dir, prefix="desk-") as folder:
            path = Path(folder) / "file"
            await asyncio.to_thread(self._copy, content, path)
            plain = texts.file_name(name)
            file = await self._store.keep(task_id, attempt, path, name=plain, media_type=media_type)
        async with self._database.transaction() as tx:
            run = await self._in_hand(tx, task_id)
            return await _enter(tx, run, file)

    async def _in_hand(self, tx: Tx, task_id: UUID) -> Run:
        run = await _open(tx, task_id)
        if not _is_in_hand(run):
            message = "Take the task first (status in-progress); then attach files to it."
            raise Conflict(message)
        if len((await files_of(tx, run))[run.id]) >= self._limits.files_max:
            message = "This task has as many files as can be delivered."
            raise Conflict(message)
        return run

    def _copy(self, content: BinaryIO, path: Path) -> None:
        with path.open("wb") as target:
            copyfileobj(content, target)
        if path.stat().st_size > self._limits.file_bytes_max:
            raise FileTooLarge


async def _open(tx: Tx, task_id: UUID) -> Run:
    run = await runs.locked(tx, task_id)
    if run is None:
        raise NotFound
    if run.state == RunState.FINISHED:
        message = "This task is finished."
        raise Conflict(message, outcome=run.outcome)
    return run


async def _end(tx: Tx, run: Run, ending: Ending, *, by: str) -> Run:
    run.executor = HUMAN
    run.lease_owner = by
    with taking_up(run.origin):
        await runs.end(tx, run, ending)
    log.info("run_ended_by_hand", task_id=str(run.task_id), outcome=ending.outcome, by=by)
    return run


async def _enter(tx: Tx, run: Run, file: DeliveredFile) -> RunFile:
    """Enter a stored file under a free name, or return the same one that was attached before."""
    files = (await files_of(tx, run))[run.id]
    for other in files:
        if (other.name, other.sha256) == (file.name, file.sha256):
            return other
    name = texts.another_name(file.name, [other.name for other in files])
    return runs.remember_file(tx, run, file.model_copy(update={"name": name}), now=await tx.now())


def _is_in_hand(run: Run) -> bool:
    return run.state == RunState.RUNNING and run.executor == HUMAN


def _delivered(file: RunFile) -> DeliveredFile:
    return DeliveredFile(
        file_id=file.id,
        key=file.key,
        name=file.name,
        size=file.size,
        media_type=file.media_type,
        sha256=file.sha256,
    )
