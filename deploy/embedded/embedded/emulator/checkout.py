"""Checkout sessions: what a page of Stripe's shall sell to whom, until it is paid or its time is over."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from embedded.emulator import coupons, lists, totals
from embedded.emulator.catalogue import price_of_data
from embedded.emulator.customers import check_email
from embedded.emulator.errors import NotEmulated, StripeError, only_one, required
from embedded.emulator.metadata import merged
from embedded.emulator.money import SMALLEST, shown
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

SHORTEST_S = 30 * 60
LONGEST_S = 24 * 3600
LINES_MAX = 100
REFERENCE_MAX = 200
OF_INTENT = frozenset(
    [
        "capture_method",
        "description",
        "metadata",
        "receipt_email",
        "setup_future_usage",
        "statement_descriptor",
        "statement_descriptor_suffix",
    ]
)
OF_SUBSCRIPTION = frozenset(
    ["billing_mode", "description", "metadata", "trial_end", "trial_period_days", "trial_settings"]
)
ECHOED = (
    "billing_address_collection", "cancel_url", "client_reference_id", "customer", "customer_email", "locale",
    "payment_method_collection", "phone_number_collection", "submit_type", "success_url",
)  # fmt: skip


def create(tx: Tx, call: Call) -> Body:
    """Open a session."""
    session = _new(tx, call)
    lines = _lines(tx, call.get("line_items") or (), session["mode"])
    customer = call.get("customer")
    tax = totals.tax_percent(tx) if session["automatic_tax"]["enabled"] else Decimal(0)
    gross = totals.summed(totals.items(tx, lines, tax=tax))["amount_subtotal"]
    discounts = coupons.of_request(tx, call.get("discounts") or (), customer, gross)
    hidden(session).update(
        lines=lines,
        intent=dict(call.get("payment_intent_data") or {}),
        subscription=dict(call.get("subscription_data") or {}),
        updates=dict(call.get("customer_update") or {}),
        tax=str(tax),
    )
    reprice(tx, session, discounts)
    session["currency"] = tx.the("price", lines[0]["price"])["currency"]
    _check_total(session)
    tx.schedule(session["expires_at"], "expire_session", session["id"])
    return tx.add(session)


def reprice(tx: Tx, session: Body, discounts: Sequence[Mapping[str, Any]]) -> None:
    """Work the totals out anew, with these discounts."""
    session["discounts"] = [dict(pair) for pair in discounts]
    tax = Decimal(hidden(session)["tax"])
    found = totals.items(tx, hidden(session)["lines"], discounts, tax=tax)
    session.update(totals.summed(found))


def retrieve(tx: Tx, call: Call) -> Body:
    """Return a session."""
    return tx.at_path("checkout.session", call.ids["session"], param="session")


def update(tx: Tx, call: Call) -> Body:
    """Change a session's metadata."""
    session = retrieve(tx, call)
    if "metadata" in call.params:
        session["metadata"] = merged(session["metadata"], call.params["metadata"])
    return tx.keep(session)


def expire(tx: Tx, call: Call) -> Body:
    """End a session that is still open, before its time."""
    session = retrieve(tx, call)
    if session["status"] != "open":
        message = (
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f'"{session["status"]}".'
        )
        raise StripeError(message, param="session")
    return _expire(tx, session)


def list_all(tx: Tx, call: Call) -> Body:
    """List sessions."""
    names = ("customer", "payment_intent", "payment_link", "status", "subscription")
    where = lists.equal(call.params, *names)
    if "customer_details" in call.params:
        where["customer_details.email"] = call.params["customer_details"]["email"]
    return lists.page(tx, "checkout.session", call.params, "/v1/checkout/sessions", where)


def list_lines(tx: Tx, call: Call) -> Body:
    """List what a session sells."""
    return lists.cut(items_of(tx, retrieve(tx, call)), call.params, call.path)


def items_of(tx: Tx, session: Body) -> list[Body]:
    """Return what a session sells, with the amounts of each line."""
    secret = hidden(session)
    return totals.items(tx, secret["lines"], session["discounts"], tax=Decimal(secret["tax"]))


