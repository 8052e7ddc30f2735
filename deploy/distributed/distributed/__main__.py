"""Each service a process of its own, on a private RabbitMQ and PostgreSQL, behind nginx: one machine's production.

    python -m distributed

Honours PORT, DATA_DIR and every variable of `.env.example`, like the embedded product. A service that ends is
started again.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
from dotenv import load_dotenv

from distributed import nginx
from distributed.nginx import NginxMissing
from distributed.rabbitmq import PrivateRabbitMQ, RabbitMQFailed
from distributed.rabbitmq_install import RabbitMQMissing, install_if_missing
from embedded import children
from embedded.defaults import SERVICES, variables
from embedded.locks import FolderInUse
from embedded.ports import PortUnusable, claim, free_ports
from embedded.postgres import EmbeddedPostgres, PostgresFailed

RESTART_S = 0.5
READY_S_MAX = 90
STOP_S_MAX = 40
LOCALHOST = "127.0.0.1"


class Process:
    """One of the product's processes, started again whenever it ends."""

    def __init__(self, module: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._module = module
        self._folder = folder
        self._environment = environment
        self._child = self._start()

    async def watch(self) -> None:
        """Start the process anew each time it ends."""
        while True:
            await asyncio.sleep(RESTART_S)
            if not self._child.running:
                print(f"{self._module} ended; starting it again", file=sys.stderr, flush=True)
                self._child = self._start()

    async def stop(self) -> None:
        """Ask the process to end, and end it if it does not."""
        await self._child.stop(signal.SIGTERM, limit_s=STOP_S_MAX)

    def _start(self) -> children.Child:
        return children.start(
            [sys.executable, "-m", self._module],
            cwd=self._folder,
            env=self._environment,
            log=self._folder / "logs" / f"{self._module}.log",
            death_signal=signal.SIGTERM,
        )


async def main() -> None:
    """Start the engines, the services, nginx; say that all is ready; end them in the other order."""
    claim(os.environ.get("PORT") or "8080")
    folder = _data_folder()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with AsyncExitStack() as ending:
        environment = await _engines(folder, ending)
        watchers = await _services(folder, environment, ending)
        port = environment["PORT"]
        await _until_ready(f"http://{LOCALHOST}:{port}")
        print(f"ready: http://{LOCALHOST}:{port}", flush=True)
        await ended.wait()
        for watcher in watchers:
            watcher.cancel()


def _data_folder() -> Path:
    folder = Path(os.environ.get("DATA_DIR") or "data").absolute()
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    return folder


async def _engines(folder: Path, ending: AsyncExitStack) -> dict[str, str]:
    """Start RabbitMQ and PostgreSQL; return the environment of every process."""
    install_if_missing()
    postgres = EmbeddedPostgres(folder / "postgres")
    ending.push_async_callback(postgres.stop)
    rabbitmq = PrivateRabbitMQ(folder / "rabbitmq")
    ending.push_async_callback(rabbitmq.stop)
    await asyncio.gather(postgres.start(), rabbitmq.start())
    await postgres.ensure_databases(SERVICES)
    databases = {name: postgres.url(name) for name in SERVICES} | {"bus": rabbitmq.url}
    defaults = variables(folder, os.environ.get("PORT") or "8080", databases)
    defaults |= {"LOG_FORMAT": "json", "LOG_LEVEL": "INFO", "TRUSTED_PROXIES": LOCALHOST}
    return {**defaults, **{name: value for name, value in os.environ.items() if value}}


async def _services(
    folder: Path, environment: Mapping[str, str], ending: AsyncExitStack
) -> list[asyncio.Task[None]]:
    """Start a process a service, the desk and nginx; return the tasks that keep them running."""
    *service_ports, desk_port = free_ports(len(SERVICES) + 1)
    ports = {name: str(port) for name, port in zip(SERVICES, service_ports, strict=True)}
    bases = {name.replace("_", "-"): f"http://{LOCALHOST}:{port}" for name, port in ports.items()}
    own = {
        "JWKS_URL": f"{bases['auth']}/.well-known/jwks.json",
        "GATEWAY_SERVICES": json.dumps(bases),
    }
    processes = [
        Process(module, folder, {**environment, **own, "PORT": port})
        for module, port in {**ports, "gateway": str(desk_port)}.items()
    ]
    for process in processes:
        ending.push_async_callback(process.stop)
    upstreams = {name.upper(): f"{LOCALHOST}:{port}" for name, port in ports.items()}
    front = nginx.start(
        folder / "nginx",
        {
            **upstreams,
            "DESK": f"{LOCALHOST}:{desk_port}",
            "LISTEN": f"{LOCALHOST}:{environment['PORT']}",
        },
    )
    ending.push_async_callback(front.stop, signal.SIGTERM, limit_s=STOP_S_MAX)
    return [asyncio.create_task(process.watch()) for process in processes]


async def _until_ready(origin: str) -> None:
    async with asyncio.timeout(READY_S_MAX), httpx2.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(f"{origin}/health/ready", timeout=10)).is_success:
                    return
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    load_dotenv(Path(".env"))
    try:
        asyncio.run(main())
    except (
        FileExistsError,
        PortUnusable,
        FolderInUse,
        PostgresFailed,
        RabbitMQFailed,
        RabbitMQMissing,
        NginxMissing,
    ) as reason:
        sys.exit(f"cannot start: {reason}")
    except TimeoutError:
        sys.exit(
            f"cannot start: not everything was ready within {READY_S_MAX} s; see logs/ in DATA_DIR"
        )
