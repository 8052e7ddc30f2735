"""The product that one process runs: every service, the pages before them, and a Stripe where nobody brings a key."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp

import agent_runner.service
import auth.service
import billing.service
import notifier.service
import tasks.service
from embedded import mailbox
from embedded.defaults import emulates_stripe, mail_folder, shows_mailbox, stripe_folder
from embedded.emulator.service import Emulator, at_site
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


async def run(folder: Path) -> None:
    """Serve the product until it is told to end, by the settings in the environment; files lie in the folder."""
    services = [build() for build in BUILDERS]
    extra = []
    if shows_mailbox(os.environ, folder):
        extra.append(mailbox.routes(mail_folder(folder)))
    settings = load(FrontSettings)
    pages_and_limits = front(settings)
    if not emulates_stripe(os.environ):
        await serve(*services, extra=extra, front=pages_and_limits)
        return
    async with _emulator(folder, settings.emulator_webhook_url).running() as emulator:
        await serve(*services, extra=[*extra, emulator.router()], front=pages_and_limits)


def front(settings: FrontSettings) -> Callable[[ASGIApp], ASGIApp]:
    """Return what puts the pages and the limits of requests before the services, as nginx would."""
    try:
        pages = read(settings.web_dist)
    except PagesMissing as reason:
        print(reason, file=sys.stderr)
        pages = None
    limits = Limits(multiplied(settings.rate_factor))
    return partial(Front, pages=pages, limits=limits)


def _emulator(folder: Path, webhook_url: str) -> Emulator:
    """Return a Stripe of our own, for where nobody brings the key of an account at Stripe."""
    place = at_site(
        os.environ["SITE_URL"],
        stripe_folder(folder),
        secret_key=os.environ["STRIPE_SECRET_KEY"],
        webhook_secrets=os.environ["STRIPE_WEBHOOK_SECRET"],
        webhook_url=webhook_url,
    )
    return Emulator(place)
