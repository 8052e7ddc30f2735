"""Many worlds at once: a PostgreSQL, a few worker processes, and what became of each world."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.simulation.postgres import copies, running_postgres
from tests.simulation.simulate import Result

ROOT = Path(__file__).parents[2]
JOBS = 2
WORLDS_MAX = 150  # of one worker, which keeps all its dead in memory
WORLD_S_MAX = 900
LINE_BYTES_MAX = 2**26


@dataclass(frozen=True, slots=True)
class Task:
    """A world to be run: a seed's own, or a journey that is crashed at one event; with a planted fault, or none."""

    seed: int
    journey: str | None = None
    crash_at: int | None = None
    mutant: str | None = None
    lines_max: int | None = 150
    mix: str = "all"

    def __str__(self) -> str:
        words = [f"seed {self.seed}" if self.mix == "all" else f"seed {self.seed} of {self.mix}"]
        if self.journey:
            words.append(f"{self.journey} killed at event {self.crash_at}")
        if self.mutant:
            words.append(f"with the planted fault {self.mutant}")
        return ", ".join(words)

    @property
    def command(self) -> str:
        """The command that runs this world again."""
        variables = {"SEED": self.seed, "JOURNEY": self.journey, "AT": self.crash_at}
        words = [f"{name}={value}" for name, value in variables.items() if value is not None]
        if self.mix != "all":
            words.append(f"MIX={self.mix}")
        if self.mutant:
            words.append(f"MUTANT={self.mutant}")
        return " ".join(["make simulate", *words])


Done = tuple[Task, Result]


class Worker:
    """A process that runs worlds, replaced after a number of them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._process: asyncio.subprocess.Process | None = None
        self._world_count = 0

    async def run(self, task: Task) -> Result:
        """Return what became of a world."""
        process = await self._started()
        self._world_count += 1
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
        try:
            async with asyncio.timeout(WORLD_S_MAX):
                return Result(**json.loads(await process.stdout.readline()))
        except (TimeoutError, ValueError):
            await self.end()
            return Result(task.seed, violations=["the worker did not come to an end with it"])

    async def end(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _started(self) -> asyncio.subprocess.Process:
        if self._world_count >= WORLDS_MAX:
            await self.end()
        if self._process is None:
            self._world_count = 0
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.simulation.worker",
                self._url,
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE_BYTES_MAX,
            )
        return self._process


class Runner:
    """Runs tasks on workers."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._workers = [Worker(url) for url in urls]

    async def results(self, tasks: Iterable[Task]) -> AsyncIterator[Done]:
        """Yield the result of each task, in the order in which they come."""
        waiting, done = iter(tasks), asyncio.Queue[Done | None]()
        working = [asyncio.create_task(_work(one, waiting, done)) for one in self._workers]
        try:
            for _ in working:
                while (item := await done.get()) is not None:
                    yield item
        finally:
            for work in working:
                work.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    async def result(self, task: Task) -> Result:
        """Return the result of one task."""
        return await self._workers[0].run(task)

    async def end(self) -> None:
        """End the workers; others are started when there is more to do."""
        for worker in self._workers:
            await worker.end()


async def _work(
    worker: Worker, waiting: Iterator[Task], done: "asyncio.Queue[Done | None]"
) -> None:
    try:
        for task in waiting:
            await done.put((task, await worker.run(task)))
    except asyncio.CancelledError:
        await worker.end()  # it is in the middle of a world
        raise
    finally:
        done.put_nowait(None)


@asynccontextmanager
async def running(jobs: int = JOBS) -> AsyncIterator[Runner]:
    """Run a PostgreSQL with a database for each worker."""
    async with running_postgres() as url:
        runner = Runner(await copies(url, jobs))
        try:
            yield runner
        finally:
            await runner.end()


def described(task: Task, result: Result) -> str:
    """Return what somebody needs to know of a world in which a promise was broken."""
    lines = [
        f"{task}: {result.violations[0]}",
        *(f"  and: {other}" for other in result.violations[1:5]),
        *(f"    {line}" for line in result.lines),
        f"{task}: {result.violations[0]}",
        f"  after {result.points} events, {result.virtual_s:.0f} virtual seconds; trace {result.trace}",
        f"  again: {task.command}",
    ]
    return "\n".join(lines)
