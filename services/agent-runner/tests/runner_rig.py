"""An agent-runner whose clock, agents and object store belong to the test."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from agent_runner.agents import Agent, AgentFailed, Answer, Assignment, Report
from agent_runner.delivery import Store
from agent_runner.executors import Executors
from agent_runner.models import Run, RunFile
from agent_runner.service import assemble, limits_of
from agent_runner.settings import AgentRunnerSettings
from agent_runner.workers import Reaper, RunWorker
from shared.blobs import FileBlobs
from shared.clock import Ids
from shared.contracts.credits import Balance, CreditsHeld
from shared.contracts.tasks import TaskCancelRequested, TaskCreated, Terms
from shared.db import Database
from shared.service import Service
from shared.testing import ADMIN_KEY, ServiceUnderTest, TokenIssuer

SECRET = "the-secret-of-the-links-of-a-test"
Behaviour = Callable[[Assignment, Path, Report], Awaitable[Answer]]


class OwnClock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class PlayedAgent:
    """An agent that plays one behaviour an attempt, the last one again and again."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = behaviours
        self.assignments: list[Assignment] = []
        self.folders: list[Path] = []

    async def run(self, assignment: Assignment, scratch: Path, report: Report) -> Answer:
        number = min(len(self.assignments), len(self._behaviours) - 1)
        self.assignments.append(assignment)
        self.folders.append(scratch)
        return await self._behaviours[number](assignment, scratch, report)

    async def check(self) -> None:
        reason = "The played agent rests."
        raise AgentFailed(reason)


class Gate:
    """A behaviour that begins, and goes on only when the test opens it."""

    def __init__(self, then: Behaviour) -> None:
        self._then = then
        self.has_begun = asyncio.Event()
        self.was_cancelled = asyncio.Event()
        self._is_open = asyncio.Event()

    async def __call__(self, assignment: Assignment, scratch: Path, report: Report) -> Answer:
        self.has_begun.set()
        try:
            await self._is_open.wait()
        except asyncio.CancelledError:
            self.was_cancelled.set()
            raise
        return await self._then(assignment, scratch, report)

    def open(self) -> None:
        self._is_open.set()

    async def begun(self) -> None:
        async with asyncio.timeout(30):
            await self.has_begun.wait()


def says(text: str, units_used: int | None = None) -> Behaviour:
    """Answer with a text alone."""

    async def answer(_: Assignment, __: Path, ___: Report) -> Answer:
        return Answer(text=text, units_used=units_used)

    return answer


def fails(reason: str, *, is_worth_retrying: bool = False) -> Behaviour:
    """Fail with a reason."""

    async def fail(_: Assignment, __: Path, ___: Report) -> Answer:
        raise AgentFailed(reason, is_worth_retrying=is_worth_retrying)

    return fail


def settings_of(url: str, folder: Path, **changes: object) -> AgentRunnerSettings:
    """The settings of a test's agent-runner, which is run by the executor called demo."""
    usual = {
        "site_url": "http://test",
        "jwks_url": "http://test/.well-known/jwks.json",
        "admin_api_key": ADMIN_KEY,
        "database_url": url,
        "blobs_url": f"file://{folder}/blobs",
        "blobs_link_secret": SECRET,
        "executor": "demo",
        "scratch_dir": folder,
        "run_s_max": 1800,
        "lease_s": 60,
        "concurrency": 1,
    }
    return AgentRunnerSettings(**{**usual, **changes})


@dataclass
class Rig:
    """The parts of an agent-runner under test."""

    url: str
    folder: Path
    clock: OwnClock = field(default_factory=OwnClock)
    tokens: TokenIssuer = field(default_factory=TokenIssuer)
    sut: ServiceUnderTest = field(init=False)
    settings: AgentRunnerSettings = field(init=False)
    database: Database = field(init=False)
    blobs: FileBlobs = field(init=False)

    def service(self, agent: Agent, **changes: object) -> Service:
        self.settings = settings_of(self.url, self.folder, **changes)
        self.database = Database(self.url, source="agent-runner", clock=self.clock)
        self.blobs = FileBlobs(self.folder / "blobs", secret=SECRET)
        return assemble(
            self.settings,
            database=self.database,
            agents={"demo": agent},
            blobs=self.blobs,
            verifier=self.tokens.verifier(),
        )

    def worker(self, agent: Agent, *, blobs: FileBlobs | None = None) -> RunWorker:
        """One more worker, as another process would have it."""
        limits = limits_of(self.settings)
        return RunWorker(
            self.database,
            Executors({"demo": agent}, "demo"),
            Store(blobs or self.blobs, limits, self.database.ids.new),
            limits,
            owner="another process",
            scratch_dir=self.folder,
        )

    async def reap(self) -> None:
        while await Reaper(self.database).work_once():
            pass

    async def fund(self, description: str = "Do it", agent_type: str = "general") -> UUID:
        event = held(description, agent_type)
        await self.sut.deliver(event)
        return event.task.task_id

    async def run_of(self, task_id: UUID) -> Run:
        async with self.database.transaction() as tx:
            run = await tx.scalar(select(Run).where(Run.task_id == task_id))
            assert run is not None
            return run

    async def files_of(self, task_id: UUID) -> list[RunFile]:
        async with self.database.transaction() as tx:
            query = select(RunFile).join(Run).where(Run.task_id == task_id).order_by(RunFile.id)
            return list(await tx.scalars(query))

    def stored(self, key: str) -> bytes:
        return (self.folder / "blobs" / key).read_bytes()


def held(
    description: str = "Do it", agent_type: str = "general", *, user_id: UUID | None = None
) -> CreditsHeld:
    """A task that was just funded."""
    ids = Ids()
    user_id = user_id or ids.new()
    return CreditsHeld(
        hold_id=ids.new(),
        amount=10,
        task=TaskCreated(
            task_id=ids.new(),
            user_id=user_id,
            agent_type=agent_type,
            description=description,
            terms=Terms(expected=10, maximum=10),
        ),
        balance=Balance(balance=100, reserved=10, available=90, version=2),
    )


def cancelled(task_id: UUID) -> TaskCancelRequested:
    """The customer's word that the task is not wanted any more."""
    return TaskCancelRequested(task_id=task_id, user_id=Ids().new())
