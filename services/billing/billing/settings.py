"""Billing's settings."""

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import CommonSettings


class BillingSettings(CommonSettings):
    """Billing's own variables; Stripe's keep the names that Stripe's documentation uses."""

    model_config = SettingsConfigDict(env_prefix="BILLING_")

    stripe_secret_key: Annotated[SecretStr, Field(validation_alias="STRIPE_SECRET_KEY")]
    stripe_webhook_secret: Annotated[SecretStr, Field(validation_alias="STRIPE_WEBHOOK_SECRET")]

    @property
    def is_live(self) -> bool:
        """Whether the key is one of Stripe's live mode: events of the other mode have no effect."""
        return self.stripe_secret_key.get_secret_value().startswith(("sk_live_", "rk_live_"))

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The signing secrets, several (separated by commas) while one is being rotated."""
        text = self.stripe_webhook_secret.get_secret_value()
        return tuple(part.strip() for part in text.split(",") if part.strip())