def view(tx: Tx, session: Body) -> Body:
    """Show a session; only an open one has an address."""
    session["url"] = tx.url(f"checkout/{session['id']}") if session["status"] == "open" else None
    return session


def included_lines(tx: Tx, seen: Body) -> Body:
    """Return the first lines of a session, to be put into it."""
    session = tx.the("checkout.session", seen["id"])
    return lists.cut(items_of(tx, session), {}, f"/v1/checkout/sessions/{seen['id']}/line_items")


def check_url(url: str | None, param: str) -> None:
    """Refuse what no browser could be sent to."""
    if url is None:
        return
    parts = urlsplit(url.replace("{CHECKOUT_SESSION_ID}", "id"))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        message = "Not a valid URL"
        raise StripeError(message, param=param, code="url_invalid")


def _expire_in_time(tx: Tx, session_id: str) -> None:
    session = tx.known("checkout.session", session_id)
    if session is not None and session["status"] == "open":
        _expire(tx, session)


def _expire(tx: Tx, session: Body) -> Body:
    tx.unschedule("expire_session", session["id"])
    tx.change(session, status="expired")
    tx.emit("checkout.session.expired", tx.view(session))
    return session


def _new(tx: Tx, call: Call) -> Body:
    _check_shape(tx, call)
    mode = call.get("mode", "payment")
    creation = call.get("customer_creation", "if_required")
    fields = call.given(*ECHOED)
    if mode == "subscription":
        fields["payment_method_options"] = None
    return tx.new(
        "checkout.session",
        "cs_test",
        length=60,
        allow_promotion_codes=call.get("allow_promotion_codes"),
        automatic_tax=_automatic_tax(call),
        customer_creation=None if mode == "subscription" or call.get("customer") else creation,
        expires_at=_expires_at(tx, call),
        metadata=merged(None, call.get("metadata")),
        mode=mode,
        payment_method_types=call.get("payment_method_types") or ["card", "us_bank_account"],
        **{
            "payment_method_collection": "always" if mode == "subscription" else "if_required",
            **fields,
        },
    )


def _check_shape(tx: Tx, call: Call) -> None:
    """Refuse parameters that do not go together, as Stripe does."""
    only_one(call.params, "customer", "customer_email")
    only_one(call.params, "allow_promotion_codes", "discounts")
    mode = call.get("mode", "payment")
    if mode == "setup" or call.get("ui_mode", "hosted_page") != "hosted_page":
        names = ["mode" if mode == "setup" else "ui_mode"]
        raise NotEmulated(names)
    if not call.get("line_items"):
        raise required("line_items")
    if call.get("success_url") is None:
        raise required("success_url")
    for name in ("success_url", "cancel_url"):
        check_url(call.get(name), name)
    if len(call.get("client_reference_id") or "") > REFERENCE_MAX:
        message = f"Invalid string: must be at most {REFERENCE_MAX} characters"
        raise StripeError(message, param="client_reference_id")
    check_email(call.get("customer_email"), "customer_email")
    if call.get("customer") is not None:
        tx.get("customer", call.params["customer"], param="customer")
    _check_mode(call, mode)


def _check_mode(call: Call, mode: str) -> None:
    if mode == "subscription" and call.has("payment_intent_data"):
        message = "You can not pass `payment_intent_data` in `subscription` mode."
        raise StripeError(message, param="payment_intent_data")
    if mode == "payment" and call.has("subscription_data"):
        message = "You can not pass `subscription_data` in `payment` mode."
        raise StripeError(message, param="subscription_data")
    if mode != "payment" and call.has("customer_creation"):
        message = "`customer_creation` can only be used in `payment` mode."
        raise StripeError(message, param="customer_creation")
    for name, known in (("payment_intent_data", OF_INTENT), ("subscription_data", OF_SUBSCRIPTION)):
        unheard = sorted(set(call.get(name) or {}) - known)
        if unheard:
            raise NotEmulated([f"{name}[{part}]" for part in unheard])


