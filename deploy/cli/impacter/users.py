"""Users: who there is, and all of one."""

from typing import Annotated

import typer

from impacter import accounts, money, output, tasks
from impacter.api import Json, operator_api, segment
from impacter.options import LIMIT, AsJson, Limit, Url, Who
from impacter.output import Column, field, grouped, line, number, time, utc


def _proven(account: Json) -> str:
    return "proven" if account.get("email_verified") else "not proven"


def _roles(account: Json) -> str:
    return line(", ".join(map(str, account.get("roles") or [])))


COLUMNS = [
    field("id"),
    field("email", "e-mail"),
    Column(title="address", show=_proven),
    number("credits"),
    Column(title="roles", show=_roles),
    time("created_at", "created"),
]

Part = Annotated[
    str | None, typer.Option("--email", metavar="PART", help="Only addresses with this in them.")
]

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[ROLE]...", help="All of them; none takes all away.")
]


def users(
    *, email: Part = None, limit: Limit = LIMIT, url: Url = None, as_json: AsJson = False
) -> None:
    """List accounts, newest first."""
    with operator_api(url) as api:
        page = api.pages("/api/admin/users", "users", limit=limit, email=email)
    if as_json:
        output.as_json(page)
    else:
        output.table(page["users"], COLUMNS, none="There is no such account.")
    output.say_more_may_follow(page, limit)


def user(who: Who, *, limit: Limit = LIMIT, url: Url = None, as_json: AsJson = False) -> None:
    """Show an account with its payments and tasks."""
    with operator_api(url) as api:
        account = accounts.find(api, who)
        paid = api.pages("/api/admin/payments", "payments", limit=limit, email=account["email"])
        asked = api.pages("/api/admin/tasks", "tasks", limit=limit, user_id=account["id"])
    if as_json:
        output.as_json({"user": account, "payments": paid["payments"], "tasks": asked["tasks"]})
    else:
        _show(account)
        output.heading("Payments")
        money.show(paid, none="none")
        output.heading("Tasks")
        tasks.show(asked, none="none")
    for page in (paid, asked):
        output.say_more_may_follow(page, limit)


def roles(who: Who, names: Names = None, *, url: Url = None, as_json: AsJson = False) -> None:
    """Say what an account may do besides a customer's things: `admin`, or nothing."""
    with operator_api(url) as api:
        account = accounts.find(api, who)
        path = f"/api/admin/users/{segment(account['id'])}/roles"
        account = api.put(path, {"roles": names or []})
    if as_json:
        output.as_json(account)
    else:
        _show(account)


def _show(account: Json) -> None:
    output.details(
        [
            ("id", line(account.get("id"))),
            ("e-mail", f"{line(account.get('email'))} ({_proven(account)})"),
            ("credits", grouped(account.get("credits"))),
            ("roles", _roles(account)),
            ("created (UTC)", utc(account.get("created_at"))),
        ]
    )
