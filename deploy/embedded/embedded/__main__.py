"""The whole product in one process: every service, PostgreSQL, its bus, files and mails in one folder.

    python -m embedded

Honours PORT, DATA_DIR and every variable of `.env.example`; a file `.env` beside it counts as environment.
"""

import asyncio
import gc
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from dotenv import load_dotenv

from embedded.defaults import DATABASES, completed
from embedded.folders import FolderUnusable, data_folder
from embedded.locks import FolderInUse
from embedded.ports import PortUnusable, claim
from embedded.postgres import EmbeddedPostgres, PostgresFailed
from embedded.postgres_install import PostgresMissing

Run = Callable[[Path], Awaitable[None]]


async def main() -> None:
    """Start PostgreSQL, then everything on it; end both in the other order."""
    gc.disable()  # what is made while code is read stays for ever: `shared.run` begins to collect once it serves
    claim(os.environ.get("PORT") or "8080")
    folder = data_folder(os.environ)
    postgres = EmbeddedPostgres(folder / "postgres")
    try:
        run, _ = await asyncio.gather(asyncio.to_thread(_product), postgres.start())
        await postgres.ensure_databases(DATABASES)
        urls = {name: postgres.url(name) for name in DATABASES}
        os.environ.update(completed(os.environ, folder, urls))
        await run(folder)
    finally:
        await postgres.stop()


def _product() -> Run:
    """Return what runs the product: its code is read while PostgreSQL starts."""
    from embedded.product import run  # noqa: PLC0415 - a second's work

    return run


if __name__ == "__main__":
    load_dotenv(Path(".env"))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    except (FolderInUse, FolderUnusable, PortUnusable, PostgresFailed, PostgresMissing) as reason:
        sys.exit(f"cannot start: {reason}")
