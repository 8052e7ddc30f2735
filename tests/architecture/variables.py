"""Which variables the processes read, by their settings classes."""

import ast
from collections.abc import Iterator
from importlib import import_module

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from shared.settings import CommonSettings, ProcessSettings, Settings
from tests.architecture.places import ROOMS, ROOT, parsed

BASES = {BaseSettings, Settings, CommonSettings}


def of_the_product() -> Iterator[type[BaseSettings]]:
    """The settings of a process, and those of every service."""
    yield ProcessSettings
    for room in ROOMS:
        yield from declared_in(f"{room.package}.settings")


def of_deployments() -> Iterator[type[BaseSettings]]:
    """The settings of what runs beside the services."""
    for file in sorted((ROOT / "deploy").glob("*/*/settings.py")):
        yield from declared_in(f"{file.parent.name}.settings")


def declared_in(name: str) -> Iterator[type[BaseSettings]]:
    for value in vars(import_module(name)).values():
        if isinstance(value, type) and issubclass(value, BaseSettings) and value not in BASES:
            yield value


def known() -> set[str]:
    """Every variable that a settings class reads."""
    kinds = [*of_the_product(), *of_deployments()]
    return {name for kind in kinds for name in variables_of(kind)}


def required() -> set[str]:
    """Every variable without which the product does not start."""
    return {
        name
        for kind in of_the_product()
        for name, field in variables_of(kind).items()
        if field.is_required()
    }


def variables_of(kind: type[BaseSettings]) -> dict[str, FieldInfo]:
    prefix = kind.model_config.get("env_prefix", "")
    return {
        spelling: field
        for name, field in kind.model_fields.items()
        for spelling in spellings(field) or [f"{prefix}{name}".upper()]
    }


def spellings(field: FieldInfo) -> list[str]:
    match field.validation_alias:
        case str(alias):
            return [alias]
        case AliasChoices(choices):
            return [str(choice) for choice in choices]
    return []


def read_by_entry_points() -> set[str]:
    """What `deploy/*/__main__.py` read themselves, before there are settings."""
    found = set()
    for file in (ROOT / "deploy").glob("*/*/__main__.py"):
        for node in ast.walk(parsed(file)):
            match node:
                case (
                    ast.Call(func=ast.Attribute(value=environ), args=[ast.Constant(str(name)), *_])
                    | ast.Subscript(value=environ, slice=ast.Constant(str(name)))
                ) if ast.unparse(environ) == "os.environ":
                    found.add(name)
    return found
