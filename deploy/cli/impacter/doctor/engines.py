"""The engines: databases, their migrations and clock, the bus, its queues and their dead-letter targets."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from urllib.parse import parse_qs, urlsplit

import asyncpg
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import (
    AMQPConnectionError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ProbableAuthenticationError,
)
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

import shared.contracts  # noqa: F401 - fills the catalog that queues are declared from
from embedded.defaults import SERVICES
from impacter.doctor.findings import (
    LIMIT_S,
    Broken,
    Finding,
    State,
    broken,
    look,
    ok,
    shown,
    skipped,
    words,
)
from shared import bus_rabbitmq
from shared.bus import dead_queue
from shared.bus_rabbitmq import DEAD_EXCHANGE, DEAD_QUORUM, EXCHANGE, QUORUM
from shared.events import topology
from shared.migrate import scripts
from shared.run import scheme_of_bus

SKEW_S_MAX = 10
QUEUES_FIX = "start the service that owns it: it makes its queues before anything is published"
HISTORIES = {"shared.migrations": "alembic_version_shared"}


async def check_database(service: str, values: Mapping[str, str]) -> list[Finding]:
    """Tell whether a service's database answers, is migrated, and agrees on the time."""
    variable = f"{service.upper()}_DATABASE_URL"
    url = values[variable]
    reached = await look(
        f"database of {shown(service)}",
        partial(_reach, url, variable),
        to_do=f"start PostgreSQL at {place(url)}, or correct {variable}",
    )
    if reached.state is State.BROKEN:
        why = "its database does not answer"
        return [reached, skipped(f"migrations of {shown(service)}", why)]
    migrated = await look(
        f"migrations of {shown(service)}", partial(_migrated, url, service), to_do="see its log"
    )
    return [reached, migrated]


async def check_clock(values: Mapping[str, str], services: Sequence[str] = SERVICES) -> Finding:
    """Tell whether this machine's clock agrees with the first database that answers."""
    for service in services:
        try:
            async with (
                asyncio.timeout(LIMIT_S),
                _connected(values[f"{service.upper()}_DATABASE_URL"]) as c,
            ):
                before = time.time()
                theirs = await c.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
                return clock_finding(float(theirs) - (before + time.time()) / 2)
        except Exception:  # noqa: BLE001, S112 - told by the database's own line
            continue
    return skipped("clock", "no database answers to compare it with")


def clock_finding(ahead_s: float) -> Finding:
    """Tell what a difference between the database's clock and ours means."""
    if abs(ahead_s) <= SKEW_S_MAX:
        return ok("clock", f"{abs(ahead_s):.1f} s off the database's")
    why = f"the database's is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} this machine's"
    to_do = "set both by NTP: Stripe's signatures and access tokens are refused when clocks differ"
    return Finding("clock", State.BROKEN, why, to_do)


async def check_bus(url: str) -> list[Finding]:
    """Tell whether the bus answers, and has every queue that the events need."""
    try:
        scheme_of_bus(url)
    except SystemExit as flaw:
        return [broken("bus", str(flaw).removeprefix("BUS_URL: "), "correct BUS_URL")]
    is_broker = url.startswith("amqp")
    reach, topology_of = (
        (_reach_broker, _queues) if is_broker else (partial(_reach, variable="BUS_URL"), _bindings)
    )
    engine = "RabbitMQ" if is_broker else "PostgreSQL"
    to_do = f"start {engine} at {place(url)}, or correct BUS_URL"
    reached = await look("bus", partial(reach, url), to_do=to_do)
    if reached.state is State.BROKEN:
        return [reached, skipped("queues", "the bus does not answer")]
    return [reached, await look("queues", partial(topology_of, url), to_do=QUEUES_FIX)]


def place(url: str) -> str:
    """Return where a URL points, without credentials."""
    parts = urlsplit(url)
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    socket = parse_qs(parts.query).get("host", ["nowhere"])[0]
    return f"{parts.hostname}{port}" if parts.hostname else socket


async def _reach(url: str, variable: str) -> str:
    try:
        async with _connected(url) as connection:
            await connection.execute(text("SELECT 1"))
    except DBAPIError as flaw:
        raise _refused(url, variable, flaw) from flaw
    except FileNotFoundError as flaw:
        raise OSError(f"{place(url)}: no server runs there, its socket is missing") from flaw
    except OSError as flaw:
        raise OSError(f"{place(url)}: {words(flaw)}") from flaw
    return place(url)


def _refused(url: str, variable: str, flaw: DBAPIError) -> Exception:
    """Return what PostgreSQL said, as a reason where we know what to do about it."""
    said = flaw.orig.__cause__ if flaw.orig is not None else None
    name = urlsplit(url).path.lstrip("/")
    match said:
        case asyncpg.InvalidCatalogNameError():
            return Broken(f"there is no database {name} at {place(url)}", "create it")
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            why = f"PostgreSQL at {place(url)} refuses the user or the password"
            return Broken(why, f"correct {variable}, or the role in PostgreSQL")
        case _:
            return OSError(f"{place(url)}: {words(said or flaw)}")


