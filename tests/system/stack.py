"""The distributed product with proxies of ours on the way to its engines, and a second agent-runner."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from distributed.rabbitmq import PrivateRabbitMQ
from distributed.rabbitmq_install import find_bin_dir
from embedded import children
from embedded.defaults import SERVICES
from embedded.ports import free_ports
from tests.flows.product import Product, running
from tests.processes import children_of, environment_of
from tests.servers import need_nginx, need_rabbitmq
from tests.system.dialects import Amqp, Postgres
from tests.system.proxy import Proxy

HEARTBEAT_S = 5
LEASE_S = 3
QUICK = {
    "AGENT_RUNNER_LEASE_S": str(LEASE_S),
    "AGENT_RUNNER_RETRY_S": "0",
    "AGENT_RUNNER_RUN_S_MAX": "60",
    "AGENT_RUNNER_CLEAN_UP_S_MAX": "2",
    "NOTIFIER_LEASE_S": "10",
}
COMMAND_S_MAX = 60
PARTS = (*SERVICES, "gateway", "nginx", "rabbitmq", "postgres")


@dataclass
class Stack:
    """The running product, and what can be done to it."""

    product: Product
    databases: Mapping[str, Proxy]
    broker: Proxy

    @property
    def launcher(self) -> int:
        return self.product.child.pid

    @property
    def parts(self) -> dict[str, int]:
        """The process ids of the launcher's children by what they are."""
        return children_of(self.launcher)

    async def rabbitmqctl(self, *arguments: str) -> str:
        """Run a command of rabbitmqctl against the product's broker; return what it says."""
        command = await asyncio.create_subprocess_exec(
            find_bin_dir() / "rabbitmqctl",
            "--quiet",
            *arguments,
            env=environment_of(self.parts["rabbitmq"]),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(COMMAND_S_MAX):
                said, _ = await command.communicate()
        finally:
            if command.returncode is None:
                command.kill()
                await command.wait()
        assert command.returncode == 0, said.decode()
        return said.decode()

    async def queues(self) -> dict[str, int]:
        """Return how many messages each queue of the broker has, delivered or not."""
        said = await self.rabbitmqctl("list_queues", "--no-table-headers", "name", "messages")
        lines = (line.split("\t") for line in said.splitlines() if "\t" in line)
        return {name: int(count) for name, count in lines}


@asynccontextmanager
async def running_stack(folder: Path) -> AsyncIterator[Stack]:
    """Run the distributed product; every service reaches its database and the broker through a proxy."""
    need_rabbitmq()
    need_nginx()
    databases = {
        name: Proxy(lambda: folder / "postgres/run/.s.PGSQL.5432", Postgres) for name in SERVICES
    }
    broker = Proxy(lambda: _amqp_port(folder / "rabbitmq"), Amqp)
    async with AsyncExitStack() as ending:
        variables = dict(QUICK)
        for name, proxy in databases.items():
            port = await ending.enter_async_context(proxy.listening())
            url = f"postgresql+asyncpg://impacter@127.0.0.1:{port}/{name}"
            variables[f"{name.upper()}_DATABASE_URL"] = url
        port = await ending.enter_async_context(broker.listening())
        variables["BUS_URL"] = _through(PrivateRabbitMQ(folder / "rabbitmq").url, port)
        product = await ending.enter_async_context(running("distributed", folder, **variables))
        stack = Stack(product, databases, broker)
        deputy = _start_deputy(stack, folder)
        ending.push_async_callback(deputy.stop, signal.SIGTERM, limit_s=30)
        yield stack


def _through(url: str, port: int) -> str:
    direct = urlsplit(url)
    place = f"{direct.username}:{direct.password}@127.0.0.1:{port}"
    return direct._replace(netloc=place, query=f"heartbeat={HEARTBEAT_S}").geturl()


def _amqp_port(folder: Path) -> int:
    """Return where the broker listens, as its launcher has written down."""
    lines = (folder / "rabbitmq.conf").read_text().splitlines()
    settings = dict(line.split(" = ") for line in lines)
    return int(settings["listeners.tcp.1"].rpartition(":")[2])


def _start_deputy(stack: Stack, folder: Path) -> children.Child:
    """Start a second agent-runner, which takes over what the first one leaves."""
    environment = environment_of(stack.parts["agent_runner"])
    return children.start(
        [sys.executable, "-m", "agent_runner"],
        cwd=folder,
        env={**environment, "PORT": str(free_ports(1)[0])},
        log=folder / "logs" / "deputy.log",
        death_signal=signal.SIGTERM,
    )
