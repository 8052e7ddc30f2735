"""A service's README says which events it consumes and publishes, and the catalog says the same."""

import re

import pytest

import shared.contracts  # noqa: F401 - fills the catalog
from shared.events import CATALOG, topology
from tests.architecture.places import ROOMS, Room


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_the_canvas_names_what_the_service_consumes(room: Room):
    assert named("Consumes", room) == topology().get(room.name, [])


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_the_canvas_names_what_the_service_publishes(room: Room):
    published = [name for name, kind in sorted(CATALOG.items()) if kind.publisher == room.name]

    assert named("Publishes", room) == published


def named(heading: str, room: Room) -> list[str]:
    """The events of the line `Consumes: ...` or `Publishes: ...`; a service without any says `nothing`."""
    [line] = re.findall(rf"^{heading}: (.+)$", room.readme, re.MULTILINE)
    names = [] if line == "nothing" else line.split(", ")
    assert all(re.fullmatch(r"`[^`]+`", name) for name in names), line
    return sorted(name.strip("`") for name in names)
