"""Folders of a test run, which the next run removes where this one is killed.

They are in memory where there is plenty: what a test writes need not survive the machine, and databases make, fill and
remove many small files.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "impacter-test-"
LOCK = "in-use"
MEMORY = Path("/dev/shm")
ROOM_BYTES_MIN = 4 * 2**30


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """Give an empty folder to the block; remove it, and those that killed runs have left."""
    for known in (MEMORY, Path(tempfile.gettempdir())):
        for leftover in known.glob(f"{PREFIX}*"):
            _remove_if_left(leftover)
    place = MEMORY if _room_bytes() >= ROOM_BYTES_MIN else None
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{name}-", dir=place))
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)  # free when this process has ended, however it ends
    content = folder / name
    content.mkdir()
    try:
        yield content
    finally:
        shutil.rmtree(folder)
        os.close(lock)


def _room_bytes() -> int:
    """How much may be written to memory: what its file system takes, and what nobody else needs."""
    if not os.access(MEMORY, os.W_OK | os.X_OK):
        return 0
    idle_bytes = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(shutil.disk_usage(MEMORY).free, idle_bytes)


def _remove_if_left(folder: Path) -> None:
    with suppress(OSError):  # somebody else's, or just being made or removed
        lock = os.open(folder / LOCK, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(lock)
