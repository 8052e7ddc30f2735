"""Readers of streams: one connection for each access token on standard input, all kept open until it ends."""

import asyncio
import sys

import uvloop

from benchmarks.load import LOCALHOST
from benchmarks.streams import READY, follow

OPENING_MAX = 64
GREETING = b"event: hello"


async def _main(port: int) -> None:
    tokens = list(iter(sys.stdin.readline, "\n"))
    opening = asyncio.Semaphore(OPENING_MAX)
    opened = await asyncio.gather(*(_open(port, token.strip(), opening) for token in tokens))
    sys.stdout.write(READY.decode())
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    for writer in opened:
        writer.close()


async def _open(port: int, token: str, opening: asyncio.Semaphore) -> asyncio.StreamWriter:
    async with opening:
        reader, writer = await asyncio.open_connection(LOCALHOST, port)
        writer.write(follow(token))
        await reader.readuntil(GREETING)
        return writer


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))
