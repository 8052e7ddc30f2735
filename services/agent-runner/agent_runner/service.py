"""What the agent-runner is made of."""

import os
import platform
from collections.abc import Mapping

from agent_runner import tombstones
from agent_runner.agents import Agent
from agent_runner.delivery import Store
from agent_runner.demo import DemoAgent
from agent_runner.desk import Attachments
from agent_runner.executors import AGENT_TYPES, FALLBACK, Executors
from agent_runner.handlers import answering
from agent_runner.metrics import gauges
from agent_runner.openclaw.agent import OpenClawAgent
from agent_runner.openclaw.limits import Limits as OpenClawLimits
from agent_runner.routes import router
from agent_runner.runs import Limits
from agent_runner.settings import AgentRunnerSettings
from agent_runner.workers import Reaper, RunWorker
from shared.blobs import Blobs, open_blobs
from shared.db import Database
from shared.http import AdminKey
from shared.service import Service
from shared.settings import load
from shared.tokens import Verifier, key_set_at
from shared.workers import Loop

NAME = "agent-runner"
POLL_S = 0.5
"""How often one of the workers looks for runs that nobody told of."""


def build(settings: AgentRunnerSettings | None = None) -> Service:
    """Return the service with its production adapters."""
    settings = settings or load(AgentRunnerSettings)
    return assemble(
        settings,
        database=Database(settings.database_url, source=NAME),
        agents=agents_of(settings),
        blobs=open_blobs(settings.blobs_url, secret=settings.blobs_link_secret.get_secret_value()),
        verifier=Verifier(key_set_at(settings.jwks_url), issuer=settings.site_url),
    )


def assemble(
    settings: AgentRunnerSettings,
    *,
    database: Database,
    agents: Mapping[str, Agent],
    blobs: Blobs,
    verifier: Verifier,
) -> Service:
    """Return the service with these adapters."""
    if settings.scratch_dir is not None:
        settings.scratch_dir.mkdir(parents=True, exist_ok=True)
    limits = limits_of(settings)
    executors = Executors(agents, settings.default_executor, settings.executors)
    store = Store(blobs, limits, database.ids.new)
    worker = RunWorker(
        database,
        executors,
        store,
        limits,
        owner=f"{platform.node()}:{os.getpid()}",
        scratch_dir=settings.scratch_dir,
    )
    loops = _loops(worker, settings.concurrency)

    def wake() -> None:
        for loop in loops:
            loop.wake()

    return Service(
        name=NAME,
        database=database,
        migrations="agent_runner.migrations",
        router=router,
        handlers=answering(executors, limits, wake),
        aged=[tombstones.AGED],
        workers=[*loops, Loop(f"{NAME} reaper", Reaper(database).work_once)],
        resources={
            Database: database,
            AdminKey: AdminKey(settings.admin_api_key.get_secret_value()),
            Verifier: verifier,
            Limits: limits,
            Executors: executors,
            Attachments: Attachments(database, store, limits, scratch_dir=settings.scratch_dir),
        },
        checks={"blobs": blobs.check},
        watched={name: agent.check for name, agent in agents.items()},
        gauges=gauges,
    )


def _loops(worker: RunWorker, concurrency: int) -> list[Loop]:
    poll_s = POLL_S * concurrency
    return [
        Loop(f"{NAME} {number}", worker.work_once, poll_s=poll_s)
        for number in range(1, concurrency + 1)
    ]


def agents_of(settings: AgentRunnerSettings) -> Mapping[str, Agent]:
    """Return the agents behind the executors' names; the demo always, for runs it was given before."""
    agents: dict[str, Agent] = {"demo": DemoAgent()}
    if settings.openclaw_url:
        by_type = settings.openclaw_agents or {name: name for name in AGENT_TYPES}
        token = settings.openclaw_token
        agents["openclaw"] = OpenClawAgent(
            url=settings.openclaw_url,
            token=token.get_secret_value() if token else "",
            agents=by_type,
            default_agent=by_type.get(FALLBACK, FALLBACK),
            workspaces=settings.openclaw_workspaces,
            limits=OpenClawLimits(
                files_max=settings.files_max, file_bytes_max=settings.file_bytes_max
            ),
        )
    return agents


def limits_of(settings: AgentRunnerSettings) -> Limits:
    """Return the limits that the settings name."""
    return Limits(
        user_runs_max=settings.user_runs_max,
        run_s_max=settings.run_s_max,
        desk_s_max=settings.desk_s_max,
        lease_s=settings.lease_s,
        retry_s=settings.retry_s,
        clean_up_s_max=settings.clean_up_s_max,
        attempts_max=settings.attempts_max,
        files_max=settings.files_max,
        file_bytes_max=settings.file_bytes_max,
    )
