"""The fixtures that tests of more than one kind share."""

from collections.abc import AsyncIterator

import pytest

from tests.compose.stack import Stack, running_stack


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The product in containers, once for the run."""
    async with running_stack(tmp_path_factory.mktemp("compose")) as started:
        yield started
