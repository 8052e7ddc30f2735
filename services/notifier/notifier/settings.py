"""The notifier's variables."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from notifier import addresses
from notifier.messages import LEASE_S
from shared.settings import CommonSettings


def _is_sender(text: str) -> str:
    addresses.sender(text)
    return text


def _is_recipient(text: str) -> str | None:
    return addresses.recipient(text).addr_spec if text else None


class NotifierSettings(CommonSettings):
    """Where mails go, who they are from, how long one may take, and the key that opens sealed links.

    `operator` is who hears of books that do not balance; empty: nobody by mail.
    """

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")

    mail_url: SecretStr
    sender: Annotated[str, Field(validation_alias="NOTIFIER_FROM"), AfterValidator(_is_sender)]
    operator: Annotated[str | None, BeforeValidator(_is_recipient)] = None
    lease_s: Annotated[float, Field(gt=0)] = LEASE_S
    link_sealing_key: Annotated[SecretStr, Field(validation_alias="LINK_SEALING_KEY")]
