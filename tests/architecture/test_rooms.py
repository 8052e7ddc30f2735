"""Every service has the same rooms: who knows one knows all."""

import ast
import re

import pytest

from tests.architecture.conftest import Build
from tests.architecture.places import ROOMS, Room, parsed, python_files, short

NEEDED = {"__init__.py", "__main__.py", "service.py", "settings.py", "models.py", "migrations"}
BESIDE = {"README.md", "pyproject.toml", "tests"}
ALLOWED = NEEDED | {
    "schemas.py",
    "routes.py",
    "handlers.py",
    "workers.py",
    "metrics.py",
    "py.typed",
}
# A room that outgrew its file is a package of the same name, split by the business noun.
GROWN = {"models", "routes", "handlers", "workers", "schemas"}
NAMED = re.compile(r"`([\w.]+?)(?:\.py|/)?`")


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_service_has_what_every_service_has(room: Room):
    there = entries(room)
    missing = {name for name in NEEDED - there if name.removesuffix(".py") not in there & GROWN}

    missing |= {name for name in BESIDE if not (room.folder / name).exists()}
    assert missing == set()


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_the_canvas_names_every_other_file(room: Room):
    """Business files are named in the service's README, in backticks; nothing else stands around."""
    business = {name.removesuffix(".py") for name in entries(room) - ALLOWED - GROWN}

    unnamed = sorted(business - set(NAMED.findall(room.readme)))
    assert not unnamed, f"name these in {room}'s README.md: {unnamed}"


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_service_is_a_process_in_one_line(room: Room):
    lines = (room.code / "__main__.py").read_text().splitlines()

    assert lines[-1].strip() == "run(build())"


@pytest.mark.parametrize(
    "room", [room for room in ROOMS if (room.code / "metrics.py").exists()], ids=str
)
def test_what_the_metrics_room_reads_is_what_the_service_tells(room: Room, build: Build):
    """A room whose gauges nobody asks for, or gauges from elsewhere, are found here."""
    assert build(room).gauges is room.module("metrics").gauges


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_metrics_are_made_in_the_metrics_room_alone(room: Room):
    made = {"counter", "histogram", "Gauge", "Counter", "Histogram"}
    elsewhere = [
        f"{short(file)}: {alias.name}"
        for file in python_files(room.code)
        if file.name != "metrics.py"
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ImportFrom)
        and node.module in ("shared.metrics", "prometheus_client")
        for alias in node.names
        if alias.name in made
    ]

    assert elsewhere == []


def entries(room: Room) -> set[str]:
    return {entry.name for entry in room.code.iterdir() if entry.name != "__pycache__"}
