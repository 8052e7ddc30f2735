"""The tables of auth. Of every secret only a hash is kept."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.tables import NAMING


class Base(DeclarativeBase):
    """What the tables of this database have in common."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        str: Text(),
        datetime: DateTime(timezone=True),
        list[str]: ARRAY(Text()),
        dict[str, Any]: JSONB(),
    }


class User(Base):
    """Somebody with an address; without a password the account was opened by a payment and is unclaimed."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("email_key <> ''", name="email_key_not_empty"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str | None]
    email_verified_at: Mapped[datetime | None]
    password_hash: Mapped[str | None]
    is_opened_by_payment: Mapped[bool]
    roles: Mapped[list[str]]
    created_at: Mapped[datetime]

    @property
    def opened_by(self) -> Literal["signup", "payment"]:
        """How the account came to be."""
        return "payment" if self.is_opened_by_payment else "signup"


class Session(Base):
    """A signed-in device; over at `ends_at` whatever happens, or earlier once `ended_at` is set.

    `agent` and `address` are what it was last used from, at `used_at`: what a browser says of itself, and the network.
    """

    __tablename__ = "sessions"
    __table_args__ = (CheckConstraint("ends_at > created_at", name="ends_after_start"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    used_at: Mapped[datetime]
    agent: Mapped[str | None]
    address: Mapped[str | None]


class RefreshToken(Base):
    """A refresh token of a session; the unused one is its leaf, and there is at most one."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        Index(
            "uq_refresh_tokens_leaf",
            "session_id",
            unique=True,
            postgresql_where=text("used_at IS NULL"),
        ),
    )

    hash: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), index=True
    )
    used_at: Mapped[datetime | None]


class OneTimeToken(Base):
    """A mailed link's token: for one purpose, until it is spent or expires."""

    __tablename__ = "one_time_tokens"

    hash: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]


class GuestPayment(Base):
    """A payment by somebody who was not signed in, and whose account it met or opened.

    Until `claimable_until` whoever holds the Checkout Session's id may set the account's first password.
    """

    __tablename__ = "guest_payments"

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    claim_key_hash: Mapped[str] = mapped_column(index=True)
    claimable_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Throttle(Base):
    """Failed sign-ins for one account or from one network address."""

    __tablename__ = "throttles"
    __table_args__ = (CheckConstraint("failure_count >= 0", name="failure_count"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    failure_count: Mapped[int] = mapped_column(Integer)
    last_failed_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]


class SigningKey(Base):
    """A key that signs access tokens; the newest one signs, all that are not retired verify."""

    __tablename__ = "signing_keys"

    generation: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kid: Mapped[str] = mapped_column(unique=True)
    sealed_private_pem: Mapped[str]
    public_jwk: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class BalanceHint(Base):
    """What billing last said about a user's credits; it may know the user before we do."""

    __tablename__ = "balance_hints"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    available: Mapped[int] = mapped_column(BigInteger)
    account_version: Mapped[int] = mapped_column(BigInteger)
