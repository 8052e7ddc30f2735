"""Folders of a test run, which the next run removes where this one is killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "impacter-test-"
LOCK = "in-use"


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """Give an empty folder to the block; remove it, and those that killed runs have left."""
    for leftover in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        _remove_if_left(leftover)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{name}-"))
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)  # free when this process has ended, however it ends
    content = folder / name
    content.mkdir()
    try:
        yield content
    finally:
        shutil.rmtree(folder)
        os.close(lock)


def _remove_if_left(folder: Path) -> None:
    with suppress(OSError):  # somebody else's, or just being made or removed
        lock = os.open(folder / LOCK, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(lock)
