"""The books: whether everything that is checked agrees, and each closed day."""

from typing import Annotated

import typer

from impacter import output
from impacter.api import Json, operator_api
from impacter.options import AsJson, Url
from impacter.output import Column, clean, field, grouped, line, number, prose, time

DAYS = 14
SECTIONS = [
    field("section"),
    field("state"),
    time("checked_at", "checked"),
    prose("facts"),
]
DAY_COLUMNS = [
    field("day"),
    field("state"),
    number("settled_count", "settled"),
    number("captured"),
    number("released"),
    time("proved_at", "proved"),
    Column(title="what is wrong", show=lambda day: clean(_wrong(day)), is_prose=True),
]
ASKED = (
    "The comparison with Stripe is asked for: billing makes it in the next moments."
    " `impacter admin books`, section stripe, shows when it was made and what differs."
)
OF_TROUBLE = ("differs", "broken")

Again = Annotated[
    str | None,
    typer.Option("--again", metavar="DAY", help="Have this closed day compared again, first."),
]
Days = Annotated[
    int, typer.Option("--days", min=1, max=366, metavar="N", help="At most so many days.")
]


def books(
    *, again: Again = None, days: Days = DAYS, url: Url = None, as_json: AsJson = False
) -> None:
    """Show what is checked of the books, section by section, and the days that are closed.

    The exit code is 1 when something does not agree.
    """
    with operator_api(url) as api:
        if again is not None:
            api.post("/api/admin/books/compare", {"day": again})
        report = api.get("/api/admin/books", limit=days)
    if as_json:
        output.as_json(report)
    else:
        _show(report)
    if _is_in_trouble(report):
        raise typer.Exit(1)


def reconcile(*, url: Url = None, as_json: AsJson = False) -> None:
    """Have billing compare everything of the last weeks with Stripe now; `books` shows what it finds."""
    with operator_api(url) as api:
        asked = api.post("/api/admin/reconcile")
    if as_json:
        output.as_json(asked)
    else:
        output.paragraph(ASKED)


def _show(report: Json) -> None:
    rows = [
        {**section, "section": name, "facts": _facts(section.get("facts") or {})}
        for name, section in report["sections"].items()
    ]
    output.table(rows, SECTIONS, none="Nothing is checked.")
    for row in rows:
        for sentence in row.get("open") or ():
            output.paragraph(f"  {line(row['section'])}: {output.clean(str(sentence))}")
    output.heading("Days")
    output.table(report["days"], DAY_COLUMNS, none="No day is closed yet.")


def _is_in_trouble(report: Json) -> bool:
    is_broken = any(section.get("state") == "broken" for section in report["sections"].values())
    return is_broken or any(day.get("state") in OF_TROUBLE for day in report["days"])


def _facts(facts: Json) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {grouped(value)}"
        for name, value in facts.items()
        if value is not None
    )


def _wrong(day: Json) -> str:
    differences = [
        f"tasks counts {by:+,} {name.replace('_', ' ')}"
        for name, by in (day.get("differences") or {}).items()
    ]
    broken = [f"{rule}: {count}" for rule, count in (day.get("broken") or {}).items()]
    return "; ".join([*differences, *broken])
