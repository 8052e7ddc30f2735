"""A POST that shares its commit: the least that a durable write over HTTP takes, without any business.

python -m benchmarks.group_commit
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
import uvloop
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import make_url

from shared.settings import Settings, load

TABLE = "CREATE TABLE IF NOT EXISTS notes (id bigserial PRIMARY KEY, body text NOT NULL)"
INSERT = "INSERT INTO notes (body) SELECT unnest($1::text[])"


class GroupSettings(Settings):
    """Where it listens and where the rows go."""

    host: str
    port: int
    peer_database_url: str


class Note(BaseModel):
    """What is written."""

    text: str


class Group:
    """Writes what has come while the last commit was under way, as the next one."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()

    async def write(self, text: str) -> None:
        """Return once the text is committed."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((text, written))
        self._arrived.set()
        await written

    async def run(self, connection: Any) -> None:
        """Commit for ever, a group at a time."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            group, self._waiting = self._waiting, []
            await connection.execute(INSERT, [text for text, _ in group])
            for _, written in group:
                written.set_result(None)


def build(settings: GroupSettings) -> FastAPI:
    """Return the app."""
    group = Group()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        url = make_url(settings.peer_database_url)
        place = {"host": str(url.query["host"]), "port": int(str(url.query["port"]))}
        connection = await asyncpg.connect(**place, user=url.username, database=url.database)
        await connection.execute(TABLE)
        committing = asyncio.create_task(group.run(connection))
        yield
        committing.cancel()
        await connection.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/", status_code=201)
    async def write(note: Note) -> dict[str, bool]:
        await group.write(note.text)
        return {"written": True}

    return app


async def _serve() -> None:
    settings = load(GroupSettings)
    config = uvicorn.Config(
        build(settings), host=settings.host, port=settings.port, log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(f"ready: http://{settings.host}:{settings.port}", flush=True)
    await serving


if __name__ == "__main__":
    uvloop.run(_serve())
