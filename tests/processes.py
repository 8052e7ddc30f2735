"""Processes as Linux shows them, known by their ids and by the folder of the product they belong to."""

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def children_of(parent: int) -> dict[str, int]:
    """Return the ids of a process's children by what they are: a module's name, `nginx`, `postgres`, `rabbitmq`."""
    return {_what_it_is(command): pid for pid in _children(parent) if (command := command_of(pid))}


def family_of(pid: int) -> Iterator[int]:
    """Yield a process and all that descend from it, parents first."""
    yield pid
    for child in _children(pid):
        yield from family_of(child)


def command_of(pid: int) -> list[str]:
    """Return a process's program and its first arguments; of one that has ended, nothing."""
    try:
        return (PROC / f"{pid}/cmdline").read_text().rstrip("\0").split("\0")[:3]
    except (FileNotFoundError, ProcessLookupError):
        return []


def has_ended(pid: int) -> bool:
    """Tell whether nothing of a process is left but its exit code."""
    return not any(command_of(pid))


def environment_of(pid: int) -> dict[str, str]:
    """Return the variables that a process was started with."""
    lines = _environment(pid).split("\0")
    return dict(line.split("=", 1) for line in lines if "=" in line)


def send(number: signal.Signals, pids: Iterable[int], *, of: int) -> None:
    """Send a signal to descendants of a process; one that is none is refused, one that has ended is passed over."""
    descendants = set(family_of(of)) - {of}
    for pid in pids:
        with suppress(ProcessLookupError):
            assert pid in descendants or has_ended(pid), f"{pid} is not a descendant of {of}"
            os.kill(pid, number)


def processes_in(folder: Path) -> dict[int, str]:
    """Return the commands of the processes that work in a folder, or were told of it."""
    found = {}
    for pid in (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()):
        try:
            places = f"{(PROC / str(pid) / 'cwd').readlink()}/\0{_environment(pid)}"
        except OSError:  # it ended meanwhile
            continue
        if f"{folder}/" in places or f"{folder}\0" in places:
            found[pid] = " ".join(command_of(pid))
    return found


def _children(parent: int) -> list[int]:
    try:
        return [int(pid) for pid in (PROC / f"{parent}/task/{parent}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _what_it_is(command: list[str]) -> str:
    name = Path(command[0].split(":")[0]).name
    if command[1:2] == ["-m"]:
        return command[2]
    return {"beam.smp": "rabbitmq"}.get(name, name)


def _environment(pid: int) -> str:
    return (PROC / f"{pid}/environ").read_bytes().decode(errors="replace")
