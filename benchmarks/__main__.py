"""Measure and print one table of ratios: `make bench`, or some of it: `python -m benchmarks webhook asking`.

The benches of a group take turns, round by round, so that what disturbs the machine disturbs all that is compared.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Collection, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import report
from benchmarks.asking import asking
from benchmarks.commits import commits
from benchmarks.conditions import Conditions
from benchmarks.counting import counter
from benchmarks.growth import ledger_growth, outbox_growth
from benchmarks.http_limits import http_limits
from benchmarks.latency import latency
from benchmarks.memory import memory
from benchmarks.money import money
from benchmarks.peering import PEERS, peer
from benchmarks.publishing import publishing
from benchmarks.rounds import SHORT, TINY, Bench, Effort, Figures, Once
from benchmarks.spending import spending
from benchmarks.stage import Missing, Stage, open_stage
from benchmarks.starting import starting
from benchmarks.streams import streams
from benchmarks.webhook import webhook

ENDED = 130  # as a shell says of what a signal ended
Measured = tuple[Figures, list[str]]

RESULTS = Path(__file__).parent / "results"
BENCHES: dict[str, Bench] = {
    "publishing": publishing,
    "money": money,
    "counter": counter,
    **{name: peer(name) for name in PEERS},
    "commits": commits,
    "http_limits": http_limits,
    "webhook": webhook,
    "asking": asking,
    "spending": spending,
    "latency": latency,
    "ledger_growth": ledger_growth,
    "outbox_growth": outbox_growth,
    "streams": streams,
    "starting": starting,
    "memory": memory,
}
GROUPS = (
    ("publishing", "money", "counter", *PEERS),
    ("commits", "http_limits", "webhook", "asking", "spending"),
    ("latency",),
    ("ledger_growth",),
    ("outbox_growth",),
    ("streams",),
    ("starting", "memory"),
)


async def measure(names: Collection[str], effort: Effort) -> Measured:
    """Measure these benches; return their figures, and why some were left out."""
    figures, left_out = Figures(), list[str]()
    async with open_stage() as stage:
        for group in GROUPS:
            chosen = [name for name in group if name in names]
            if chosen:
                await stage.make_room(chosen)
                await _measure_in_turn(chosen, stage, effort, figures, left_out)
                await stage.clear(chosen)
    return figures, left_out


async def _measure_in_turn(
    names: Sequence[str], stage: Stage, effort: Effort, figures: Figures, left_out: list[str]
) -> None:
    async with AsyncExitStack() as ending:
        ready: dict[str, Once] = {}
        for name in names:
            try:
                ready[name] = await ending.enter_async_context(BENCHES[name](stage, effort))
            except Exception as flaw:  # noqa: BLE001 - one that cannot begin is left out, loudly
                _leave_out(name, flaw, left_out)
        for number in range(1, effort.rounds + 1):
            for name in list(ready):
                try:
                    samples = await ready[name]()
                except Exception as flaw:  # noqa: BLE001 - the others go on
                    del ready[name]
                    _leave_out(name, flaw, left_out)
                else:
                    figures.add(samples)
                    _say(name, number, effort, samples)


def _leave_out(name: str, flaw: Exception, left_out: list[str]) -> None:
    reason = str(flaw) if isinstance(flaw, Missing) else f"{type(flaw).__name__}: {flaw}"
    left_out.append(f"{name}: {reason}")
    print(report.missing(left_out[-1:]), file=sys.stderr, flush=True)


def _say(name: str, number: int, effort: Effort, samples: object) -> None:
    assert isinstance(samples, dict)
    told = "  ".join(f"{key} {value:,.1f}" for key, value in samples.items())
    print(f"{datetime.now(UTC):%H:%M:%S} {name} {number}/{effort.rounds}: {told}", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Measure what the arguments name; return 1 where something was left out."""
    options = _parser().parse_args(arguments)
    effort = TINY if options.tiny else SHORT if options.short else Effort()
    effort = replace(effort, rounds=options.rounds or effort.rounds, profiles=options.profiles)
    if options.profiles:
        options.profiles.mkdir(parents=True, exist_ok=True)
    conditions = Conditions(["python", "-m", "benchmarks", *arguments])
    try:
        figures, left_out = asyncio.run(_until_ended(measure(options.names or BENCHES, effort)))
    except asyncio.CancelledError:
        return ENDED
    except Missing as reason:
        print(report.missing([str(reason)]), file=sys.stderr)
        return 1
    told = [*conditions.told(), *left_out]
    name = f"bench-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    file = report.keep(options.results, name, figures, told)
    print("\n".join(["", *told[:4], "", report.as_text(figures), "", f"kept in {file}"]))
    if left_out:
        print(report.missing(left_out), file=sys.stderr)
    return 1 if left_out else 0


async def _until_ended(measuring: Coroutine[object, object, Measured]) -> Measured:
    """Measure; where the run is ended before, end all that it started."""
    task = asyncio.ensure_future(measuring)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help="all where none is named")
    parser.add_argument("--rounds", type=int, help="how often each is measured")
    parser.add_argument("--tiny", action="store_true", help="see that all benches run, no more")
    parser.add_argument(
        "--short", action="store_true", help="less of everything, for a busy machine"
    )
    parser.add_argument("--profiles", type=Path, help="a folder for profiles of what is measured")
    parser.add_argument("--results", type=Path, default=RESULTS, help="a folder for the results")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
