"""Waiting until a service has come to rest, without keeping it from its work."""

import asyncio

from benchmarks.stage import Site

REST_S_MAX = 300
POLL_S = 0.1


async def outbox_is_empty(site: Site, service: str) -> None:
    """Return once the service has nothing to publish."""
    await until(site, service, "SELECT NOT EXISTS (SELECT FROM outbox)")


async def until(site: Site, service: str, question: str, *arguments: object) -> None:
    """Return once the question, asked of the service's database now and then, is answered with true."""
    connection = await site.connect(service)
    try:
        async with asyncio.timeout(REST_S_MAX):
            while not await connection.fetchval(question, *arguments):
                await asyncio.sleep(POLL_S)
    finally:
        await connection.close()
