"""E-mail addresses: how one is shown, and the key by which two are the same."""

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from auth.models import User
from shared.addresses import email_key


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address as its owner writes it, and its key: one account for each."""

    shown: str
    key: str


def kept(user: User) -> Address:
    """Return the address that an account has."""
    return Address(shown=user.email, key=user.email_key)


def valid(text: str) -> str:
    """Return the address normalized; raise ValueError with what is wrong with it."""
    return validate_email(text.strip(), check_deliverability=False).normalized


def read(text: str) -> Address:
    """Return the address; one that we would refuse at sign-up counts as it is, in lower case.

    Stripe takes addresses that our validator does not, and their owners have paid.
    """
    try:
        shown = valid(text)
    except EmailNotValidError:
        shown = text.strip().lower()
    return Address(shown=shown, key=email_key(shown))
