"""The story of a user, told by auth. Links travel sealed: see `shared.sealing`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveInt

from shared.events import Event
from shared.ids import PaymentId, UserId


class OpeningPayment(BaseModel):
    """The payment that an account was opened for."""

    model_config = ConfigDict(frozen=True)

    payment_id: PaymentId
    credits: PositiveInt


class UserRegistered(
    Event, name="user.registered.v1", publisher="auth", consumers=("billing", "notifier")
):
    """An account exists: somebody signed up (`payment` is empty), or paid before having one.

    A sign-up carries the sealed token that confirms its address; an account opened by a payment carries the
    sealed token that sets its first password.
    """

    user_id: UserId
    email: str
    payment: OpeningPayment | None = None
    sealed_token: str


class UserRecognized(Event, name="user.recognized.v1", publisher="auth", consumers=("billing",)):
    """A guest's payment belongs to this account: its address is confirmed, or nobody has claimed it yet."""

    user_id: UserId
    payment_id: PaymentId


class UserClaimRequested(
    Event, name="user.claim_requested.v1", publisher="auth", consumers=("notifier",)
):
    """Somebody paid with the address of an account that never confirmed it: the link will tell whose it is."""

    user_id: UserId
    email: str
    payment_id: PaymentId
    credits: PositiveInt
    sealed_token: str


class UserEmailVerified(
    Event, name="user.email_verified.v1", publisher="auth", consumers=("billing",)
):
    """The user proved, for the first time, that this address is theirs; and how the account was opened."""

    user_id: UserId
    email: str
    opened_by: Literal["signup", "payment"] = "signup"


class UserVerificationRequested(
    Event, name="user.verification_requested.v1", publisher="auth", consumers=("notifier",)
):
    """The user asked for another link that confirms the address."""

    user_id: UserId
    email: str
    sealed_token: str


class UserPasswordResetRequested(
    Event, name="user.password_reset_requested.v1", publisher="auth", consumers=("notifier",)
):
    """Somebody asked for a link that sets a new password."""

    user_id: UserId
    email: str
    sealed_token: str
