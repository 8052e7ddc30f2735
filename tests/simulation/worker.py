"""A process that runs one world after another: tasks come as lines of JSON, results go as lines of JSON.

What died in a world is kept in memory for ever, so a worker is replaced after a number of worlds; and it ends without
tidying up, for the same reason.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import structlog

from tests.simulation import journeys, mutants, patches
from tests.simulation.journeys import Journey
from tests.simulation.postgres import Postgres
from tests.simulation.simulate import Beginning, Plan, beginning, plan_of, simulate

BEFORE = (journeys.funded_customer, journeys.buyer)
Begun = Mapping[Journey, Beginning]
CRASHED: Mapping[str, tuple[Journey, Journey | None]] = {
    "one_payment": (journeys.one_payment, None),
    "one_task": (journeys.one_task, journeys.funded_customer),
    "one_purchase": (journeys.one_purchase, journeys.buyer),
}


def main() -> None:
    """Serve until there are no more lines."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    with patches.in_place():
        postgres = Postgres(sys.argv[1])
        begun = {journey: beginning(postgres, journey) for journey in BEFORE}
        for name in CRASHED:  # what is done once a process must not be a part of any world
            simulate(0, postgres, _plan({"seed": 0, "journey": name}, begun))
        for line in sys.stdin:
            print(json.dumps(_done(postgres, json.loads(line), begun)), flush=True)  # noqa: T201
    os._exit(0)


def _done(postgres: Postgres, task: Mapping[str, Any], begun: Begun) -> dict[str, Any]:
    with mutants.planted(task.get("mutant")):
        result = simulate(task["seed"], postgres, _plan(task, begun))
    lines_max = task.get("lines_max")
    if lines_max is not None:
        result.lines = result.lines[-lines_max:] if result.violations else []
    return asdict(result)


def _plan(task: Mapping[str, Any], begun: Begun) -> Plan:
    if task.get("journey") is None:
        return plan_of(task["seed"], task["mix"])
    journey, before = CRASHED[task["journey"]]
    there = begun[before] if before else None
    return Plan([journey], beginning=there, crash_at=task.get("crash_at"))


if __name__ == "__main__":
    main()
