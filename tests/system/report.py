"""What a run of chaos found, as JSON and as a table."""

import json
import statistics
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from embedded.defaults import SERVICES
from tests.system.books import Audit


@dataclass
class Fault:
    """One fault, or two at once: how long it was done, and how long the product took to be well again."""

    kind: str
    victim: str
    lasted_s: float
    recovered_s: float


@dataclass
class Report:
    """A run."""

    seed: int
    seconds: float = 0
    faults: list[Fault] = field(default_factory=list)
    probes_s: list[float] = field(default_factory=list)
    journeys: int = 0
    told: dict[str, int] = field(default_factory=dict)
    spoiled: int = 0
    """Tasks that failed only because of the faults: after as many attempts as a run has."""
    answers: dict[str, int] = field(default_factory=dict)
    troubles: dict[str, int] = field(default_factory=dict)
    audit: Audit = field(default_factory=Audit)

    def write(self, folder: Path) -> Path:
        """Write the report into a folder; return the path of its table."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = folder / f"chaos-{self.seed}"
        stem.with_suffix(".json").write_text(json.dumps(asdict(self), indent=2) + "\n")
        stem.with_suffix(".md").write_text(self.as_markdown())
        return stem.with_suffix(".md")

    def as_markdown(self) -> str:
        """Return the report as people read it."""
        lines = [
            f"# Chaos, seed {self.seed}: {len(self.faults)} faults in {self.seconds / 60:.1f} minutes",
            "",
            "| fault | times | recovered after, p50 | max |",
            "| --- | ---: | ---: | ---: |",
            _row("none: a probe of a healthy product", self.probes_s),
            *(_row(kind, seconds) for kind, seconds in sorted(self._recoveries().items())),
            "",
            *(f"- {name}: {value}" for name, value in self._counts().items()),
            *(f"- lost: {item}" for item in self.audit.lost),
            *(f"- double: {item}" for item in self.audit.double),
            *(f"- wrong: {item}" for item in self.audit.wrong),
        ]
        return "\n".join(lines) + "\n"

    def _recoveries(self) -> dict[str, list[float]]:
        """Return the recovery times by fault, those of all services together."""
        found: dict[str, list[float]] = defaultdict(list)
        for fault in self.faults:
            victim = "a service" if fault.victim in (*SERVICES, "gateway") else fault.victim
            found[": ".join(filter(None, (fault.kind, victim)))].append(fault.recovered_s)
        return found

    def _counts(self) -> dict[str, Any]:
        return {
            "journeys": self.journeys,
            **self.audit.counts,
            "what customers were told": _listed(self.told),
            "tasks that only the faults made fail": self.spoiled,
            "answers to customers": _listed(self.answers),
            "errors in the logs": _listed(self.troubles) or "none",
            "lost": len(self.audit.lost),
            "double": len(self.audit.double),
            "wrong": len(self.audit.wrong),
        }


def _row(name: str, seconds: list[float]) -> str:
    if not seconds:
        return f"| {name} | 0 | | |"
    p50, longest = statistics.median(seconds), max(seconds)
    return f"| {name} | {len(seconds)} | {p50:.1f} s | {longest:.1f} s |"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
