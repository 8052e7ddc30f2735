"""What auth needs to know."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from shared.sealing import Seal
from shared.settings import CommonSettings


class AuthSettings(CommonSettings):
    """Auth's variables; `LINK_SEALING_KEY` is shared with the notifier."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    password_pepper: Annotated[SecretStr, Field(min_length=16)]
    bcrypt_cost: Annotated[int, Field(ge=4, le=16)] = 12
    link_sealing_key: Annotated[SecretStr, Field(validation_alias="LINK_SEALING_KEY")]

    @field_validator("link_sealing_key")
    @classmethod
    def _is_a_key(cls, key: SecretStr) -> SecretStr:
        try:
            Seal(key.get_secret_value())
        except ValueError:
            message = "must be 32 bytes in url-safe base64"
            raise ValueError(message) from None
        return key
