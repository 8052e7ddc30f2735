"""Effects out: runs are leased and worked on by agents; leases and deadlines that are over are ended.

No transaction is open while an agent works, and none is cut off: a call that is cancelled has its agent
stopped and its lease given back, everything that is being written is written to its end.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from enum import Enum, auto
from pathlib import Path
from typing import Any

import structlog
from opentelemetry.trace import Span
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from agent_runner import runs
from agent_runner.agents import AgentFailed, Assignment, Progress
from agent_runner.delivery import Store
from agent_runner.executors import Executors
from agent_runner.runs import Ending, Lease, Limits
from shared.contracts.tasks import Outcome
from shared.correlation import taking_up
from shared.db import Database, Tx
from shared.ids import public
from shared.tracing import span

log = structlog.get_logger()

WRITE_S_MAX = 5
BEATS_PER_LEASE = 4

BACK_OFF = 4
PAUSE_S_MAX = 300

BROKEN = AgentFailed("Something went wrong while the agent was working.", is_worth_retrying=True)
STOPPED = AgentFailed("The agent was stopped before it was done.", is_worth_retrying=True)

OUTAGES = (OSError, DBAPIError, PoolTimeout)


class Turn(Enum):
    """What came first in an attempt."""

    DONE = auto()
    LOST = auto()
    STOPPED = auto()
    LATE = auto()


class RunWorker:
    """Leases a run, has its agent work on it, stores what it made, and finishes it."""

    def __init__(
        self,
        database: Database,
        executors: Executors,
        store: Store,
        limits: Limits,
        *,
        owner: str,
        scratch_dir: Path | None = None,
    ) -> None:
        self._database = database
        self._executors = executors
        self._store = store
        self._limits = limits
        self._owner = owner
        self._scratch_dir = scratch_dir

    async def work_once(self) -> bool:
        """Work on one run that waits; when cancelled, stop the agent and give the lease back first."""
        stopping = asyncio.Event()
        work = asyncio.create_task(self._work(stopping))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stopping.set()
            await _ended(work, within_s=self._limits.clean_up_s_max + WRITE_S_MAX)
            raise

    async def _work(self, stopping: asyncio.Event) -> bool:
        async with self._database.transaction() as tx:
            lease = await runs.lease(
                tx,
                executors=self._executors.agents,
                owner=self._owner,
                lease_s=self._limits.lease_s,
                user_runs_max=self._limits.user_runs_max,
            )
        if lease is None:
            return False
        async with self._scratch(lease) as scratch, self._kept(lease) as lost:
            with taking_up(lease.origin), _traced(lease) as run:
                work = asyncio.create_task(self._attempt(lease, scratch))
                turn = await _first(work, lost, stopping, within_s=lease.timeout_s)
                run.set_attribute("run.turn", turn.name.lower())
                await self._stop(work, lease)
                await self._settle(lease, turn, work)
        return True

    async def _attempt(self, lease: Lease, scratch: Path) -> Ending | AgentFailed:
        async def report(step: Progress) -> None:
            await asyncio.shield(self._tell(lease, step))

        assignment = Assignment(
            task_id=lease.task_id,
            attempt=lease.attempt,
            agent_type=lease.agent_type,
            prompt=lease.prompt,
            timeout_s=lease.timeout_s,
        )
        try:
            agent = self._executors.agents[lease.executor]
            answer = await agent.run(assignment, scratch, report)
            return await self._store.deliver(lease, answer, scratch)
        except AgentFailed as failure:
            return failure
        except Exception as flaw:
            log.error("agent_broke", **_named(lease), exc_info=flaw)
            return BROKEN

    async def _stop(self, work: asyncio.Task[Ending | AgentFailed], lease: Lease) -> None:
        """Cancel an agent's call and wait, not for ever, until it has cleaned up."""
        if work.done():
            return
        work.cancel()
        if not await _ended(work, within_s=self._limits.clean_up_s_max):
            log.error("agent_does_not_stop", **_named(lease))

    async def _settle(
        self, lease: Lease, turn: Turn, work: asyncio.Task[Ending | AgentFailed]
    ) -> None:
        """Write what became of the attempt; after a lost lease that is somebody else's to say."""
        log.info("attempt_ended", **_named(lease), turn=turn.name.lower())
        pause_s = min(self._limits.retry_s * BACK_OFF ** (lease.attempt - 1), PAUSE_S_MAX)
        match turn:
            case Turn.DONE:
                verdict = _verdict(work)
            case Turn.STOPPED:
                verdict = _delivered(work) or STOPPED
            case Turn.LATE:
                verdict = Ending(Outcome.TIMED_OUT, reason=runs.TIMED_OUT)
            case Turn.LOST:
                return
        await self._write(lambda tx: _conclude(tx, lease, verdict, pause_s=pause_s))

    async def _write(self, write: Callable[[Tx], Awaitable[None]]) -> None:
        """Write, again while the database is away, for as long as the lease may outlast it."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(OUTAGES),
            wait=wait_exponential(multiplier=0.1, max=5),
            stop=stop_after_delay(self._limits.lease_s),
            reraise=True,
        ):
            with attempt:
                async with self._database.transaction() as tx:
                    await write(tx)

    async def _tell(self, lease: Lease, step: Progress) -> None:
        """Publish progress; an outage costs the customer a note, not the work."""
        try:
            async with self._database.transaction() as tx:
                await runs.progress(tx, lease, step)
        except OUTAGES as flaw:
            log.warning("progress_lost", **_named(lease), reason=type(flaw).__name__)

    @asynccontextmanager
    async def _kept(self, lease: Lease) -> AsyncIterator[asyncio.Event]:
        """Extend the lease until the block ends; the event is set when it is lost."""
        lost, over = asyncio.Event(), asyncio.Event()
        beating = asyncio.create_task(self._beat(lease, lost, over))
        try:
            yield lost
        finally:
            over.set()
            await beating

    async def _beat(self, lease: Lease, lost: asyncio.Event, over: asyncio.Event) -> None:
        """A lease that could not be extended for its whole length is lost, whoever has it now."""
        clock = asyncio.get_running_loop().time
        held_until = clock() + self._limits.lease_s
        while not await _is_set(over, within_s=self._limits.lease_s / BEATS_PER_LEASE):
            began_at = clock()
            try:
                async with self._database.transaction() as tx:
                    is_held = await runs.heartbeat(tx, lease, lease_s=self._limits.lease_s)
            except OUTAGES as flaw:
                log.warning("heartbeat_failed", **_named(lease), reason=type(flaw).__name__)
                is_held = clock() < held_until
            else:
                held_until = began_at + self._limits.lease_s
            if not is_held:
                lost.set()
                return

    @asynccontextmanager
    async def _scratch(self, lease: Lease) -> AsyncIterator[Path]:
        """Give an empty folder to the attempt, and remove it."""
        prefix = f"run-{lease.task_id.hex}-{lease.attempt}-"
        folder = await asyncio.to_thread(tempfile.mkdtemp, prefix=prefix, dir=self._scratch_dir)
        try:
            yield Path(folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class Reaper:
    """Ends runs past their deadline and takes back leases whose holder is gone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def work_once(self) -> bool:
        """End or free one run; tell whether there was one."""
        async with self._database.transaction() as tx:
            return await runs.give_up(tx)


