"""A process as the kernel and a sampling profiler see it: its processor time, its memory, where its time goes."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stage import REPOSITORY

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PROFILER = REPOSITORY / ".venv-bench" / "bin" / "py-spy"
LINES_MAX = 40


@dataclass
class Spent:
    """Processor time that was spent in a block."""

    seconds: float = 0.0


@contextmanager
def processor_time(*pids: int) -> Iterator[Spent]:
    """Measure the processor time of these processes during the block."""
    spent = Spent()
    before = sum(map(cpu_s, pids))
    yield spent
    spent.seconds = sum(map(cpu_s, pids)) - before


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = (PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def rss_kb(pid: int) -> int:
    """Return the memory that a process keeps resident."""
    return _status(pid, "VmRSS")


def pss_kb(pid: int) -> int:
    """Return a process's memory with its share of what it has in common with others."""
    lines = (PROC / f"{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    children = (PROC / f"{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in family(int(child)))]


@asynccontextmanager
async def profiled(pid: int, name: str, folder: Path | None) -> AsyncIterator[None]:
    """Sample a process during the block and write down where its time goes; nothing without a folder."""
    if folder is None:
        yield
        return
    file = folder / f"{name}.raw"
    sampler = await asyncio.create_subprocess_exec(
        *(PROFILER, "record", "--pid", str(pid), "--rate", "200", "--format", "raw"),
        *("--nonblocking", "--output", file),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        sampler.send_signal(signal.SIGINT)
        await sampler.wait()
        await asyncio.to_thread(_summarise, file)


def _summarise(file: Path) -> None:
    file.with_suffix(".txt").write_text(summary(file.read_text()))


def summary(stacks: str) -> str:
    """Say which functions the samples were in: by themselves, and with all that they called."""
    alone: Counter[str] = Counter()
    together: Counter[str] = Counter()
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        names = [frame.rpartition(":")[0] for frame in frames.split(";")]
        alone[names[-1]] += int(count)
        for name in set(names):
            together[name] += int(count)
    total = max(sum(alone.values()), 1)
    return f"samples: {total}\n\nitself\n{_top(alone, total)}\n\nwith what it called\n{_top(together, total)}\n"


def _top(counted: Counter[str], total: int) -> str:
    return "\n".join(
        f"{100 * count / total:5.1f} %  {name}" for name, count in counted.most_common(LINES_MAX)
    )


def _status(pid: int, name: str) -> int:
    lines = (PROC / f"{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
