"""The product from inside: the settings of this machine, and every link that they name."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from embedded.defaults import SERVICES
from impacter.doctor import configuration, engines, money, outside, surroundings
from impacter.doctor.findings import Finding, State, shown, skipped
from impacter.doctor.surroundings import Surroundings


def findings() -> Iterator[Finding]:
    """Tell of the settings here, and of every link that they name."""
    here = surroundings.find()
    if here is None:
        why = f"there are none here: no *_DATABASE_URL is set, and {surroundings.folder()} (DATA_DIR) has no database"
        yield skipped("settings", why, "run it where the services run to have them looked at")
        return
    if here.services != SERVICES:
        yield skipped(
            "other services",
            f"only {shown(here.services[0])} has a database set: it runs here alone",
        )
    with surroundings.as_environment(here.variables), _silence():
        settings = list(configuration.check(here.services))
        yield from settings
        if "billing" in here.services:
            yield from configuration.check_stripe(here.variables)
        if any(
            each.state is State.BROKEN and each.what.startswith("settings") for each in settings
        ):
            yield skipped("what they name", "settings are missing or wrong: set them first")
        else:
            yield from asyncio.run(_of_what_they_name(here))


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what libraries log out of the lines for people."""
    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


async def _of_what_they_name(here: Surroundings) -> list[Finding]:
    values = here.variables
    found = []
    if here.is_at_rest:
        why = f"the private servers of {here.folder} run while the product does"
        found.append(skipped("databases and bus", why, "start it with `make up`, then look again"))
        found += surroundings.last_failure(here)
    found += await _of_engines(here)
    if "billing" in here.services:
        found += await money.check_stripe(is_at_rest=here.is_at_rest)
    if "notifier" in here.services:
        found.append(await outside.check_mail(values))
    if {"tasks", "agent_runner"} & {*here.services}:
        found.append(await outside.check_blobs(values))
    if "agent_runner" in here.services:
        found.append(await outside.check_openclaw())
    return [*found, *outside.check_disk(values, here.folder)]


async def _of_engines(here: Surroundings) -> list[Finding]:
    values = here.variables
    there = [name for name in here.services if not here.rests(f"{name.upper()}_DATABASE_URL")]
    looks = [engines.check_database(name, values) for name in there]
    found = [each for answers in await asyncio.gather(*looks) for each in answers]
    if there:
        found.append(await engines.check_clock(values, there))
    if here.rests("BUS_URL"):
        return found
    if here.has_own_broker and values["BUS_URL"].startswith("postgresql"):
        why = "`make up-distributed` starts its broker itself: see each service's own line"
        found.append(skipped("bus", why))
    else:
        found += await engines.check_bus(values["BUS_URL"])
    return found
