"""Whether the databases let their services in, before anything else is begun: one that does not is named by its variable."""

import asyncio
from collections.abc import Sequence

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from shared.service import Service


async def reach(services: Sequence[Service]) -> None:
    """Connect to every service's database; end the process naming the variables of those that do not let us in."""
    found = await asyncio.gather(*(_flaw_of(service) for service in services))
    lines = [line for line in found if line]
    if lines:
        await asyncio.gather(*(service.database.close() for service in services))
        raise SystemExit("\n".join(lines))


async def _flaw_of(service: Service) -> str:
    engine = service.database.engine
    try:
        async with engine.connect():
            return ""
    except DBAPIError as flaw:
        cause = flaw.orig.__cause__ if flaw.orig is not None else None
        reason = str(cause or flaw.orig)
    except OSError as flaw:
        reason = str(flaw) or type(flaw).__name__
    variable = f"{service.name.replace('-', '_').upper()}_DATABASE_URL"
    return f"{variable}: no database is to be had at {_place(engine.url)}: {reason}"


def _place(url: URL) -> str:
    """Return where a URL points, without credentials."""
    port = f":{url.port}" if url.port else ""
    return f"{url.host or url.query.get('host', 'nowhere')}{port}/{url.database or ''}"
