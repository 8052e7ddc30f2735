"""What goes in and out over HTTP."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from auth import addresses
from auth.models import Session, User
from auth.passwords import CHARS_MAX, CHARS_MIN
from shared.ids import SessionId, UserId
from shared.text import Text

ADDRESS_CHARS_MAX = 254
NAME_CHARS_MAX = 80

NewAddress = Annotated[
    Text, Field(min_length=3, max_length=ADDRESS_CHARS_MAX), AfterValidator(addresses.valid)
]
KnownAddress = Annotated[Text, Field(min_length=1, max_length=512)]
NewPassword = Annotated[Text, Field(min_length=CHARS_MIN, max_length=CHARS_MAX)]
KnownPassword = Annotated[Text, Field(min_length=1, max_length=CHARS_MAX)]
Name = Annotated[Text, Field(min_length=1, max_length=NAME_CHARS_MAX, pattern=r"^\S(.*\S)?$")]
Role = Literal["admin"]
Secret = Annotated[Text, Field(min_length=1, max_length=200)]


class RequestBody(BaseModel):
    """A request's body: nothing in it is ignored, and no error repeats what it holds."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SignUp(RequestBody):
    """A new account."""

    email: NewAddress
    password: NewPassword


class Login(RequestBody):
    """An address and its password."""

    email: KnownAddress
    password: KnownPassword


class Forgotten(RequestBody):
    """The address whose password is forgotten."""

    email: KnownAddress


class Reset(RequestBody):
    """A mailed link's token and the new password."""

    token: Secret
    password: NewPassword


class PasswordChange(RequestBody):
    """The current password and the one that takes its place."""

    current_password: KnownPassword
    password: NewPassword


class UserChange(RequestBody):
    """What changes of the signed-in user; a name of null is taken away."""

    name: Name | None = None


class RolesChange(RequestBody):
    """Everything that an account may do besides a customer's things."""

    roles: Annotated[list[Role], Field(max_length=10)]


class Verify(RequestBody):
    """A mailed link's token."""

    token: Secret


class Claim(RequestBody):
    """A mailed link's token, or the id of the Checkout Session that opened the account; and its password."""

    token: Secret | None = None
    session_id: Secret | None = None
    password: NewPassword

    @model_validator(mode="after")
    def _has_one(self) -> "Claim":
        if (self.token is None) == (self.session_id is None):
            message = "give exactly one of token and session_id"
            raise ValueError(message)
        return self


class SignedInView(BaseModel):
    """An access token, whose it is, and their credits."""

    token: str
    email: str
    credits: int


class Accepted(BaseModel):
    """The request was taken; what becomes of it is in the mailbox."""

    status: Literal["accepted"] = "accepted"


class VerifiedEmail(BaseModel):
    """The address that is now proven."""

    email: str


class UserView(BaseModel):
    """An account as its owner and operators see it; `credits` is what auth last heard of them.

    `opened_by` says whether its owner signed up, or a payment opened it.
    """

    id: UserId
    email: str
    name: str | None
    email_verified: bool
    credits: int
    roles: list[str]
    opened_by: Literal["signup", "payment"]
    created_at: datetime

    @classmethod
    def of(cls, user: User, credits_known: int) -> "UserView":
        """Show an account."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            email_verified=user.email_verified_at is not None,
            credits=credits_known,
            roles=user.roles,
            opened_by=user.opened_by,
            created_at=user.created_at,
        )


class SessionView(BaseModel):
    """A signed-in device, as it says itself what it is; `is_current` marks the one that asks."""

    id: SessionId
    device: str | None
    address: str | None
    is_current: bool
    created_at: datetime
    last_seen_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, session: Session, current_id: UUID) -> "SessionView":
        """Show a session to its owner."""
        return cls(
            id=session.id,
            device=session.agent,
            address=session.address,
            is_current=session.id == current_id,
            created_at=session.created_at,
            last_seen_at=session.used_at,
            ends_at=session.ends_at,
        )


class SessionPage(BaseModel):
    """A page of a user's sessions, the newest sign-in first."""

    sessions: list[SessionView]
    next_cursor: str | None


class Users(BaseModel):
    """A page of accounts, newest first."""

    users: list[UserView]
    next_cursor: str | None


class PublicKey(BaseModel):
    """A public key as a JSON Web Key."""

    kty: str
    crv: str
    x: str
    kid: str
    alg: str
    use: str


class KeySet(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[PublicKey]
