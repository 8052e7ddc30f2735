"""Where things are in this repository."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
SOURCES = ("shared", "services", "deploy", "tests")
NOT_OURS = {".tools", "__pycache__", "node_modules", "versions"}


@dataclass(frozen=True, slots=True)
class Room:
    """A service's folder: `agent-runner` holds the package `agent_runner`."""

    name: str

    @property
    def package(self) -> str:
        return self.name.replace("-", "_")

    @property
    def folder(self) -> Path:
        return ROOT / "services" / self.name

    @property
    def code(self) -> Path:
        return self.folder / self.package

    @property
    def readme(self) -> str:
        return (self.folder / "README.md").read_text()

    def module(self, name: str) -> ModuleType:
        return import_module(f"{self.package}.{name}")

    def __str__(self) -> str:
        return self.name


ROOMS = [Room(file.parent.name) for file in sorted((ROOT / "services").glob("*/pyproject.toml"))]


def python_files(*folders: Path) -> Iterator[Path]:
    """Every file of ours in these folders; what a migration did is history and left out."""
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            if NOT_OURS.isdisjoint(file.relative_to(ROOT).parts):
                yield file


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), filename=str(file))


def short(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()
