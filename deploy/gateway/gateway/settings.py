"""The desk's settings."""

from pydantic_settings import SettingsConfigDict

from shared.settings import Settings


class GatewaySettings(Settings):
    """Where each service answers: `GATEWAY_SERVICES={"auth": "http://…", …}`."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True)

    services: dict[str, str]
    host: str = "127.0.0.1"
    port: int
