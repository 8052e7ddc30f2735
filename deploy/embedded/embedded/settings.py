"""The settings of what runs beside the services in a process of its own: the Stripe emulator."""

from pathlib import Path

from pydantic import SecretStr

from shared.settings import Settings


class EmulatorSettings(Settings):
    """Where the emulated Stripe is, whom it serves, whom it tells.

    Its pages are seen under SITE_URL; `emulator_webhook_url` is where the product hears of events, if
    not there too; `data_dir` keeps the account.
    """

    host: str
    port: int
    site_url: str
    data_dir: Path
    stripe_secret_key: SecretStr
    stripe_webhook_secret: SecretStr
    emulator_webhook_url: str = ""
