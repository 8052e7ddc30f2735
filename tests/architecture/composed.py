"""The Compose files, as Compose reads them."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from tests.architecture.places import ROOT

BASE = "docker-compose.yml"
STAND_INS = "docker-compose.override.yml"
VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)")
REQUIRED = re.compile(r"\$\{([A-Z][A-Z0-9_]*):\?")


@cache
def services() -> dict[str, dict[str, Any]]:
    """Every service; what the second file says of one is added to it."""
    merged: dict[str, dict[str, Any]] = {}
    for file in (BASE, STAND_INS):
        for name, service in read(file)["services"].items():
            merged[name] = _merged(merged.get(name, {}), service)
    return merged


def read(file: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())
    return document


def text() -> str:
    return "".join((ROOT / file).read_text() for file in (BASE, STAND_INS))


def mentioned() -> set[str]:
    """Every variable that comes from `.env`: named in a value, or a key without one."""
    return {*VARIABLE.findall(text()), *_passed_on()}


def required() -> set[str]:
    """Every variable without which nothing starts."""
    return set(REQUIRED.findall(text()))


def _passed_on() -> Iterator[str]:
    for service in services().values():
        for name, value in service.get("environment", {}).items():
            if value is None:
                yield name


def _merged(old: Any, new: Any) -> Any:
    match old, new:
        case dict(), dict():
            return old | {key: _merged(old.get(key), value) for key, value in new.items()}
        case list(), list():
            return [*old, *new]
    return new
