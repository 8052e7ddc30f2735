"""The emulator as a process of its own: killed at any moment it has kept all that it answered."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from emulator_parts import KEY, SECRET, Stage, staged

from embedded.emulator.paying import Payer
from embedded.emulator.service import Emulator, Place
from embedded.ports import free_ports
from shared.testing import eventually
from tests.simulation.loop import VirtualLoop

ADA = "ada@example.com"


class Process:
    """An emulator that can be killed and started again."""

    def __init__(self, folder: Path, hook: str) -> None:
        [self.port] = free_ports(1)
        self._environment = {
            "PATH": os.defpath,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "SITE_URL": f"http://127.0.0.1:{self.port}",
            "DATA_DIR": str(folder),
            "STRIPE_SECRET_KEY": KEY,
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "EMULATOR_WEBHOOK_URL": hook,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.http = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", auth=(KEY, ""), trust_env=False, timeout=30
        )

    async def start(self) -> None:
        self._spawn()
        await eventually(self._answers, what="the start")

    def _spawn(self) -> None:
        command = [sys.executable, "-m", "embedded.emulator"]
        self._process = subprocess.Popen(command, env=self._environment)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    async def _answers(self) -> bool:
        with contextlib.suppress(httpx2.HTTPError):
            return (await self.http.get("/health/ready")).is_success
        return False


class Hook:
    """A webhook that hears everything, and says nothing until it is told to."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.is_silent = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.readuntil(b"\r\n\r\n"))
        while self.is_silent and not reader.at_eof():
            await reader.read(65_536)
        if not self.is_silent:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Hook, str]]:
    hook = Hook()
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0)
    async with server:
        yield hook, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"


@pytest.mark.system
async def test_a_process_that_is_killed_in_the_middle_of_a_delivery_loses_nothing(
    tmp_path: Path,
) -> None:
    async with listening() as (hook, url):
        process = Process(tmp_path, url)
        await process.start()
        try:
            made = await process.http.post("/emulator/stripe/v1/customers", data={"email": ADA})

            async def is_under_way() -> bool:
                return bool(hook.heard)

            await eventually(is_under_way, what="the delivery")
            process.kill()
            hook.is_silent = False
            await process.start()

            async def is_delivered() -> bool:
                found = (await process.http.get("/emulator/api/deliveries")).json()["deliveries"]
                return [one["status"] for one in found] == ["delivered"]

            await eventually(is_delivered, what="the second delivery")
            kept = await process.http.get(f"/emulator/stripe/v1/customers/{made.json()['id']}")
            assert kept.json()["email"] == ADA
            assert len(hook.heard) == 2
        finally:
            process.kill()
            await process.http.aclose()


def test_a_simulation_owns_its_time_chance_and_threads() -> None:
    """The same seed makes the same world, in virtual time and without a thread of the machine's."""

    def world() -> list[str]:
        told: list[str] = []

        async def live() -> None:
            async with staged(seed=7) as stage:
                loops = asyncio.ensure_future(stage.emulator.account.run())
                session = await stage.session("basic_monthly")
                await stage.control.pay(session.id, Payer(email=ADA))
                await asyncio.sleep(3)
                told.extend(event["id"] for event in stage.listener.heard)
                loops.cancel()

        VirtualLoop(random.Random(7)).run_world(live())
        return told

    first = world()
    assert len(first) == 15
    assert first == world()


async def test_many_requests_at_once_are_all_answered(
    tmp_path: Path,
) -> None:
    emulator = Emulator(Place(KEY, SECRET, folder=tmp_path))
    async with emulator.running():
        stage = Stage.of(emulator)

        made = await asyncio.gather(
            *(stage.v1.customers.create_async({"name": str(n)}) for n in range(200))
        )

        assert len({customer.id for customer in made}) == 200
        everything = await stage.v1.customers.list_async({"limit": 100})
        assert len([one async for one in everything.auto_paging_iter()]) == 200
