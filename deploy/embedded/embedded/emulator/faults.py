"""Switches that make the emulated Stripe fail: the next so many requests, before or after their work is done."""

from dataclasses import dataclass
from typing import Literal

How = Literal["rate_limited", "broken", "timeout", "lost"]
When = Literal["before", "after"]


@dataclass(slots=True)
class Fault:
    """How the next `times` requests fail: of one route (`POST /v1/refunds`) or of any."""

    how: How
    when: When = "before"
    times: int = 1
    route: str | None = None


class Faults:
    """The switches that are on; they are forgotten when the process ends."""

    def __init__(self) -> None:
        self.on: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Turn a switch on."""
        self.on.append(fault)

    def clear(self) -> None:
        """Turn every switch off."""
        self.on.clear()

    def take(self, route: str) -> Fault | None:
        """Return how this request shall fail, if it shall."""
        for fault in self.on:
            if fault.route in (None, route):
                fault.times -= 1
                if fault.times <= 0:
                    self.on.remove(fault)
                return fault
        return None
