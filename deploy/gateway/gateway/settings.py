"""The desk's settings."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.forms import Host
from shared.settings import Settings


class GatewaySettings(Settings):
    """Where each service answers: `GATEWAY_SERVICES={"auth": "http://…", …}`."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True)

    services: dict[str, str]
    host: Annotated[Host, Field(validation_alias="HOST")]
    port: Annotated[int, Field(validation_alias="PORT")]
