"""The benches run: with few of everything, as processes of their own, on engines of their own."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.servers import need_rabbitmq

REPOSITORY = Path(__file__).parents[2]
# Those that stand on the product's insides and are quick; `make bench ARGS=--tiny` runs them all.
NAMES = ("counter", "webhook", "asking")
FIGURES = {"counter/rate", "webhook/rate", "asking/rate"}
RUN_S_MAX = 560


@pytest.mark.system
@pytest.mark.timeout(600)
async def test_benches_measure_the_product_as_it_is(tmp_path: Path):
    need_rabbitmq()

    said = await run_benches("--tiny", "--results", str(tmp_path), *NAMES)

    samples = kept_in(tmp_path)
    assert samples.keys() >= FIGURES
    assert all(value > 0 for name in FIGURES for value in samples[name])
    assert "not measured" in said  # the other benches' lines


def kept_in(folder: Path) -> dict[str, list[float]]:
    (file,) = folder.glob("*.json")
    return json.loads(file.read_text())["samples"]


async def run_benches(*arguments: str) -> str:
    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks", *arguments),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(RUN_S_MAX):
            said, _ = await bench.communicate()
    finally:
        if bench.returncode is None:
            bench.terminate()
    assert bench.returncode == 0, said.decode()
    return said.decode()
