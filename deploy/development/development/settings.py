"""The stand-ins' settings."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import Settings


class MailSettings(Settings):
    """Where the mail server shows its mails, and the folder that keeps them."""

    host: str
    port: int
    data_dir: Path


class StoreSettings(Settings):
    """The bucket that `BLOBS_URL` names, and the one key that may sign for it."""

    host: str
    port: int
    blobs_url: str
    key_id: Annotated[str, Field(validation_alias="AWS_ACCESS_KEY_ID")]
    key: Annotated[SecretStr, Field(validation_alias="AWS_SECRET_ACCESS_KEY")]
