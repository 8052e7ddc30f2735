"""An end in order: open streams are told, work is handed back, nothing is left behind."""

import asyncio
import signal

from tests.flows.product import running


async def test_open_streams_end_with_the_process_and_the_process_ends_well(tmp_path):
    async with running("embedded", tmp_path) as product:
        customer = await product.customer(funds=10)
        opened = asyncio.Event()

        async def follow():
            async for _ in customer.stream():
                opened.set()

        stream = asyncio.create_task(follow())
        await opened.wait()

        await product.child.stop(signal.SIGINT, limit_s=30)

        await stream
        assert await product.child.wait(limit_s=1) == 0
        assert "Traceback" not in (tmp_path / "product.log").read_text()
        assert '"level": "error"' not in (tmp_path / "product.log").read_text()
