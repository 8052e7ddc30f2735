"""A mail server for developers: it takes every mail, sends none on, and shows them all at /dev/mailbox.

python -m development.mail
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI

from development.settings import MailSettings
from embedded import mailbox
from shared import problems
from shared.health import Live
from shared.settings import load

SMTP_PORT = 1025
MAIL_BYTES_MAX = 10 * 1024 * 1024


class Keeper:
    """Keeps each mail as a file, the newest of the greatest name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
    ) -> str:
        """Answer only when the mail is on disk."""
        content = envelope.content
        assert isinstance(content, bytes)
        await asyncio.to_thread(self._keep, content)
        return "250 OK"

    def _keep(self, content: bytes) -> None:
        name = f"{time.time_ns():020}-{uuid4().hex[:8]}"
        partial = self._folder / f"{name}.part"
        partial.write_bytes(content)
        partial.replace(self._folder / f"{name}.eml")


def build_app(folder: Path, *, host: str, smtp_port: int) -> FastAPI:
    """Return the pages of the mailbox; while they are served, mails are taken."""
    keeper = Keeper(folder)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(keeper, data_size_limit=MAIL_BYTES_MAX, enable_SMTPUTF8=True),
            host,
            smtp_port,
        )
        async with server:
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    problems.install(app)
    app.include_router(mailbox.routes(folder))

    @app.get("/health/ready")
    async def ready() -> Live:
        return Live()

    return app


if __name__ == "__main__":
    settings = load(MailSettings)
    uvicorn.run(
        build_app(settings.data_dir, host=settings.host, smtp_port=SMTP_PORT),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
    )
