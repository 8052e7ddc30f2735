"""What stands before the services, in this process or before it."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import Settings

BUILT = Path(__file__).parents[3] / "web" / "dist"


class FrontSettings(Settings):
    """Where the built pages are, and how wide the limits of requests; a factor of 0 is no limit."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    web_dist: Annotated[Path, Field(validation_alias="WEB_DIST")] = BUILT
    rate_factor: Annotated[
        float, Field(validation_alias="GATEWAY_RATE_FACTOR", ge=0, allow_inf_nan=False)
    ] = 1
