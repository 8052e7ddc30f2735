"""The fixtures of auth's tests: a service for each module, a world for each test."""

from collections.abc import AsyncIterator

import pytest
from auth_parts import MovingClock, World, settings
from fastapi import FastAPI

from auth.service import build
from shared.bus_memory import MemoryBus
from shared.run import build_app
from shared.testing import ServiceUnderTest, under_test


@pytest.fixture(scope="module")
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture(scope="module")
async def auth(database_url: str, clock: MovingClock) -> AsyncIterator[ServiceUnderTest]:
    async with under_test(build(settings(database_url), clock=clock)) as service:
        yield service


@pytest.fixture(scope="module")
def app(auth: ServiceUnderTest) -> FastAPI:
    return build_app([auth.service], MemoryBus())


@pytest.fixture
def world(auth: ServiceUnderTest, clock: MovingClock, app: FastAPI) -> World:
    clock.offset *= 0
    return World(auth, clock, app)
