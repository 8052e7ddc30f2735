"""What commands print: the API's JSON, or tables for people; what customers wrote cannot steer a terminal."""

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

import typer
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from impacter.api import Json

PIPE_WIDTH = 100_000  # a program reads it: nothing is wrapped
LINE_CHARS_MAX = 80
PROSE_WIDTH_MIN = 24
STYLES = {
    "ok": "green",
    "ready": "green",
    "completed": "green",
    "sent": "green",
    "well": "green",
    "balanced": "green",
    "broken": "bold red",
    "differs": "bold red",
    "not ready": "bold red",
    "failed": "red",
    "parked": "red",
    "closed": "dim",
    "review": "yellow",
    "retrying": "yellow",
}
# Control characters but tab and newline, marks that reorder text, lone surrogates.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its title, and what it shows of a row."""

    title: str
    show: Callable[[Json], object]
    is_number: bool = False
    is_prose: bool = False


def field(name: str, title: str | None = None) -> Column:
    """Return a column that shows a field on one line."""
    return Column(title=title or name.replace("_", " "), show=lambda row: line(row.get(name)))


def prose(name: str, title: str | None = None) -> Column:
    """Return a column that shows a text whole, wrapped where there is little room."""
    return Column(title=title or name, show=lambda row: clean(row.get(name)), is_prose=True)


def excerpt(name: str) -> Column:
    """Return a column that shows how a text begins, wrapped where there is little room."""
    return Column(title=name, show=lambda row: line(row.get(name)), is_prose=True)


def number(name: str, title: str | None = None) -> Column:
    """Return a column that shows a number, its thousands apart."""
    return Column(
        title=title or name.replace("_", " "),
        show=lambda row: grouped(row.get(name)),
        is_number=True,
    )


def time(name: str, title: str) -> Column:
    """Return a column that shows a time in UTC."""
    return Column(title=f"{title} (UTC)", show=lambda row: utc(row.get(name)))


def as_json(body: object) -> None:
    """Print JSON that every terminal can show and every program can read."""
    typer.echo(json.dumps(body, indent=2))


def table(rows: Iterable[Json], columns: Sequence[Column], *, none: str) -> None:
    """Print rows as a table, where it is too wide one below the other; or the sentence that there are none."""
    console = _console(sys.stdout)
    lines = [[_cell(column.show(row)) for column in columns] for row in rows]
    grid = _grid(columns, lines)
    roomy = console.options.update(max_width=PIPE_WIDTH)
    if not lines:
        console.print(none)
    elif Measurement.get(console, roomy, grid).minimum <= console.width:
        console.print(grid)
    else:
        titles = [column.title for column in columns]
        for place, cells in enumerate(lines):
            if place:
                console.print()
            console.print(_record(zip(titles, cells, strict=True)))


def details(pairs: Iterable[tuple[str, object]]) -> None:
    """Print one thing's fields below each other; those without a value are left out."""
    cells = ((name, _cell("" if value is None else value)) for name, value in pairs)
    _console(sys.stdout).print(_record(cells))


def show(grid: Table) -> None:
    """Print a table that was laid out already."""
    _console(sys.stdout).print(grid)


def clean(value: object) -> str:
    """Return a value on one line, as every terminal can show it."""
    return _one_line("" if value is None else str(value))


def heading(text: str) -> None:
    """Print a heading."""
    _console(sys.stdout).print(Text(f"\n{text}", style="bold"))


def paragraph(text: str) -> None:
    """Print a text as it is."""
    _console(sys.stdout).print(Text(_printable(text)), soft_wrap=True)


def say(sentence: str) -> None:
    """Print a line for the person, beside the output."""
    _console(sys.stderr).print(Text(_one_line(sentence)), soft_wrap=True)


def say_more_may_follow(page: Json, limit: int) -> None:
    """Tell the person that a list was cut off."""
    if page["next_cursor"] is not None:
        say(f"These are the newest {limit}; there may be more: see --limit.")


def line(value: object) -> str:
    """Return a value as one line, cut where a table would get too wide."""
    text = clean(value)
    return text if len(text) <= LINE_CHARS_MAX else f"{text[: LINE_CHARS_MAX - 1]}…"


def grouped(value: object) -> str:
    """Return a whole number with its thousands apart."""
    return f"{value:,}" if isinstance(value, int) else line(value)


def utc(value: object) -> str:
    """Return a time of the API's as people read it, in UTC."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return line(value)
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _grid(columns: Sequence[Column], lines: Sequence[Sequence[Text]]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, column in enumerate(columns):
        widest = max(map(_width, [Text(column.title), *(cells[place] for cells in lines)]))
        grid.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            no_wrap=not column.is_prose,
            min_width=min(PROSE_WIDTH_MIN, widest) if column.is_prose else widest,
            overflow="fold",
        )
    for cells in lines:
        grid.add_row(*cells)
    return grid


def _width(cell: Text) -> int:
    return max((line.cell_len for line in cell.split("\n")), default=0)


def _record(fields: Iterable[tuple[str, Text]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, cell in fields:
        if cell:
            grid.add_row(name, cell)
    return grid


def _cell(value: object) -> Text:
    text = _printable(str(value))
    return Text(text, style=STYLES.get(text, ""))


def _one_line(text: str) -> str:
    return " ".join(_printable(text).split())


def _printable(text: str) -> str:
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _console(stream: TextIO) -> Console:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    options: dict[str, Any] = {}
    if not stream.isatty() and "COLUMNS" not in os.environ:
        options["width"] = PIPE_WIDTH
    if os.environ.get("NO_COLOR"):
        options["color_system"] = None
    return Console(file=stream, highlight=False, markup=False, emoji=False, **options)
