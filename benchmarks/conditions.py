"""The conditions of a run: when, on what, with what, and how much of the machine others took meanwhile."""

import os
import platform
import resource
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.stage import REPOSITORY
from embedded.postgres_install import environment, find_bin_dir

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
QUIET = 0.15
LIBRARIES = ("uvicorn", "fastapi", "sqlalchemy", "asyncpg", "aio-pika")


class Conditions:
    """Watches the machine from the beginning of a run to its end."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = " ".join(command)
        self._began_at = datetime.now(UTC)
        self._load = os.getloadavg()
        self._busy_s = _busy_s()
        self._own_s = _own_s()

    def told(self) -> list[str]:
        """Return the conditions in sentences; to be asked when every process of the run has ended."""
        minutes = (datetime.now(UTC) - self._began_at).total_seconds() / 60
        cores = os.cpu_count() or 1
        others = (_busy_s() - self._busy_s) - (_own_s() - self._own_s)
        share = max(others, 0) / (minutes * 60 * cores)
        disturbed = (
            "" if share < QUIET else " **The machine was not quiet: trust the ratios only.**"
        )
        before, after = (f"{load[0]:.1f}" for load in (self._load, os.getloadavg()))
        loaded = f"load average {before} at the beginning, {after} at the end"
        return [
            f"{self._began_at:%Y-%m-%d %H:%M} UTC, {minutes:.0f} minutes, `{self._command}`, {_commit()}",
            f"{cores} cores ({_processor()}), {_memory_gb():.0f} GB, {_system()}",
            f"Python {platform.python_version()}, {_engines()}; "
            + ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
            f"{loaded}; others took {share:.0%} of the processors meanwhile.{disturbed}",
        ]


def _busy_s() -> float:
    fields = [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / TICKS_PER_S


def _own_s() -> float:
    """Return the processor time of this process and of those it started that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _commit() -> str:
    try:
        name = _said("git", "rev-parse", "--short", "HEAD")
        is_changed = bool(_said("git", "status", "--porcelain"))
    except (OSError, subprocess.CalledProcessError):
        return "no commit"
    return f"commit {name}{' and changes' if is_changed else ''}"


def _said(*command: str | Path, **options: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True, **options)  # type: ignore[call-overload]
    return str(done.stdout.decode().strip())


def _engines() -> str:
    bin_dir = find_bin_dir(None)
    postgres = _said(bin_dir / "postgres", "--version", env=environment(bin_dir)).split()[2]
    try:
        rabbitmq = _said("dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server")
    except (OSError, subprocess.CalledProcessError):
        rabbitmq = ""
    return f"PostgreSQL {postgres} (fsync on), RabbitMQ {rabbitmq} (quorum queues, one node)"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _system() -> str:
    return str(platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()))
