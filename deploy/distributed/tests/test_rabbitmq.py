"""PrivateRabbitMQ keeps durable messages through a crash, and leaves nothing running behind."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from distributed.rabbitmq import PrivateRabbitMQ, RabbitMQFailed
from embedded.locks import FolderInUse
from shared.testing import eventually
from tests.notes import publish, take
from tests.servers import need_rabbitmq

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends orphans")

PARENT = """
import asyncio, pathlib, sys
from distributed.rabbitmq import PrivateRabbitMQ

async def main():
    rabbitmq = PrivateRabbitMQ(pathlib.Path(sys.argv[1]))
    await rabbitmq.start()
    print(rabbitmq.url, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture(scope="module", autouse=True)
def installed():
    need_rabbitmq()


async def test_a_durable_message_survives_a_killed_broker(tmp_path):
    async with running(tmp_path) as rabbitmq:
        await publish(rabbitmq.url, b"kept")

        rabbitmq.kill()
        await rabbitmq.start()

        assert await take(rabbitmq.url) == b"kept"


async def test_one_broker_a_folder_and_its_commands(tmp_path):
    async with running(tmp_path) as rabbitmq:
        with pytest.raises(FolderInUse, match=f"{tmp_path} is in use by process {os.getpid()}"):
            await PrivateRabbitMQ(tmp_path).start()
        await rabbitmq.rabbitmqctl("add_vhost", "second")
        assert "second" in await rabbitmq.rabbitmqctl("list_vhosts")
        with pytest.raises(RabbitMQFailed, match="add_vhost"):
            await rabbitmq.rabbitmqctl("add_vhost")


@on_linux
async def test_a_killed_parent_leaves_no_broker(tmp_path):
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, tmp_path, stdout=asyncio.subprocess.PIPE
    )
    url = (await parent.stdout.readline()).decode().strip()
    await publish(url, b"kept")
    assert len(processes_of(tmp_path)) >= 2, "the broker and its epmd"

    parent.kill()
    await parent.wait()

    async def have_ended() -> bool:
        return not processes_of(tmp_path)

    await eventually(have_ended, within_s=60)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[PrivateRabbitMQ]:
    rabbitmq = PrivateRabbitMQ(folder)
    await rabbitmq.start()
    try:
        yield rabbitmq
    finally:
        await rabbitmq.stop()


def processes_of(folder: Path) -> list[str]:
    """Return the processes which have this folder as their home."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"HOME={folder}\0".encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:  # ended meanwhile, or somebody else's
            continue
    return found
