"""Accounts as operators see them."""

from typing import Annotated

from fastapi import APIRouter, Query

from auth import accounts, balances
from auth.routes.refusals import NOT_FOUND, NOT_SIGNED_IN, NOT_VALID, NOT_YOURS
from auth.schemas import RolesChange, Users, UserView
from shared.http import CurrentOperator, Transaction
from shared.ids import UserId
from shared.pages import Cursor, Limit, cursor_of, id_of
from shared.text import Text

router = APIRouter()


@router.get(
    "/api/admin/users",
    operation_id="list_users",
    responses=NOT_SIGNED_IN | NOT_YOURS | NOT_VALID,
)
async def list_users(
    _: CurrentOperator,
    tx: Transaction,
    email: Annotated[Text | None, Query(max_length=254)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Users:
    """List accounts, newest first, whose address contains `email`."""
    rows = await accounts.listed(tx, email=email, limit=limit, before=id_of(cursor))
    users = [UserView.of(*row) for row in rows]
    return Users(users=users, next_cursor=cursor_of(users, limit))


@router.get(
    "/api/admin/users/{user_id}",
    operation_id="show_user",
    responses=NOT_SIGNED_IN | NOT_YOURS | NOT_FOUND | NOT_VALID,
)
async def show_user(user_id: UserId, _: CurrentOperator, tx: Transaction) -> UserView:
    """Show one account."""
    return UserView.of(*await accounts.shown(tx, user_id))


@router.put(
    "/api/admin/users/{user_id}/roles",
    operation_id="change_roles",
    responses=NOT_SIGNED_IN | NOT_YOURS | NOT_FOUND | NOT_VALID,
)
async def change_roles(
    user_id: UserId, body: RolesChange, who: CurrentOperator, tx: Transaction
) -> UserView:
    """Make an account an operator's, or a customer's again; its next access token says so."""
    if who.user_id is not None:
        await accounts.still_operates(tx, who.user_id)
    user = await accounts.change_roles(tx, user_id, body.roles, by=who.name)
    return UserView.of(user, await balances.available(tx, user.id))
