"""The whole product in one process: every service, PostgreSQL, its bus, files and mails in one folder.

    python -m embedded

Honours PORT, DATA_DIR and every variable of `.env.example`; a file `.env` beside it counts as environment.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import uvloop
from dotenv import load_dotenv
from starlette.types import ASGIApp

import agent_runner.service
import auth.service
import billing.service
import notifier.service
import tasks.service
from embedded import mailbox
from embedded.defaults import (
    DATABASES,
    STRIPE,
    emulates_stripe,
    mail_folder,
    shows_mailbox,
    stripe_folder,
    variables,
)
from embedded.emulator.service import Emulator, at_site
from embedded.locks import FolderInUse
from embedded.ports import PortUnusable, claim
from embedded.postgres import EmbeddedPostgres, PostgresFailed
from embedded.postgres_install import PostgresMissing
from embedded.settings import FrontSettings
from gateway.front import Front
from gateway.limits import Limits, multiplied
from gateway.pages import PagesMissing, read
from shared.run import serve
from shared.settings import load

BUILDERS = (
    auth.service.build,
    billing.service.build,
    tasks.service.build,
    notifier.service.build,
    agent_runner.service.build,
)


async def main() -> None:
    """Start PostgreSQL, then everything on it; end both in the other order."""
    port = str(claim(os.environ.get("PORT") or "8080"))
    folder = data_folder()
    postgres = EmbeddedPostgres(folder / "postgres")
    await postgres.start()
    try:
        await postgres.ensure_databases(DATABASES)
        urls = {name: postgres.url(name) for name in DATABASES}
        defaults = variables(folder, port, urls)
        is_emulated = emulates_stripe(os.environ)
        if not is_emulated:
            defaults["BILLING_STRIPE_API_BASE"] = STRIPE
        for name, value in defaults.items():
            os.environ[name] = os.environ.get(name) or value
        services = [build() for build in BUILDERS]
        extra = []
        if shows_mailbox(os.environ, folder):
            extra.append(mailbox.routes(mail_folder(folder)))
        pages_and_limits = front(load(FrontSettings))
        if not is_emulated:
            await serve(*services, extra=extra, front=pages_and_limits)
            return
        async with _emulator(folder).running() as emulator:
            await serve(*services, extra=[*extra, emulator.router()], front=pages_and_limits)
    finally:
        await postgres.stop()


def front(settings: FrontSettings) -> Callable[[ASGIApp], ASGIApp]:
    """Return what puts the pages and the limits of requests before the services, as nginx would."""
    try:
        pages = read(settings.web_dist)
    except PagesMissing as reason:
        print(reason, file=sys.stderr)
        pages = None
    limits = Limits(multiplied(settings.rate_factor))
    return partial(Front, pages=pages, limits=limits)


def _emulator(folder: Path) -> Emulator:
    """Return a Stripe of our own, for where nobody brings the key of an account at Stripe."""
    place = at_site(
        os.environ["SITE_URL"],
        stripe_folder(folder),
        secret_key=os.environ["STRIPE_SECRET_KEY"],
        webhook_secrets=os.environ["STRIPE_WEBHOOK_SECRET"],
        webhook_url=os.environ.get("EMULATOR_WEBHOOK_URL", ""),
    )
    return Emulator(place)


def data_folder() -> Path:
    """Return the one folder that everything is kept in, made if it is not there."""
    folder = Path(os.environ.get("DATA_DIR") or "data").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    load_dotenv(Path(".env"))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    except (FileExistsError, FolderInUse, PortUnusable, PostgresFailed, PostgresMissing) as reason:
        sys.exit(f"cannot start: {reason}")
