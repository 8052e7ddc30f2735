"""Settings: read once from the environment, typed, immutable; a missing one stops the start and is named."""

import re
from typing import Annotated, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from shared.forms import DatabaseUrl, Host, Proxies, SiteOrigin

SettingsT = TypeVar("SettingsT", bound=BaseSettings)
UNREADABLE = re.compile(r'field "(\w+)"')

TracesSampler = Literal[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
]


class Settings(BaseSettings):
    """The base of every service's settings."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class ProcessSettings(Settings):
    """What a process needs whichever services it runs.

    `trusted_proxies` are the addresses and networks (commas between) whose X-Forwarded headers are believed;
    `metrics_key` opens /metrics, and nothing else; the variables that begin with `otel_` are
    OpenTelemetry's own, and nothing is traced without an endpoint.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True)

    bus_url: str
    host: Host
    port: Annotated[int, Field(ge=1, le=65_535)]
    trusted_proxies: Proxies = ""
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_key: SecretStr = SecretStr("")
    otel_exporter_otlp_endpoint: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    otel_exporter_otlp_headers: SecretStr = SecretStr("")
    otel_service_name: str = ""
    otel_traces_sampler: TracesSampler = "parentbased_always_on"
    otel_traces_sampler_arg: Annotated[float, Field(ge=0, le=1)] = 1


class CommonSettings(Settings):
    """What every service needs: where it is seen, whose tokens it takes, the operators' key.

    A service adds its own under its prefix: `model_config = SettingsConfigDict(env_prefix="BILLING_")`.
    """

    site_url: Annotated[SiteOrigin, Field(validation_alias="SITE_URL")]
    jwks_url: Annotated[str, Field(validation_alias="JWKS_URL", pattern=r"^https?://\S+$")]
    admin_api_key: Annotated[SecretStr, Field(validation_alias="ADMIN_API_KEY")]
    database_url: DatabaseUrl


class MissingSettings(SystemExit):
    """Some settings are missing or wrong; the text names each variable."""


def load(kind: type[SettingsT]) -> SettingsT:
    """Return the settings of this kind from the environment; end the process naming what is wrong."""
    try:
        return kind()
    except ValidationError as flaw:
        lines = [_complaint(kind, error) for error in flaw.errors()]
    except SettingsError as flaw:
        name = UNREADABLE.findall(str(flaw))[0]
        lines = [f"{_variable(kind, name)}: must be JSON as .env.example shows it"]
    text = "settings are missing or wrong (see .env.example):" + "".join(f"\n  {x}" for x in lines)
    raise MissingSettings(text)


def _complaint(kind: type[BaseSettings], error: ErrorDetails) -> str:
    said = error["msg"].removeprefix("Value error, ")
    return f"{_variable(kind, str(error['loc'][0]))}: {said}"


def _variable(kind: type[BaseSettings], name: str) -> str:
    """Return the variable of a field, which pydantic names by itself or by its alias."""
    if name not in kind.model_fields:
        return name.upper()
    alias = kind.model_fields[name].validation_alias
    prefix = kind.model_config.get("env_prefix", "")
    return alias if isinstance(alias, str) else f"{prefix}{name}".upper()
