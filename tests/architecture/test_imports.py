"""Who may import whom: the contracts of `pyproject.toml`, and business files below what reaches them."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from tests.architecture.places import ROOMS, ROOT, Room, parsed, python_files, short

PYPROJECT = ROOT / "pyproject.toml"
REACHED_BY = ("__main__", "service", "settings", "routes", "workers", "handlers")
WAYS = {"embedded", "distributed", "compose", "development", "production"}
# HTTP and processes stay outside: business is functions over a Tx.
OUTSIDE = {"fastapi", "starlette", "uvicorn", "shared.http", "shared.run"}


def test_the_contracts_of_import_linter_are_kept():
    """By a process of its own: it silences every logger that there is."""
    program = Path(sys.executable).with_name("lint-imports")
    linted = subprocess.run(
        [program, "--config", PYPROJECT, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_contracts_are_about_every_service():
    contracts = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    packages = {room.package for room in ROOMS}

    for contract in contracts:
        match contract["id"]:
            case "independence":
                assert set(contract["modules"]) == packages
            case "bus":
                assert set(contract["source_modules"]) == packages
            case "rooms":
                assert set(contract["containers"]) == packages


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    packages = [room.package for room in ROOMS]
    return grimp.build_graph("shared", *packages, include_external_packages=True, cache_dir=None)


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_business_knows_neither_http_nor_what_reaches_it(graph: grimp.ImportGraph, room: Room):
    above = {f"{room.package}.{name}" for name in REACHED_BY}
    business = {
        module
        for module in graph.find_descendants(room.package)
        if not is_within(module, above | {f"{room.package}.migrations"})
    }

    imports = {module: graph.find_modules_directly_imported_by(module) for module in business}

    assert business
    wrong = [
        f"{module} imports {found}"
        for module, all_found in sorted(imports.items())
        for found in all_found
        if is_within(found, above | OUTSIDE)
    ]
    assert not wrong, wrong


def is_within(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_no_code_asks_in_which_way_it_is_run():
    """What differs between one process, many and containers is addresses: settings say them, and no word of ours."""
    asking = {
        f"{short(file)}: {word}"
        for file in python_files(ROOT / "shared/shared", *(room.code for room in ROOMS))
        for word in words(parsed(file))
        if not WAYS.isdisjoint(re.split(r"[^a-z]+", word.lower()))
    }

    assert asking == set()


def words(tree: ast.Module) -> set[str]:
    """The names and the texts of a file, without what is said about them."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in said:
                found.add(text)
            case ast.Name(id=name) | ast.Attribute(attr=name):
                found.add(name)
    return found
