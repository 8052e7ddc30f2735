"""The fixtures of the embedded product's tests."""

from collections.abc import AsyncIterator

import pytest
from emulator_parts import Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """An emulated Stripe in memory."""
    async with staged() as made:
        yield made
