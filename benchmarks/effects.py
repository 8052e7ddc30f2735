"""Effects: the rows that consumers write, one for each event, and how fast they came by the database's clock."""

from typing import Any

from benchmarks.rest import until
from benchmarks.stage import Site

TABLE = """
    CREATE TABLE IF NOT EXISTS effects (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        body text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
"""
RATE = "SELECT (count(*) - 1) / extract(epoch FROM max(at) - min(at))::float8 FROM effects"


async def forget(site: Site) -> None:
    """Make the table, empty."""
    connection = await site.connect("bench")
    await connection.execute(TABLE)
    await connection.execute("TRUNCATE effects")
    await connection.close()


async def all_written(site: Site, count: int) -> None:
    """Return once there are so many rows."""
    await until(site, "bench", "SELECT count(*) >= $1 FROM effects", count)


async def count(site: Site) -> int:
    """Return how many rows there are now."""
    return int(await _asked(site, "SELECT count(*) FROM effects"))


async def rate(site: Site) -> float:
    """Return the rows a second between the first and the last."""
    return float(await _asked(site, RATE))


async def _asked(site: Site, question: str) -> Any:
    connection = await site.connect("bench")
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()
