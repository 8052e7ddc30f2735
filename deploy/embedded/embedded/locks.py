"""At most one server at a time on a data folder, also in the moments after a crash.

The lock is an open file which the server inherits: it is free when the last process that holds it
has ended, whoever was killed first, and no number of a process long gone can keep it.
"""

import asyncio
import fcntl
import os
import time
from pathlib import Path

POLL_S = 0.05
NOBODY = 0


class FolderInUse(RuntimeError):
    """Somebody else's server works in this folder."""

    def __init__(self, folder: Path, pid: int) -> None:
        super().__init__(f"{folder} is in use by process {pid}: stop it or choose another folder")
        self.folder = folder
        self.pid = pid


class FolderLock:
    """The right to run a server in a folder, shared with each child which inherits it."""

    def __init__(self, lock_file: int, last_server: int) -> None:
        self.fileno = lock_file
        self.last_server = last_server

    def name(self, server: int) -> None:
        """Write down who works here, for whoever comes next."""
        _write(self.fileno, server)

    def release(self) -> None:
        """Give up our part of the lock; that of a child lasts until its end."""
        os.close(self.fileno)


async def lock_folder(folder: Path, *, limit_s: float) -> FolderLock:
    """Lock the folder, waiting only for what a killed server or parent has left behind."""
    lock_file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        await _wait_for_lock(folder, lock_file, deadline=time.monotonic() + limit_s)
        _, last_server = _read(lock_file)
        _write(lock_file, last_server)
    except BaseException:
        os.close(lock_file)
        raise
    return FolderLock(lock_file, last_server)


async def _wait_for_lock(folder: Path, lock_file: int, *, deadline: float) -> None:
    while not _lock(lock_file):
        parent, server = _read(lock_file)
        if _is_alive(parent) and (server == NOBODY or _is_alive(server)):
            raise FolderInUse(folder, parent)
        if time.monotonic() > deadline:
            raise FolderInUse(folder, server)
        await asyncio.sleep(POLL_S)


def _lock(lock_file: int) -> bool:
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(lock_file: int, server: int) -> None:
    os.pwrite(lock_file, f"{os.getpid():20} {server:20}\n".encode(), 0)


def _read(lock_file: int) -> tuple[int, int]:
    """Return the process ids of parent and server; a power cut may leave none to read."""
    pids = [int(word) for word in os.pread(lock_file, 100, 0).split() if word.isdigit()]
    parent, server, *_ = [*pids, NOBODY, NOBODY]
    return parent, server


def _is_alive(pid: int) -> bool:
    if pid == NOBODY:  # which the system takes for our own process group
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
