"""The agent-runner under test."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from fake_gateway import FakeGateway
from openclaw_parts import Customer, agent_for
from runner_rig import PlayedAgent, Rig, says
from sqlalchemy import text

from agent_runner.agents import Agent
from agent_runner.openclaw.agent import OpenClawAgent
from shared.testing import under_test

RunnerWith = Callable[..., AbstractAsyncContextManager[Rig]]


@pytest.fixture
def runner_with(database_url: str, tmp_path: Path) -> RunnerWith:
    """Open an agent-runner with an empty database and this agent behind the executor demo."""

    @asynccontextmanager
    async def open_rig(agent: Agent, **settings: object) -> AsyncIterator[Rig]:
        rig = Rig(database_url, tmp_path)
        async with under_test(rig.service(agent, **settings)) as sut:
            rig.sut = sut
            async with sut.database.transaction() as tx:
                await tx.execute(
                    text("TRUNCATE run_files, runs, tombstones, inbox, outbox, parked")
                )
            yield rig

    return open_rig


@pytest.fixture
async def rig(runner_with: RunnerWith) -> AsyncIterator[Rig]:
    """An agent-runner whose agent says `Done.`."""
    async with runner_with(PlayedAgent(says("Done."))) as rig:
        yield rig


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        yield gateway


@pytest.fixture
def agent(gateway: FakeGateway) -> OpenClawAgent:
    return agent_for(gateway)


@pytest.fixture
async def customer(gateway: FakeGateway, tmp_path: Path) -> AsyncIterator[Customer]:
    customer = Customer(tmp_path)
    yield customer
    await customer.leave()
