"""Payment links: an address that anybody can pay at, again and again; each visit is a session of its own."""

from decimal import Decimal
from typing import Any

from embedded.emulator import checkout, lists, selling, session_rules, totals
from embedded.emulator.errors import NotEmulated, StripeError, required
from embedded.emulator.metadata import merged
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

LINES_MAX = 20
KIND = "payment_link"
COPIED = (
    "after_completion", "allow_promotion_codes", "billing_address_collection", "customer_creation", "inactive_message",
    "submit_type",
)  # fmt: skip


def create(tx: Tx, call: Call) -> Body:
    """Make a link."""
    given = call.get("line_items") or ()
    if not given:
        raise required("line_items")
    if len(given) > LINES_MAX:
        message = f"You can only have up to {LINES_MAX} line items."
        raise StripeError(message, param="line_items")
    lines = [selling.line_of(tx, one, f"line_items[{n}]") for n, one in enumerate(given)]
    prices = [tx.the("price", line["price"]) for line in lines]
    link = tx.new(KIND, "plink", currency=prices[0]["currency"])
    link |= _fields(call, link)
    if any(price["recurring"] for price in prices):
        settings = {"issuer": {"type": "self"}}
        data = {
            "description": None,
            "invoice_settings": settings,
            "metadata": {},
            "trial_period_days": None,
            "trial_settings": None,
        }
        link["subscription_data"] = {**data, **(call.get("subscription_data") or {})}
    hidden(link).update(lines=lines, word=f"test_{tx.chance(18)}")
    link.pop("created")
    return tx.add(link, "payment_link.created")


def retrieve(tx: Tx, call: Call) -> Body:
    """Return a link."""
    return tx.at_path(KIND, call.ids["link"], param="payment_link")


def update(tx: Tx, call: Call) -> Body:
    """Change a link, or put it out of use."""
    link = retrieve(tx, call)
    return tx.change(link, "payment_link.updated", **_fields(call, link))


def list_all(tx: Tx, call: Call) -> Body:
    """List links."""
    where = lists.equal(call.params, "active")
    return lists.page(tx, KIND, call.params, "/v1/payment_links", where)


def list_lines(tx: Tx, call: Call) -> Body:
    """List what a link sells."""
    return lists.cut(_items(tx, retrieve(tx, call)), call.params, call.path)


def included_lines(tx: Tx, seen: Body) -> Body:
    """Return the first lines of a link, to be put into it."""
    url = f"/v1/payment_links/{seen['id']}/line_items"
    return lists.cut(_items(tx, tx.the(KIND, seen["id"])), {}, url)


def visit(tx: Tx, word: str) -> Body:
    """Open a session for whoever came by a link."""
    link = next((one for one in tx.all(KIND) if word in (one["id"], hidden(one)["word"])), None)
    if link is None or not link["active"]:
        message = (link or {}).get("inactive_message") or "This link is not in use."
        raise StripeError(message, param="payment_link", code="resource_missing")
    _check_limit(tx, link)
    params: dict[str, Any] = {
        "line_items": [
            {name: line[name] for name in ("price", "quantity")} for line in hidden(link)["lines"]
        ],
        "mode": "subscription" if link["subscription_data"] else "payment",
        "success_url": _after(tx, link),
        "allow_promotion_codes": link["allow_promotion_codes"],
        "automatic_tax": {"enabled": link["automatic_tax"]["enabled"]},
        "metadata": link["metadata"],
    }
    if link["subscription_data"]:
        data = link["subscription_data"]
        kept = ("description", "metadata", "trial_period_days")
        params["subscription_data"] = {name: data[name] for name in kept if data.get(name)}
    else:
        params["customer_creation"] = link["customer_creation"]
        params["payment_intent_data"] = {
            name: value for name, value in (link["payment_intent_data"] or {}).items() if value
        }
    session = checkout.create(tx, Call(params, {}, "/v1/checkout/sessions"))
    session["payment_link"] = link["id"]
    return tx.keep(session)


def view(tx: Tx, link: Body) -> Body:
    """Show a link with its address."""
    link["url"] = tx.url(f"links/{hidden(link)['word']}")
    if link["restrictions"] is not None:
        count = len(tx.all("checkout.session", payment_link=link["id"], status="complete"))
        limit = link["restrictions"]["completed_sessions"]["limit"]
        link["restrictions"] = {"completed_sessions": {"count": count, "limit": limit}}
    return link


def _items(tx: Tx, link: Body) -> list[Body]:
    return totals.items(tx, hidden(link)["lines"], tax=Decimal(0))


def _after(tx: Tx, link: Body) -> str:
    redirect = link["after_completion"].get("redirect")
    return str(redirect["url"]) if redirect else tx.url("thanks")


def _check_limit(tx: Tx, link: Body) -> None:
    restrictions = tx.view(link)["restrictions"]
    if restrictions is None:
        return
    done = restrictions["completed_sessions"]
    if done["count"] >= done["limit"]:
        message = link["inactive_message"] or "This link has been used as often as it can be."
        raise StripeError(message, param="payment_link")


def _fields(call: Call, link: Body) -> dict[str, Any]:
    fields = {
        name: value for name, value in call.given(*COPIED, "active").items() if value is not None
    }
    redirect = (call.get("after_completion") or {}).get("redirect")
    if redirect is not None:
        session_rules.check_url(redirect["url"], "after_completion[redirect][url]")
    if "metadata" in call.params:
        fields["metadata"] = merged(link["metadata"], call.params["metadata"])
    if call.get("automatic_tax") is not None:
        enabled = call.params["automatic_tax"]["enabled"]
        fields["automatic_tax"] = {
            "enabled": enabled,
            "liability": {"type": "self"} if enabled else None,
        }
    if call.has("restrictions"):
        limits = call.get("restrictions")
        fields["restrictions"] = limits and {
            "completed_sessions": {"count": 0, **limits["completed_sessions"]}
        }
    if call.get("payment_intent_data") is not None:
        fields["payment_intent_data"] = _intent_data(call.params["payment_intent_data"])
    return fields


def _intent_data(given: Body) -> Body:
    unheard = sorted(set(given) - session_rules.OF_INTENT)
    if unheard:
        raise NotEmulated([f"payment_intent_data[{name}]" for name in unheard])
    empty = dict.fromkeys(
        (
            "capture_method",
            "description",
            "setup_future_usage",
            "statement_descriptor",
            "statement_descriptor_suffix",
            "transfer_group",
        )
    )
    return {**empty, "metadata": {}, **given}


OF_BOTH = f"automatic_tax metadata payment_intent_data restrictions {' '.join(COPIED)}"
ROUTES: tuple[Route, ...] = (
    route("POST /v1/payment_links", "PaymentLinkCreateParams", create, f"{OF_BOTH} currency line_items subscription_data"),
    route("GET /v1/payment_links/{link}", "PaymentLinkRetrieveParams", retrieve),
    route("POST /v1/payment_links/{link}", "PaymentLinkUpdateParams", update, f"{OF_BOTH} active"),
    listing("GET /v1/payment_links", "PaymentLinkListParams", list_all, "active"),
    listing("GET /v1/payment_links/{link}/line_items", "PaymentLinkLineItemListParams", list_lines),
)  # fmt: skip
VIEWS = {KIND: view}
INCLUDED = {(KIND, "line_items"): included_lines}