def _automatic_tax(call: Call) -> Body:
    if not (call.get("automatic_tax") or {}).get("enabled"):
        return {"enabled": False, "liability": None, "provider": None, "status": None}
    return {
        "enabled": True,
        "liability": {"type": "self"},
        "provider": "stripe",
        "status": "complete",
    }


def _expires_at(tx: Tx, call: Call) -> int:
    wanted: int | None = call.get("expires_at")
    if wanted is None:
        return tx.now + LONGEST_S
    if wanted < tx.now + SHORTEST_S:
        message = (
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        )
        raise StripeError(message, param="expires_at")
    if wanted > tx.now + LONGEST_S:
        message = (
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        )
        raise StripeError(message, param="expires_at")
    return wanted


def _lines(tx: Tx, given: Sequence[Mapping[str, Any]], mode: str) -> list[Body]:
    if len(given) > LINES_MAX:
        message = f"You can only have up to {LINES_MAX} line items."
        raise StripeError(message, param="line_items")
    lines = [line_of(tx, line, f"line_items[{number}]") for number, line in enumerate(given)]
    prices = [tx.the("price", line["price"]) for line in lines]
    if mode == "payment" and any(price["recurring"] for price in prices):
        message = "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices."
        raise StripeError(message, param="mode")
    if mode == "subscription" and not any(price["recurring"] for price in prices):
        message = "You must provide at least one recurring price in `subscription` mode when using prices."
        raise StripeError(message, param="mode")
    if len({price["currency"] for price in prices}) > 1:
        message = "All line items must have the same currency."
        raise StripeError(message, param="line_items")
    return lines


def line_of(tx: Tx, given: Mapping[str, Any], param: str) -> Body:
    """Return a line that is sold: a price and how many of it."""
    only_one(given, "price", "price_data")
    if given.get("price"):
        price = tx.get("price", given["price"], param=f"{param}[price]")
        product = tx.the("product", price["product"])
        if not price["active"] or not product["active"]:
            message = "The price specified is inactive. This field only accepts active prices."
            raise StripeError(message, param=f"{param}[price]")
    elif given.get("price_data"):
        price = price_of_data(tx, given["price_data"], f"{param}[price_data]")
    else:
        raise required(f"{param}[price]")
    quantity = given.get("quantity")
    if quantity is None:
        raise required(f"{param}[quantity]")
    if quantity < 1:
        message = "This value must be greater than or equal to 1."
        raise StripeError(message, param=f"{param}[quantity]", code="parameter_invalid_integer")
    return {"id": f"li_{tx.chance(24)}", "price": price["id"], "quantity": quantity}


def _check_total(session: Body) -> None:
    """A payment is free, or large enough to be charged."""
    smallest = SMALLEST.get(session["currency"], 50)
    if session["mode"] == "payment" and 0 < session["amount_total"] < smallest:
        least = shown(smallest, session["currency"])
        message = f"The Checkout Session's total amount due must add up to at least {least} {session['currency']}"
        raise StripeError(message, code="amount_too_small")


OF_SESSIONS = (
    "allow_promotion_codes automatic_tax customer_creation customer_update discounts expires_at line_items metadata mode payment_intent_data "
    "payment_method_types subscription_data ui_mode " + " ".join(ECHOED)
)
ROUTES: tuple[Route, ...] = (
    route("POST /v1/checkout/sessions", "checkout.SessionCreateParams", create, OF_SESSIONS),
    route("GET /v1/checkout/sessions/{session}", "checkout.SessionRetrieveParams", retrieve),
    route("POST /v1/checkout/sessions/{session}", "checkout.SessionUpdateParams", update, "metadata"),
    route("POST /v1/checkout/sessions/{session}/expire", "checkout.SessionExpireParams", expire),
    listing("GET /v1/checkout/sessions", "checkout.SessionListParams", list_all, "created customer customer_details payment_intent payment_link status subscription"),
    listing("GET /v1/checkout/sessions/{session}/line_items", "checkout.SessionLineItemListParams", list_lines),
)  # fmt: skip
VIEWS = {"checkout.session": view}
INCLUDED = {("checkout.session", "line_items"): included_lines}
JOBS = {"expire_session": _expire_in_time}
