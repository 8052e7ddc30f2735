"""The agent-runner's settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from agent_runner.executors import AGENT_TYPES
from agent_runner.runs import USER_RUNS_MAX
from shared.settings import CommonSettings

ExecutorName = Literal["openclaw", "demo", "human"]


class AgentRunnerSettings(CommonSettings):
    """The agent-runner's own variables; an empty one counts as not set."""

    model_config = SettingsConfigDict(env_prefix="AGENT_RUNNER_", env_ignore_empty=True)

    blobs_url: Annotated[str, Field(validation_alias="BLOBS_URL")]
    blobs_link_secret: Annotated[SecretStr, Field(validation_alias="BLOBS_LINK_SECRET")]
    openclaw_url: Annotated[str | None, Field(validation_alias="OPENCLAW_URL")] = None
    openclaw_token: Annotated[SecretStr | None, Field(validation_alias="OPENCLAW_TOKEN")] = None
    openclaw_agents: dict[str, str] = Field(default_factory=dict)
    openclaw_workspaces: Path | None = None

    executor: ExecutorName | Literal[""] = ""
    executors: dict[str, ExecutorName] = Field(default_factory=dict)

    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    user_runs_max: Annotated[int, Field(ge=1)] = USER_RUNS_MAX
    run_s_max: Annotated[float, Field(gt=0)] = 1800
    desk_s_max: Annotated[float, Field(gt=0)] = 604_800
    lease_s: Annotated[float, Field(gt=0)] = 60
    retry_s: Annotated[float, Field(ge=0)] = 5
    clean_up_s_max: Annotated[float, Field(gt=0)] = 20
    attempts_max: Annotated[int, Field(ge=1, le=20)] = 3
    files_max: Annotated[int, Field(ge=1, le=100)] = 50
    file_bytes_max: Annotated[int, Field(ge=1)] = 100 * 1024 * 1024
    scratch_dir: Path | None = None

    @field_validator("executors", "openclaw_agents")
    @classmethod
    def _has_known_types(cls, chosen: dict[str, str]) -> dict[str, str]:
        unknown = ", ".join(sorted(set(chosen) - set(AGENT_TYPES)))
        if unknown:
            message = f"there is no agent type {unknown}; there are {', '.join(AGENT_TYPES)}"
            raise ValueError(message)
        return chosen

    @field_validator("openclaw_workspaces")
    @classmethod
    def _is_there(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            message = (
                "there is no such folder here: mount what the gateway writes to, or leave it out"
            )
            raise ValueError(message)
        return folder

    @field_validator("executor", "executors")
    @classmethod
    def _has_its_url(cls, chosen: Any, info: ValidationInfo) -> Any:
        names = chosen.values() if isinstance(chosen, Mapping) else (chosen,)
        if "openclaw" in names and not info.data.get("openclaw_url"):
            message = "the executor openclaw needs OPENCLAW_URL"
            raise ValueError(message)
        return chosen

    @property
    def default_executor(self) -> ExecutorName:
        """Who does what no entry of `executors` names."""
        if self.executor != "":
            return self.executor
        return "openclaw" if self.openclaw_url else "demo"
