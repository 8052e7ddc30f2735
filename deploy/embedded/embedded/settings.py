"""The settings of what is no service: what stands before them in this process, and the Stripe emulator in one of its own."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from embedded.defaults import EMULATED_KEY
from shared.forms import Host, SiteOrigin
from shared.settings import Settings

MAYBE_URL = r"^(https?://\S+)?$"
BUILT = Path(__file__).parents[3] / "web" / "dist"


class FrontSettings(Settings):
    """Where the built pages are, how wide the limits of requests (0: none), and whom an emulated Stripe tells."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    web_dist: Annotated[Path, Field(validation_alias="WEB_DIST")] = BUILT
    rate_factor: Annotated[
        float, Field(validation_alias="GATEWAY_RATE_FACTOR", ge=0, allow_inf_nan=False)
    ] = 1
    emulator_webhook_url: Annotated[str, Field(pattern=MAYBE_URL)] = ""


class EmulatorSettings(Settings):
    """Where the emulated Stripe is, whom it serves, whom it tells.

    Its pages are seen under SITE_URL; `emulator_webhook_url` is where the product hears of events, if
    not there too; `data_dir` keeps the account.
    """

    host: Host
    port: int
    site_url: SiteOrigin
    data_dir: Path
    stripe_secret_key: SecretStr
    stripe_webhook_secret: SecretStr
    emulator_webhook_url: Annotated[str, Field(pattern=MAYBE_URL)] = ""

    @field_validator("stripe_secret_key")
    @classmethod
    def _is_its_own(cls, key: SecretStr) -> SecretStr:
        if not key.get_secret_value().startswith(EMULATED_KEY):
            message = f"leave the emulator out: this is no key of its own ({EMULATED_KEY}…)"
            raise ValueError(message)
        return key
