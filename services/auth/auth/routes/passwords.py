"""Forgotten passwords."""

from typing import Annotated

from fastapi import APIRouter

from auth import accounts, addresses, links
from auth.links import Links, Purpose
from auth.passwords import Passwords
from auth.routes.refusals import BUSY, NOT_VALID
from auth.schemas import Accepted, Forgotten, Reset
from shared.contracts.users import UserPasswordResetRequested
from shared.db import Database
from shared.http import Transaction, resource

router = APIRouter()


@router.post("/api/auth/password/forgot", operation_id="forget_password", status_code=202)
async def forget_password(
    body: Forgotten, tx: Transaction, our_links: Annotated[Links, resource(Links)]
) -> Accepted:
    """Mail a link that sets a new password, if there is an account; the answer does not tell."""
    user = await accounts.find(tx, addresses.read(body.email))
    token = await our_links.issue_if_few(tx, user.id, Purpose.RESET_PASSWORD) if user else None
    if user is not None and token is not None:
        tx.publish(
            UserPasswordResetRequested(user_id=user.id, email=user.email, sealed_token=token)
        )
    return Accepted()


@router.post(
    "/api/auth/password/reset",
    operation_id="reset_password",
    status_code=204,
    responses=NOT_VALID | BUSY,
)
async def reset_password(
    body: Reset,
    database: Annotated[Database, resource(Database)],
    tx: Transaction,
    passwords: Annotated[Passwords, resource(Passwords)],
) -> None:
    """Set a new password with a mailed link: every session ends, and the address is proven."""
    async with database.transaction() as early:
        owner = await links.owner(early, body.token, Purpose.RESET_PASSWORD)
    password_hash = await passwords.hash(body.password, email=owner.email)
    user = await links.spend(tx, body.token, Purpose.RESET_PASSWORD)
    await accounts.take_over(tx, user, password_hash)
