"""Prices: what is sold, brought up to Stripe's catalogue, or made there."""

from typing import Annotated

import typer

from impacter import output
from impacter.api import Json, operator_api
from impacter.options import AsJson, Url
from impacter.output import Column, field, line, number, prose


def _amount(price: Json) -> str:
    cents = price.get("amount_cents")
    each = f" a {price['interval']}" if price.get("interval") else ""
    currency = line(price.get("currency")).upper()
    return f"{cents / 100:,.2f} {currency}{each}" if isinstance(cents, int) else ""


def _state(price: Json) -> str:
    if price.get("flaw"):
        return f"not sold: {line(price['flaw'])}"
    return "sold" if price.get("is_active") else "not sold any more"


COLUMNS = [
    field("name"),
    field("kind"),
    number("credits"),
    Column(title="price", show=_amount, is_number=True),
    field("lookup_key", "key"),
    Column(title="state", show=_state, is_prose=True),
    field("price_id", "id"),
]
CHANGES = [field("what"), field("name"), field("price_id", "id"), prose("fields", "fields")]
SKIPPED = [field("name"), field("product_id", "product"), prose("reason", "why it is not sold")]

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
]


def list_prices(*, url: Url = None, as_json: AsJson = False) -> None:
    """List every price, and why some are not sold."""
    with operator_api(url) as api:
        found = api.get("/api/admin/prices")
    if as_json:
        output.as_json(found)
    else:
        output.table(found["prices"], COLUMNS, none="Nothing is sold: see `prices seed`.")


def sync(*, dry_run: DryRun = False, url: Url = None, as_json: AsJson = False) -> None:
    """Bring the prices up to Stripe's."""
    with operator_api(url) as api:
        result = api.post("/api/billing/sync-prices", {"dry_run": dry_run})
    if as_json:
        output.as_json(result)
        return
    rows = [
        {**change, "what": what, "fields": _fields(change.get("fields") or {})}
        for what in ("added", "changed", "deactivated")
        for change in result.get(what) or ()
    ]
    output.table(rows, CHANGES, none="Nothing differs.")
    if result.get("skipped"):
        output.heading("Not sold")
        output.table(result["skipped"], SKIPPED, none="")
    if dry_run and rows:
        output.say("Nothing was changed: this was a dry run.")


def seed(*, url: Url = None, as_json: AsJson = False) -> None:
    """Make at Stripe what the standard catalogue has and Stripe has not."""
    with operator_api(url) as api:
        result = api.post("/api/admin/prices/seed")
    if as_json:
        output.as_json(result)
    else:
        made = [{"key": key} for key in result.get("made") or ()]
        output.table(made, [field("key", "made")], none="Stripe has all of them.")


def _fields(fields: Json) -> str:
    return ", ".join(f"{name} {_shown(old)} → {_shown(new)}" for name, (old, new) in fields.items())


def _shown(value: object) -> str:
    return "nothing" if value is None else line(value)
