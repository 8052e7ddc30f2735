"""What signs the statements that customers get."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base


class SigningKey(Base):
    """A key that signs statements; the newest one signs, all of them verify for ever."""

    __tablename__ = "signing_keys"

    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kid: Mapped[str] = mapped_column(unique=True)
    sealed_private_pem: Mapped[str]
    public_jwk: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
