"""The stage: private engines with every commit on the disk, and the product's own processes on them.

    async with open_stage() as stage:
        await stage.make_room(["webhook"])
        site = await stage.site("webhook")
        async with site.running("billing") as billing: ...

A site has databases and a virtual host of its own; its processes get the same environment as those of
`make up-distributed` (`deploy/distributed`).
"""

import asyncio
import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from distributed.rabbitmq import PrivateRabbitMQ
from distributed.rabbitmq_install import RabbitMQMissing, install_if_missing
from embedded import children
from embedded.defaults import SERVICES, variables
from embedded.ports import free_ports
from embedded.postgres import EmbeddedPostgres
from shared.testing import TokenIssuer

REPOSITORY = Path(__file__).parents[1]
LOCALHOST = "127.0.0.1"
ADMIN_KEY = "the-operators-key-of-a-bench"
WEBHOOK_SECRET = "whsec_of_a_bench"  # noqa: S105 - of servers that end with the run
KEPT = ("PATH", "HOME", "PYTHONPATH")
READY_S_MAX = 60
STOP_S_MAX = 40
RUN_S_MAX = 300
POLL_S = 0.01
# fsync and synchronous_commit stay what they are by default: on. Commit times tell latencies without polling.
POSTGRES_SETTINGS = {"max_connections": "200", "track_commit_timestamp": "on"}


ADD_VHOST = """
    rabbit_vhost:add(<<"{name}">>, <<"bench">>),
    rabbit_auth_backend_internal:set_permissions(
        <<"impacter">>, <<"{name}">>, <<".*">>, <<".*">>, <<".*">>, <<"bench">>),
"""
DELETE_VHOST = 'rabbit_vhost:delete(<<"{name}">>, <<"bench">>),'


class Missing(RuntimeError):
    """Something this machine lacks; what needs it is left out of the table, loudly."""


@dataclass
class Running:
    """A process under measurement, and where it answers."""

    child: children.Child
    port: int
    ready_s: float

    @property
    def pid(self) -> int:
        return self.child.pid


@dataclass
class Site:
    """Databases, a virtual host and a folder of one bench's own."""

    folder: Path
    databases: Mapping[str, str]
    bus_url: str
    issuer: TokenIssuer
    jwks_url: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return "http://127.0.0.1:1"  # the tokens' issuer; nobody is there

    def plain_url(self, service: str) -> str:
        """Return the address of a service's database as drivers without SQLAlchemy write it."""
        return self.databases[service].replace("+asyncpg", "")

    async def connect(
        self, service: str, *, user: str | None = None
    ) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a connection to a service's database, beside those that are measured."""
        url = make_url(self.databases[service])
        host, port = str(url.query["host"]), int(str(url.query["port"]))
        return await asyncpg.connect(
            host=host, port=port, user=user or url.username, database=url.database
        )

    def environment(self, port: int) -> dict[str, str]:
        """Return what `make up-distributed` would set for a process of this site."""
        databases = {**self.databases, "bus": self.bus_url}
        return {
            **kept(),
            **variables(self.folder, str(port), databases),
            "SITE_URL": self.origin,
            "JWKS_URL": self.jwks_url,
            "ADMIN_API_KEY": ADMIN_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "PEER_DATABASE_URL": self.databases["bench"],
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "INFO",
            **self.settings,
        }

    @asynccontextmanager
    async def running(self, module: str) -> AsyncIterator[Running]:
        """Run a service as a process until the block ends."""
        running = await self.start(module)
        try:
            yield running
        finally:
            await running.child.stop(signal.SIGTERM, limit_s=STOP_S_MAX)

    async def start(self, module: str, *, log: str | None = None) -> Running:
        """Start a service as a process; return when it says that it is ready."""
        port = free_ports(1)[0]
        began_at = asyncio.get_running_loop().time()
        child = start_process(
            [sys.executable, "-m", module],
            log=self.folder / f"{log or module}-{port}.log",
            env=self.environment(port),
        )
        await until_it_says(child, b"ready: http://")
        return Running(child, port, asyncio.get_running_loop().time() - began_at)


