"""Forgotten passwords, and passwords to be changed."""

from typing import Annotated

from fastapi import APIRouter

from auth import accounts, addresses, links, signing_in, throttles
from auth.links import Links, Purpose
from auth.passwords import Passwords
from auth.routes.browser import TheBrowser
from auth.routes.refusals import BUSY, NOT_SIGNED_IN, NOT_VALID, TOO_MANY
from auth.schemas import Accepted, Forgotten, PasswordChange, Reset
from auth.signing_in import Entrance
from shared.db import Database
from shared.http import CurrentUser, Transaction, resource

router = APIRouter()

OurDatabase = Annotated[Database, resource(Database)]
OurPasswords = Annotated[Passwords, resource(Passwords)]


@router.post("/api/auth/password/forgot", operation_id="forget_password", status_code=202)
async def forget_password(
    body: Forgotten, tx: Transaction, our_links: Annotated[Links, resource(Links)]
) -> Accepted:
    """Mail a link that sets a new password, if there is an account; the answer does not tell."""
    user = await accounts.find(tx, addresses.read(body.email))
    if user is not None:
        await accounts.mail_reset(tx, user, our_links)
    return Accepted()


@router.post(
    "/api/auth/password/reset",
    operation_id="reset_password",
    status_code=204,
    responses=NOT_VALID | BUSY,
)
async def reset_password(
    body: Reset,
    database: OurDatabase,
    tx: Transaction,
    passwords: OurPasswords,
) -> None:
    """Set a new password with a mailed link: every session ends, and the address is proven."""
    async with database.transaction() as early:
        owner = await links.owner(early, body.token, Purpose.RESET_PASSWORD)
    password_hash = await passwords.hash(body.password, email=owner.email)
    user = await links.spend(tx, body.token, Purpose.RESET_PASSWORD)
    await accounts.take_over(tx, user, password_hash)


@router.post(
    "/api/auth/password/change",
    operation_id="change_password",
    status_code=204,
    responses=NOT_SIGNED_IN | NOT_VALID | TOO_MANY | BUSY,
)
async def change_password(
    body: PasswordChange,
    caller: CurrentUser,
    database: OurDatabase,
    tx: Transaction,
    entrance: Annotated[Entrance, resource(Entrance)],
    passwords: OurPasswords,
    browser: TheBrowser,
) -> None:
    """Set a new password with the current one: every other session ends, this one goes on."""
    async with database.transaction() as early:
        address = addresses.kept(await accounts.of_token(early, caller.id))
    tried = throttles.marks(address.key, browser.device.address)
    who = await entrance.confirm(address, body.current_password, tried=tried)
    password_hash = await passwords.hash(body.password, email=address.shown)
    user = await signing_in.admit(tx, who, tried=tried)
    await accounts.change_password(tx, user, password_hash, keep_session=caller.session_id)
