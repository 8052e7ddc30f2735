"""The services, built as the embedded product builds them: no server is needed for that."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from embedded.defaults import DATABASES, variables
from shared.service import Service
from tests.architecture.places import Room
from tests.architecture.variables import known

Build = Callable[[Room], Service]


@pytest.fixture(scope="session")
def embedded_variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the embedded product sets."""
    folder: Path = tmp_path_factory.mktemp("embedded")
    urls = {name: f"postgresql+asyncpg://nobody@localhost/{name}" for name in DATABASES}
    return variables(folder, "8080", urls)


@pytest.fixture(scope="session")
def build(embedded_variables: dict[str, str]) -> Iterator[Build]:
    """Builds a service from those variables and nothing of this machine's; each once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in known():
            patch.delenv(name, raising=False)
        for name, value in embedded_variables.items():
            patch.setenv(name, value)
        yield cache(lambda room: room.module("service").build())