class Stage:
    """The engines of one run."""

    def __init__(
        self, folder: Path, postgres: EmbeddedPostgres, rabbitmq: PrivateRabbitMQ, jwks_url: str
    ) -> None:
        self.folder = folder
        self.postgres = postgres
        self.issuer = _ISSUER
        self._rabbitmq = rabbitmq
        self._jwks_url = jwks_url

    async def site(self, name: str, *, room: str | None = None) -> Site:
        """Make a site of this name, in the room (a virtual host that is there) of the same or another name."""
        folder = self.folder / name
        folder.mkdir()
        names = {service: f"{name}_{service}" for service in (*SERVICES, "bench")}
        await self.postgres.ensure_databases(names.values())
        return Site(
            folder=folder,
            databases={service: self.postgres.url(own) for service, own in names.items()},
            bus_url=self._rabbitmq.url + (room or name),
            issuer=self.issuer,
            jwks_url=self._jwks_url,
        )

    async def make_room(self, names: Iterable[str]) -> None:
        """Make virtual hosts of these names, at once: a command of the broker takes seconds."""
        await self._eval("".join(ADD_VHOST.format(name=name) for name in names))

    async def clear(self, names: Iterable[str]) -> None:
        """Delete what was left in these virtual hosts, so that it costs the next bench nothing."""
        await self._eval("".join(DELETE_VHOST.format(name=name) for name in names))

    async def _eval(self, expressions: str) -> None:
        await self._rabbitmq.rabbitmqctl("eval", f"{expressions} ok.")


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """Start the engines in a folder of their own; end them and remove it."""
    try:
        install_if_missing()
    except RabbitMQMissing as reason:
        raise Missing(str(reason)) from None
    _allow_many_files()
    async with AsyncExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="impacter-bench-")))
        postgres = EmbeddedPostgres(folder / "postgres", settings=POSTGRES_SETTINGS)
        rabbitmq = PrivateRabbitMQ(folder / "rabbitmq")
        ending.push_async_callback(postgres.stop)
        ending.push_async_callback(rabbitmq.stop)
        await asyncio.gather(postgres.start(), rabbitmq.start())
        jwks_url = await ending.enter_async_context(_key_server())
        yield Stage(folder, postgres, rabbitmq, jwks_url)


def start_process(
    command: Sequence[str | Path], *, log: Path, env: Mapping[str, str], cwd: Path = REPOSITORY
) -> children.Child:
    """Start a process that ends with this one."""
    return children.start(command, cwd=cwd, env=env, log=log, death_signal=signal.SIGKILL)


def kept() -> dict[str, str]:
    """Return what processes get of our own environment."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


async def run(command: Sequence[str | Path], env: Mapping[str, str]) -> str:
    """Run a program to its end and return what it said; raise where it failed."""
    started = await asyncio.create_subprocess_exec(
        *command,
        cwd=REPOSITORY,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(RUN_S_MAX):
            said, complained = await started.communicate()
    finally:
        if started.returncode is None:
            started.kill()
    if started.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{complained.decode()[-2000:]}")
    return said.decode()


async def until_it_says(child: children.Child, words: bytes) -> None:
    """Return when the child has written these words; raise with its last ones when it ends instead."""
    async with asyncio.timeout(READY_S_MAX):
        while words.decode() not in child.last_words(lines_max=200):
            if not child.running:
                raise RuntimeError(f"it did not start:\n{child.last_words(lines_max=30)}")
            await asyncio.sleep(POLL_S)


def _allow_many_files() -> None:
    """Let this process and its children open as many files as the machine allows: a stream is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


_ISSUER = TokenIssuer("http://127.0.0.1:1")


@asynccontextmanager
async def _key_server() -> AsyncIterator[str]:
    """Serve the keys of the bench's own access tokens, as auth does for those of customers."""
    body = json.dumps(await _ISSUER.key_set()).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, LOCALHOST, 0)
    try:
        yield f"http://{LOCALHOST}:{server.sockets[0].getsockname()[1]}/jwks.json"
    finally:
        server.close()