async def _migrated(url: str, service: str) -> str:
    async with _connected(url) as connection:
        for package, table in (HISTORIES | {f"{service}.migrations": "alembic_version"}).items():
            current, wanted, known = await connection.run_sync(
                partial(_revisions, package=package, table=table)
            )
            if current - known:
                why = f"{package} is at {_named(current)}, which this code does not know"
                raise Broken(why, "the database is newer: run the newer version of the product")
            if current != wanted:
                why = f"{package} is at {_named(current)} and should be at {_named(wanted)}"
                raise Broken(
                    why, f"start {shown(service)}: it migrates its database before anything else"
                )
    return ""


def _revisions(
    connection: Connection, *, package: str, table: str
) -> tuple[set[str], set[str], set[str]]:
    """Return the revisions that the database has, those it should have, and all that the code knows."""
    script = scripts(import_module(package))
    current = MigrationContext.configure(connection, opts={"version_table": table})
    known = {str(revision.revision) for revision in script.walk_revisions()}
    return set(current.get_current_heads()), set(script.get_heads()), known


def _named(revisions: set[str]) -> str:
    return ", ".join(sorted(revisions)) or "nothing"


async def _reach_broker(url: str) -> str:
    async with _broker(url):
        return place(url)


async def _queues(url: str) -> str:
    """Ask for each queue passively first: an active question would make what is missing."""
    async with _broker(url) as connection:
        for exchange in (EXCHANGE, DEAD_EXCHANGE):
            await _there(connection, exchange, is_exchange=True)
        waiting = []
        for queue in topology():
            await _there(connection, queue)
            dead = await _there(connection, dead_queue(queue))
            await _has_target(connection, queue)
            waiting += [f"{queue} ({dead})"] if dead else []
    if waiting:
        why = f"the broker gave up delivering events to {', '.join(waiting)}"
        raise Broken(why, "start that service: it empties its dead-letter queue itself")
    return f"{len(topology())} queues, each with its dead-letter target"


async def _there(connection: AbstractConnection, name: str, *, is_exchange: bool = False) -> int:
    """Return how many messages wait there."""
    channel = await connection.channel()
    try:
        if is_exchange:
            await channel.declare_exchange(name, passive=True)
            return 0
        queue = await channel.declare_queue(name, passive=True)
    except ChannelNotFoundEntity:
        what = "exchange" if is_exchange else "queue"
        raise Broken(f"there is no {what} {name}", QUEUES_FIX) from None
    finally:
        await channel.close()
    return queue.declaration_result.message_count or 0


async def _has_target(connection: AbstractConnection, queue: str) -> None:
    arguments = {**QUORUM, "x-dead-letter-routing-key": queue}
    for name, wanted in ((queue, arguments), (dead_queue(queue), DEAD_QUORUM)):
        channel = await connection.channel()
        try:
            await channel.declare_queue(name, durable=True, arguments=wanted)
        except ChannelPreconditionFailed:
            why = f"the queue {name} was made with other arguments: a dead letter may be lost"
            to_do = (
                f"let it run empty, stop its service, `rabbitmqctl delete_queue {name}`, start it"
            )
            raise Broken(why, to_do) from None
        finally:
            await channel.close()


async def _bindings(url: str) -> str:
    async with _connected(url) as connection:
        exists = await connection.scalar(text("SELECT to_regclass('bus_bindings') IS NOT NULL"))
        rows = (
            await connection.execute(text("SELECT name, queue FROM bus_bindings")) if exists else ()
        )
        there = {(row.name, row.queue) for row in rows}
    wanted: Mapping[str, Sequence[str]] = topology()
    missing = {queue for queue, names in wanted.items() for n in names if (n, queue) not in there}
    if missing:
        raise Broken(f"not every event reaches {', '.join(sorted(missing))}", QUEUES_FIX)
    return f"{len(wanted)} queues"


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AsyncConnection]:
    address = url if url.startswith("postgresql+asyncpg") else f"postgresql+asyncpg{url[10:]}"
    engine = create_async_engine(address, poolclass=NullPool)
    async with engine.connect() as connection:
        yield connection


@asynccontextmanager
async def _broker(url: str) -> AsyncIterator[AbstractConnection]:
    where = place(url)
    try:
        connection = await bus_rabbitmq.connect(url, "doctor", limit_s=LIMIT_S)
    except ProbableAuthenticationError:
        why = f"RabbitMQ at {where} refuses the user, the password or the virtual host"
        raise Broken(why, "correct BUS_URL, or the user in RabbitMQ") from None
    except (AMQPConnectionError, OSError) as flaw:
        raise OSError(f"{where}: {words(flaw)}") from flaw
    async with connection:
        yield connection
