"""Events have one publisher and the consumers that the catalog names; only a hold starts a run."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import shared.contracts  # noqa: F401 - fills the catalog
from shared.contracts.credits import CreditsHeld
from shared.events import CATALOG, topology
from tests.architecture.conftest import Build
from tests.architecture.places import ROOMS, ROOT, Room, parsed, python_files, short

CLASSES = {kind.__name__: kind for kind in CATALOG.values()}


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_service_answers_exactly_what_the_catalog_says(room: Room, build: Build):
    assert sorted(build(room).handlers.names) == topology().get(room.name, [])


def test_every_queue_is_consumed_by_exactly_one_service(build: Build):
    queues = [build(room).handlers.service for room in ROOMS if build(room).handlers.names]

    assert sorted(queues) == sorted(topology())


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_service_publishes_under_its_own_name(room: Room, build: Build):
    service = build(room)

    assert (service.name, service.database.source) == (room.name, room.name)


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_an_event_is_made_by_its_publisher_alone(name: str):
    kind = CATALOG[name]

    assert makers()[kind.__name__] == {kind.publisher}


@cache
def makers() -> dict[str, set[str]]:
    """Which packages call which event class."""
    found: dict[str, set[str]] = {name: set() for name in CLASSES}
    for folder in (*ROOMS_CODE, ROOT / "shared" / "shared", ROOT / "deploy"):
        for file in python_files(folder):
            for call in calls(parsed(file)):
                if isinstance(call.func, ast.Name) and call.func.id in CLASSES:
                    found[call.func.id].add(ROOMS_CODE.get(folder, short(file)))
    return found


ROOMS_CODE: dict[Path, str] = {room.code: room.name for room in ROOMS}


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_nothing_but_the_answer_to_a_hold_creates_a_run():
    [runner] = [room for room in ROOMS if room.name == "agent-runner"]
    places = {
        (short(file), answered(function))
        for file in python_files(runner.code)
        for function, call in calls_within(parsed(file))
        if creates_run(call)
    }

    assert places == {(short(runner.code / "handlers.py"), CreditsHeld.__name__)}


def creates_run(call: ast.Call) -> bool:
    """`Run(...)`, or a call that is given the class to insert: `tx.insert_once(Run, ...)`, `insert(Run)`."""
    if isinstance(call.func, ast.Name) and call.func.id == "Run":
        return True
    inserts = "insert" in ast.unparse(call.func)
    return inserts and any(isinstance(item, ast.Name) and item.id == "Run" for item in call.args)


Function = ast.FunctionDef | ast.AsyncFunctionDef


def calls_within(
    tree: ast.AST, function: Function | None = None
) -> Iterator[tuple[Function | None, ast.Call]]:
    """Every call with the innermost function that it is in."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call):
            yield function, node
        yield from calls_within(node, node if isinstance(node, Function) else function)


def answered(function: Function | None) -> str | None:
    """The event class of the decorator `@handlers.on(...)`."""
    for decorator in function.decorator_list if function else ():
        match decorator:
            case ast.Call(func=ast.Attribute(attr="on" | "on_many"), args=[ast.Name(id=name)]):
                return name
    return None
