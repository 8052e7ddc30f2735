"""What documents name is there: log events at the usual level, files, the limits of requests."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gateway.limits import LIMITS
from tests.architecture.places import ROOMS, ROOT, parsed, python_files, short

SEEN = {"warning", "error", "critical", "exception"}
LEVELS = SEEN | {"debug", "info"}
NAMED = re.compile(r"`([a-z]+(?:_[a-z]+)*)`")
SENTENCE = re.compile(r"[^.;(]*\blogs?\b[^.;)]*")
AT_INFO = "LOG_LEVEL=INFO"
FIELDS = {"trace_id"}


@cache
def logged() -> dict[str, set[str]]:
    """Every event that our code logs, with the levels it is logged at."""
    found: dict[str, set[str]] = {}
    folders = (ROOT / "shared" / "shared", ROOT / "deploy", *(room.code for room in ROOMS))
    for file in python_files(*folders):
        for name, level in events_in(parsed(file)):
            found.setdefault(name, set()).add(level)
    return found


def events_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log"), attr=level),
                args=[ast.Constant(value=str(name)), *_],
            ) if level in LEVELS:
                yield name, level


def named(text: str) -> set[str]:
    """Every event that a text sends people to, except those that it says are of a lower level."""
    sentences = [each for each in SENTENCE.findall(text) if AT_INFO not in each]
    words = {word for each in sentences for word in NAMED.findall(each) if "_" in word}
    known = {word for word in NAMED.findall(text) if word in logged()}
    lower = {w for s in SENTENCE.findall(text) if AT_INFO in s for w in NAMED.findall(s)}
    return (words | known) - FIELDS - lower


def test_every_event_of_the_runbook_is_logged_where_it_is_seen():
    events, text = logged(), (ROOT / "docs" / "operations.md").read_text()

    unseen = {name for name in named(text) if not events.get(name, set()) & SEEN}

    assert not unseen
    assert {"mail_not_sent", "errand_put_off", "gauges_not_read"} <= named(text)


def test_an_event_that_nobody_logs_is_found():
    assert named("Look: `no_such_event` in its log.") == {"no_such_event"}
    assert named("With `LOG_LEVEL=INFO`, `pruned` in its log says it.") == set()


FILE = re.compile(r"`([a-z][\w.-]*(?:/[\w.-]+)+\.(?:py|md|yml|json|conf|sh))`")
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
OURS = tuple(f"{name}/" for name in ("shared", "services", "deploy", "docs", "tests", "benchmarks"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=short)
def test_every_file_of_ours_that_a_document_names_is_there(document: Path):
    named = [name for name in FILE.findall(document.read_text()) if name.startswith(OURS)]

    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_runbook_has_the_limits_of_requests():
    text = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\|[^|]+\| ([\d,]+) \| ([\d,]+) \|$", text, re.MULTILINE)

    told = [tuple(int(number.replace(",", "")) for number in row) for row in rows]

    assert told == [(limit.per_s, limit.burst) for limit in LIMITS.values()]
