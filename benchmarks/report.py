"""The table: as text for the terminal, as Markdown and JSON for keeping."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.aims import AIMED, BESIDES, Line
from benchmarks.rounds import Figures

HEAD = ("figure", "value", "spread", "compared with", "ratio", "aim", "reached")
ABSENT = "not measured"
LARGE = 100
TIMES = "×"  # noqa: RUF001 - it is the sign for that


def rows(figures: Figures) -> list[tuple[str, ...]]:
    """Return the table's rows: those with an aim first, an absent figure named where it has one."""
    aimed = [_row(line, figures) for line in AIMED]
    return aimed + [_row(line, figures) for line in BESIDES if figures.has(line.figure)]


def as_text(figures: Figures) -> str:
    """Return the table for a terminal."""
    table = [HEAD, *rows(figures)]
    widths = [max(len(row[place]) for row in table) for place in range(len(HEAD))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    )
    return "\n".join(lines)


def as_markdown(figures: Figures, conditions: Sequence[str]) -> str:
    """Return the table with the conditions it was measured under."""
    table = [HEAD, ("---",) * len(HEAD), *rows(figures)]
    lines = (f"| {' | '.join(row)} |" for row in table)
    return "\n".join([*(f"- {condition}" for condition in conditions), "", *lines, ""])


def keep(folder: Path, name: str, figures: Figures, conditions: Sequence[str]) -> Path:
    """Write the table and every round's sample into a folder; return the table's file."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"conditions": list(conditions), "samples": figures.samples}
    (folder / f"{name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False))
    file = folder / f"{name}.md"
    file.write_text(as_markdown(figures, conditions))
    return file


def _row(line: Line, figures: Figures) -> tuple[str, ...]:
    aim = _aim(line)
    if not figures.has(line.figure):
        return line.title, ABSENT, "", line.versus_title, "", aim, "?" if aim else ""
    value = figures.value(line.figure)
    low, high = figures.spread(line.figure)
    spread = f"{_number(low)}-{_number(high)}"
    others = [figures.value(name) for name in line.versus if figures.has(name)]
    if line.versus and not others:
        absent = f"{line.versus_title} ({ABSENT})"
        return line.title, _with_unit(line, value), spread, absent, "", aim, "?" if aim else ""
    best = _best(line, others) if others else None
    ratio = None if best is None else _ratio(line, value, best)
    against = "" if best is None else f"{line.versus_title}: {_with_unit(line, best)}"
    shown = "" if ratio is None else f"{ratio:.2f}"
    judged = _judged(line, value if ratio is None else ratio)
    return line.title, _with_unit(line, value), spread, against, shown, aim, judged


def _best(line: Line, others: Sequence[float]) -> float:
    return min(others) if line.unit == "µs" else max(others)


def _ratio(line: Line, value: float, best: float) -> float:
    return best / value if line.is_inverse else value / best


def _judged(line: Line, value: float) -> str:
    if line.at_least is not None:
        return "yes" if value >= line.at_least else "no"
    if line.at_most is not None:
        return "yes" if value <= line.at_most else "no"
    return ""


def _aim(line: Line) -> str:
    unit = TIMES if line.versus else f" {line.unit}".replace(" /s", "/s")
    if line.at_least is not None:
        return f"≥ {line.at_least:,}{unit}"
    return f"≤ {line.at_most:,}{unit}" if line.at_most is not None else ""


def _with_unit(line: Line, value: float) -> str:
    return f"{_number(value)}{'' if line.unit == '/s' else ' '}{line.unit}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= LARGE else f"{value:.2f}" if value < 1 else f"{value:.1f}"


def missing(reasons: Iterable[str]) -> str:
    """Return what was left out, so that nobody overlooks it."""
    return "\n".join(f"!!! LEFT OUT: {reason}" for reason in reasons)
