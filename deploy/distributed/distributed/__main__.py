"""Each service a process of its own, on a private RabbitMQ and PostgreSQL, behind nginx: one machine's production.

    python -m distributed

Honours PORT, DATA_DIR and every variable of `.env.example`, like the embedded product. Whatever ends, a service,
an engine or nginx, is started again on the data that it left.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Protocol

import httpx2
from dotenv import load_dotenv

from distributed import nginx
from distributed.nginx import NginxMissing
from distributed.rabbitmq import PrivateRabbitMQ, RabbitMQFailed
from distributed.rabbitmq_install import RabbitMQMissing, install_if_missing
from distributed.settings import NginxSettings
from embedded import children
from embedded.defaults import SERVICES, completed, emulates_stripe, stripe_folder
from embedded.folders import FolderUnusable, data_folder
from embedded.locks import FolderInUse
from embedded.ports import PortUnusable, claim, free_ports
from embedded.postgres import EmbeddedPostgres, PostgresFailed
from shared.settings import load

RESTART_S = 0.5
READY_S_MAX = 90
STOP_S_MAX = 40
LOCALHOST = "127.0.0.1"


class Part(Protocol):
    """Something that runs: an engine, a service, nginx."""

    @property
    def running(self) -> bool: ...

    async def start(self) -> None:
        """Start it, on the data that it left when it ended."""
        ...

    async def stop(self) -> None:
        """Ask it to end, and end it if it does not."""
        ...


class Process:
    """A part that is one child process."""

    def __init__(self, start: Callable[[], children.Child]) -> None:
        self._start = start
        self._child: children.Child | None = None

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    async def start(self) -> None:
        """Start the process, after what one that was killed has left."""
        if self._child is not None:
            self._child.sweep()
        self._child = self._start()

    async def stop(self) -> None:
        """Ask the process to end, and end it if it does not."""
        if self._child is not None:
            await self._child.stop(signal.SIGTERM, limit_s=STOP_S_MAX)
            self._child.sweep()


async def main() -> None:
    """Start the engines, the services, nginx; say that all is ready; end them in the other order."""
    claim(os.environ.get("PORT") or "8080")
    folder = _data_folder()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with AsyncExitStack() as ending:
        engines, environment = await _engines(folder, ending)
        processes = _processes(folder, environment)
        ending.push_async_callback(_stop, processes.values())
        for process in processes.values():
            await process.start()
        parts = {**engines, **processes}
        watchers = [asyncio.create_task(_watch(name, part)) for name, part in parts.items()]
        ending.push_async_callback(_end, watchers)
        port = environment["PORT"]
        await _until_ready(f"http://{LOCALHOST}:{port}")
        print(f"ready: http://{LOCALHOST}:{port}", flush=True)
        await ended.wait()


def _data_folder() -> Path:
    folder = data_folder(os.environ)
    (folder / "logs").mkdir(exist_ok=True)
    return folder


async def _engines(folder: Path, ending: AsyncExitStack) -> tuple[dict[str, Part], dict[str, str]]:
    """Start RabbitMQ and PostgreSQL; return them, and the environment of every process."""
    install_if_missing()
    postgres = EmbeddedPostgres(folder / "postgres")
    ending.push_async_callback(postgres.stop)
    rabbitmq = PrivateRabbitMQ(folder / "rabbitmq")
    ending.push_async_callback(rabbitmq.stop)
    await asyncio.gather(postgres.start(), rabbitmq.start())
    await postgres.ensure_databases(SERVICES)
    databases = {name: postgres.url(name) for name in SERVICES} | {"bus": rabbitmq.url}
    defaults = {"LOG_FORMAT": "json", "LOG_LEVEL": "INFO", "TRUSTED_PROXIES": LOCALHOST}
    engines: dict[str, Part] = {"postgres": postgres, "rabbitmq": rabbitmq}
    return engines, completed(os.environ, folder, databases, defaults)


def _processes(folder: Path, environment: Mapping[str, str]) -> dict[str, Part]:
    """Return what stands on the engines: a process a service, the desk, the emulated Stripe and nginx."""
    *service_ports, desk_port, stripe_port = free_ports(len(SERVICES) + 2)
    ports = {name: str(port) for name, port in zip(SERVICES, service_ports, strict=True)}
    bases = {name.replace("_", "-"): f"http://{LOCALHOST}:{port}" for name, port in ports.items()}
    own = {
        "JWKS_URL": f"{bases['auth']}/.well-known/jwks.json",
        "GATEWAY_SERVICES": json.dumps(bases),
    }
    front = load(NginxSettings)
    modules = {**ports, "gateway": str(desk_port)}
    places = {**ports, "desk": str(desk_port)}
    routes = {}
    if emulates_stripe(os.environ):
        modules["embedded.emulator"] = places["emulator"] = str(stripe_port)
        routes["/emulator"] = "emulator"
        own["DATA_DIR"] = str(stripe_folder(folder))
        own["EMULATOR_WEBHOOK_URL"] = f"{bases['billing']}/api/webhooks/stripe"
    address = f"{LOCALHOST}:{environment['PORT']}"
    upstreams = {name: f"{LOCALHOST}:{port}" for name, port in places.items()}
    return {
        **{
            module: Process(partial(_run, module, folder, {**environment, **own, "PORT": port}))
            for module, port in modules.items()
        },
        "nginx": Process(partial(nginx.start, folder / "nginx", address, upstreams, routes, front)),
    }


def _run(module: str, folder: Path, environment: Mapping[str, str]) -> children.Child:
    return children.start(
        [sys.executable, "-m", module],
        cwd=folder,
        env=environment,
        log=folder / "logs" / f"{module}.log",
        death_signal=signal.SIGTERM,
    )


async def _watch(name: str, part: Part) -> None:
    """Start a part anew each time it ends."""
    while True:
        await asyncio.sleep(RESTART_S)
        if part.running:
            continue
        print(f"{name} ended; starting it again", file=sys.stderr, flush=True)
        try:
            await part.start()
        except Exception as reason:  # noqa: BLE001 - what cannot start now may in a moment
            print(f"{name} does not start: {reason}", file=sys.stderr, flush=True)


async def _end(watchers: Iterable[asyncio.Task[None]]) -> None:
    for watcher in watchers:
        watcher.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)


async def _stop(parts: Iterable[Part]) -> None:
    await asyncio.gather(*(part.stop() for part in parts))


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
        PortUnusable,
        FolderInUse,
        FolderUnusable,
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
