"""Billing's settings."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from shared.sealing import Seal
from shared.settings import CommonSettings


class BillingSettings(CommonSettings):
    """Billing's own variables; Stripe's keep the names that Stripe's documentation uses."""

    model_config = SettingsConfigDict(env_prefix="BILLING_")

    stripe_secret_key: Annotated[SecretStr, Field(validation_alias="STRIPE_SECRET_KEY")]
    stripe_webhook_secret: Annotated[SecretStr, Field(validation_alias="STRIPE_WEBHOOK_SECRET")]
    sealing_key: SecretStr
    stripe_api_base: Annotated[str, Field(pattern=r"^https?://\S+$")]
    promotion_codes: bool = True
    automatic_tax: bool = False
    grace_days: Annotated[int, Field(ge=0, le=60)] = 7
    refund_approval_cents: Annotated[int, Field(ge=0)] = 10_000
    reconcile_s: Annotated[float, Field(ge=10)] = 300

    @field_validator("sealing_key")
    @classmethod
    def _is_a_key(cls, key: SecretStr) -> SecretStr:
        try:
            Seal(key.get_secret_value())
        except ValueError:
            message = "must be 32 bytes in url-safe base64"
            raise ValueError(message) from None
        return key

    @property
    def checkout_url(self) -> str:
        """Where credits are bought."""
        return f"{self.site_url.rstrip('/')}/credits"

    @property
    def is_live(self) -> bool:
        """Whether the key is one of Stripe's live mode: events of the other mode have no effect."""
        return self.stripe_secret_key.get_secret_value().startswith(("sk_live_", "rk_live_"))

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The signing secrets, several (separated by commas) while one is being rotated."""
        text = self.stripe_webhook_secret.get_secret_value()
        return tuple(part.strip() for part in text.split(",") if part.strip())
