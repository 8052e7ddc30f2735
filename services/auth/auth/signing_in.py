"""Signing in with a password: the same work and the same answer whatever is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from auth import accounts, throttles
from auth.addresses import Address
from auth.models import User
from auth.passwords import Passwords
from auth.throttles import Mark
from shared.db import Database, Tx
from shared.errors import Invalid, Unauthorized


class WrongCredentials(Unauthorized):
    """The e-mail address or the password is not right."""

    code = "wrong_credentials"


class WrongPassword(Invalid):
    """The current password is not right."""

    code = "wrong_password"

    def __init__(self) -> None:
        sentence = "The current password is not right."
        errors = [{"field": "body.current_password", "message": sentence}]
        super().__init__(sentence, errors=errors)


@dataclass(frozen=True, slots=True)
class Identified:
    """Whose password it was, what we kept of it then, and what to keep of it from now on."""

    user_id: UUID
    password_hash: str
    new_hash: str


class Entrance:
    """Where passwords are looked at, before anybody has an account's row."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords

    async def confirm(
        self, address: Address, password: str, *, tried: Sequence[Mark]
    ) -> Identified:
        """Return whose password it is, as they are asked for it again; raise WrongPassword, TooManyTries or Busy."""
        try:
            return await self.identify(address, password, tried=tried)
        except WrongCredentials:
            raise WrongPassword from None

    async def identify(
        self, address: Address, password: str, *, tried: Sequence[Mark]
    ) -> Identified:
        """Return whose password it is; raise WrongCredentials, TooManyTries or Busy.

        No connection is held while bcrypt works, and the try is counted, for good, before it does.
        """
        async with self._passwords.admission():
            async with self._database.transaction() as tx:
                await throttles.count(tx, tried)
                user = await accounts.find(tx, address)
            kept = user.password_hash if user else None
            if not await self._passwords.matches(password, kept) or user is None or kept is None:
                raise WrongCredentials
            new_hash = await self._passwords.strengthened(password, kept)
        return Identified(user_id=user.id, password_hash=kept, new_hash=new_hash)


async def admit(tx: Tx, who: Identified, *, tried: Sequence[Mark]) -> User:
    """Return the account, locked, its try forgiven; WrongCredentials if the password changed meanwhile."""
    user = await tx.lock(User, who.user_id)
    if user is None or user.password_hash != who.password_hash:
        raise WrongCredentials
    user.password_hash = who.new_hash
    await throttles.forgive(tx, tried)
    return user
