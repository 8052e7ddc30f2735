"""Child processes which never outlive their parent, not even one that was ended by SIGKILL.

Linux sends the signal when the *thread* which started the child ends, so children are started
from the main thread. Elsewhere the children of a parent that was killed stay behind.
"""

import asyncio
import atexit
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOG_BYTES_MAX = 10_000_000
POLL_S = 0.01
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Owner:
    """The user and group a child of root runs as."""

    uid: int
    gid: int


def start(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    death_signal: signal.Signals,
    owner: Owner | None = None,
    inherit: Sequence[int] = (),
) -> "Child":
    """Start a child in a session of its own; it gets the death signal when this process ends."""
    assert threading.current_thread() is threading.main_thread(), "a child ends with its thread"
    log_file, log_start = _open_log(log, owner)
    try:
        process = subprocess.Popen(  # noqa: S603 - the command is the caller's own
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=log_file,
            cwd=cwd,
            env=dict(env),
            pass_fds=inherit,
            start_new_session=True,  # a Ctrl-C in the terminal is for the parent alone
            user=owner.uid if owner else None,
            group=owner.gid if owner else None,
            extra_groups=[] if owner else None,
            preexec_fn=_die_with(os.getpid(), death_signal),  # noqa: PLW1509 - calls no more than prctl
        )
    finally:
        os.close(log_file)
    if sys.platform != "linux":
        atexit.register(process.send_signal, death_signal)
    return Child(process, log, log_start)


class Child:
    """A child process, known by its process id and never by its name."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, log_start: int) -> None:
        self._process = process
        self._log = log
        self._log_start = log_start

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def last_words(self, *, lines_max: int = 10) -> str:
        """Return the end of what the child has written since its start."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-lines_max:])

    async def wait(self, *, limit_s: float) -> int:
        """Wait for the end of the child and return its exit code."""
        async with asyncio.timeout(limit_s):
            while (exit_code := self._process.poll()) is None:  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(POLL_S)
        return exit_code

    async def stop(self, how: signal.Signals, *, limit_s: float) -> None:
        """Ask the child to end, and kill it when the limit is over."""
        self._process.send_signal(how)
        try:
            await self.wait(limit_s=limit_s)
        except TimeoutError:
            pass
        finally:
            self.kill()

    def sweep(self) -> None:
        """End what a child that has ended left running: the rest of its process group."""
        assert not self.running, "it is no leftover"
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End the child at once, if it still runs, and leave no zombie."""
        self._process.kill()
        self._process.wait()


def _open_log(path: Path, owner: Owner | None) -> tuple[int, int]:
    """Open the log to append, after setting one aside that has grown too long."""
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_suffix(".old.log"))
    log_file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if owner:
        os.fchown(log_file, owner.uid, owner.gid)
    return log_file, os.fstat(log_file).st_size


def _die_with(parent: int, death_signal: signal.Signals) -> Callable[[], None] | None:
    """Return what the child does before its program starts, to get a signal when we end."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask_for_signal() -> None:
        prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(death_signal))
        if os.getppid() != parent:  # it ended before the kernel knew our wish
            os.kill(os.getpid(), signal.SIGKILL)

    return ask_for_signal
