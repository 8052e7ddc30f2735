"""The one folder that a product keeps everything in."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile


class FolderUnusable(RuntimeError):
    """The folder cannot be made or written to; the text says which, and why."""


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder that DATA_DIR names, made if it is not there; raise FolderUnusable where nothing can be kept."""
    folder = Path(environment.get("DATA_DIR") or "data").absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as flaw:
        message = f"DATA_DIR: nothing can be kept in {folder}: {flaw.strerror}"
        raise FolderUnusable(message) from None
