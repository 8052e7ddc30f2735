"""What goes in and out over HTTP."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from auth import addresses
from auth.models import User
from auth.passwords import CHARS_MAX, CHARS_MIN
from shared.ids import UserId
from shared.text import Text

ADDRESS_CHARS_MAX = 254

NewAddress = Annotated[
    Text, Field(min_length=3, max_length=ADDRESS_CHARS_MAX), AfterValidator(addresses.valid)
]
KnownAddress = Annotated[Text, Field(min_length=1, max_length=512)]
NewPassword = Annotated[Text, Field(min_length=CHARS_MIN, max_length=CHARS_MAX)]
KnownPassword = Annotated[Text, Field(min_length=1, max_length=CHARS_MAX)]
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
    """The signed-in user."""

    id: UserId
    email: str
    email_verified: bool
    credits: int
    created_at: datetime

    @classmethod
    def of(cls, user: User, credits_known: int) -> "UserView":
        """Show an account to its owner."""
        return cls(
            id=user.id,
            email=user.email,
            email_verified=user.email_verified_at is not None,
            credits=credits_known,
            created_at=user.created_at,
        )


class UserInFull(UserView):
    """An account as operators see it; `credits` is what auth last heard of them."""

    roles: list[str]

    @classmethod
    def seen_by_operator(cls, user: User, credits_known: int) -> "UserInFull":
        """Show an account to an operator."""
        return cls(**dict(UserView.of(user, credits_known)), roles=user.roles)


class Users(BaseModel):
    """A page of accounts, newest first."""

    users: list[UserInFull]
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
