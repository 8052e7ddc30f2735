"""The settings of tasks."""

from typing import Annotated

from pydantic import Field, PositiveInt, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import CommonSettings


class TasksSettings(CommonSettings):
    """The variables of tasks; those of the object store are shared with who writes into it."""

    model_config = SettingsConfigDict(env_prefix="TASKS_")

    quote_valid_s: PositiveInt = 900
    pending_s_max: PositiveInt = 3600
    blobs_url: Annotated[str, Field(validation_alias="BLOBS_URL")]
    blobs_link_secret: Annotated[SecretStr, Field(validation_alias="BLOBS_LINK_SECRET")]

    @property
    def checkout_url(self) -> str:
        """Where credits are bought."""
        return f"{self.site_url.rstrip('/')}/credits"
