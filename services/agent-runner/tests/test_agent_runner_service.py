"""What the agent-runner is made of, by its settings."""

import json

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import ValidationError
from runner_rig import SECRET, settings_of

from agent_runner.demo import DemoAgent
from agent_runner.models import Base
from agent_runner.openclaw.agent import OpenClawAgent
from agent_runner.service import agents_of, build
from agent_runner.settings import AgentRunnerSettings
from shared import tables
from shared.settings import MissingSettings, load
from shared.testing import ADMIN_KEY, under_test

REQUIRED = {
    "SITE_URL": "http://test",
    "JWKS_URL": "http://test/.well-known/jwks.json",
    "ADMIN_API_KEY": ADMIN_KEY,
    "AGENT_RUNNER_DATABASE_URL": "postgresql+asyncpg://nobody@/nothing",
    "BLOBS_URL": "file:///nowhere",
    "BLOBS_LINK_SECRET": SECRET,
}


@pytest.fixture
def environment(monkeypatch):
    """The smallest environment, with these variables added."""

    def with_variables(**variables):
        for name, value in {**REQUIRED, **variables}.items():
            monkeypatch.setenv(name, value)
        return load(AgentRunnerSettings)

    return with_variables


@pytest.mark.parametrize(
    ("variables", "executor"),
    [
        ({}, "demo"),
        ({"OPENCLAW_URL": "", "AGENT_RUNNER_EXECUTOR": ""}, "demo"),
        ({"OPENCLAW_URL": "ws://127.0.0.1:1"}, "openclaw"),
        ({"OPENCLAW_URL": "ws://127.0.0.1:1", "AGENT_RUNNER_EXECUTOR": "demo"}, "demo"),
        ({"AGENT_RUNNER_EXECUTOR": "human"}, "human"),
    ],
)
def test_the_executor_follows_from_the_environment(environment, variables, executor):
    assert environment(**variables).default_executor == executor


def test_an_agent_type_can_have_an_executor_of_its_own(environment):
    settings = environment(AGENT_RUNNER_EXECUTORS=json.dumps({"research": "human"}))

    assert settings.executors == {"research": "human"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AGENT_RUNNER_EXECUTOR", "openclaw"),
        ("AGENT_RUNNER_EXECUTORS", '{"research": "openclaw"}'),
        ("AGENT_RUNNER_EXECUTORS", '{"research": "somebody"}'),
        ("AGENT_RUNNER_EXECUTORS", '{"resarch": "human"}'),
        ("AGENT_RUNNER_EXECUTORS", "{bad"),
        ("AGENT_RUNNER_OPENCLAW_AGENTS", '{"resarch": "writer"}'),
        ("AGENT_RUNNER_OPENCLAW_WORKSPACES", "/nope"),
        ("AGENT_RUNNER_CONCURRENCY", "0"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(environment, variable, value):
    with pytest.raises(MissingSettings, match=variable):
        environment(**{variable: value})


def test_openclaw_is_there_when_it_has_a_url(tmp_path):
    agents = agents_of(
        settings_of("postgresql+asyncpg://", tmp_path, openclaw_url="ws://127.0.0.1:1")
    )

    assert {name: type(agent) for name, agent in agents.items()} == {
        "demo": DemoAgent,
        "openclaw": OpenClawAgent,
    }


def test_settings_show_no_secret(tmp_path):
    settings = settings_of("postgresql+asyncpg://", tmp_path, openclaw_token="the-token")

    assert ADMIN_KEY not in repr(settings)
    assert SECRET not in repr(settings)
    assert "the-token" not in repr(settings)


def test_settings_do_not_change(tmp_path):
    with pytest.raises(ValidationError):
        settings_of("postgresql+asyncpg://", tmp_path).concurrency = 9


async def test_the_service_starts_with_as_many_workers_as_set(database_url, tmp_path):
    async with under_test(build(settings_of(database_url, tmp_path, concurrency=3))) as runner:
        assert len(runner.service.workers) == 3 + 1
        await runner.work()


async def test_the_migrations_make_what_the_models_say(database_url, tmp_path):
    async with (
        under_test(build(settings_of(database_url, tmp_path))) as runner,
        runner.database.engine.connect() as connection,
    ):
        differences = await connection.run_sync(differences_to_models)

    assert differences == []


def differences_to_models(connection):
    ours = set(Base.metadata.tables)
    others = {*tables.metadata.tables, "alembic_version", "alembic_version_shared"}

    def concerns_us(_, name, kind, *__):
        return kind != "table" or name in ours or name not in others

    context = MigrationContext.configure(connection, opts={"include_object": concerns_us})
    return compare_metadata(context, Base.metadata)