async def _conclude(tx: Tx, lease: Lease, verdict: Ending | AgentFailed, *, pause_s: float) -> None:
    if isinstance(verdict, Ending):
        is_heard = await runs.finish(tx, lease, verdict)
    elif verdict is STOPPED:
        is_heard = await runs.hand_back(tx, lease, verdict.reason)
    elif verdict.is_worth_retrying:
        is_heard = await runs.retry(tx, lease, verdict.reason, pause_s=pause_s)
    else:
        ending = Ending(Outcome.FAILED, reason=verdict.reason)
        is_heard = await runs.finish(tx, lease, ending)
    if not is_heard:
        log.info("attempt_not_heard", **_named(lease))


def _traced(lease: Lease) -> AbstractContextManager[Span]:
    return span(
        f"run {lease.executor}",
        service="agent-runner",
        attributes={
            "task.id": public("task", lease.task_id),
            "run.attempt": lease.attempt,
            "run.executor": lease.executor,
            "run.agent_type": lease.agent_type,
        },
    )


def _verdict(work: asyncio.Task[Ending | AgentFailed]) -> Ending | AgentFailed:
    return BROKEN if work.cancelled() else work.result()  # cancelled by the agent itself


def _delivered(work: asyncio.Task[Ending | AgentFailed]) -> Ending | None:
    """Return what an agent delivered although it was being stopped."""
    if not work.done() or work.cancelled():
        return None
    result = work.result()
    return result if isinstance(result, Ending) else None


async def _first(
    work: asyncio.Task[Ending | AgentFailed],
    lost: asyncio.Event,
    stopping: asyncio.Event,
    *,
    within_s: float,
) -> Turn:
    """Wait for what comes first; work that is done counts as done, whatever else came with it."""
    waits = {
        work: Turn.DONE,
        asyncio.create_task(lost.wait()): Turn.LOST,
        asyncio.create_task(stopping.wait()): Turn.STOPPED,
    }
    done, pending = await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending - {work}:
        wait.cancel()
    return next((turn for wait, turn in waits.items() if wait in done), Turn.LATE)


async def _ended(task: asyncio.Task[Any], *, within_s: float) -> bool:
    done, _ = await asyncio.wait({task}, timeout=within_s)
    return bool(done)


async def _is_set(event: asyncio.Event, *, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            return await event.wait()
    except TimeoutError:
        return False


def _named(lease: Lease) -> dict[str, Any]:
    return {"task_id": str(lease.task_id), "attempt": lease.attempt, "executor": lease.executor}
