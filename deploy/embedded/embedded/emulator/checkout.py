"""Checkout sessions: what a page of Stripe's shall sell to whom, until it is paid or its time is over."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from embedded.emulator import discounts, lists, totals
from embedded.emulator.errors import StripeError
from embedded.emulator.metadata import merged
from embedded.emulator.money import SMALLEST, shown
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.selling import lines_of
from embedded.emulator.session_rules import check_shape
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

SHORTEST_S = 30 * 60
LONGEST_S = 24 * 3600
ECHOED = (
    "billing_address_collection", "cancel_url", "client_reference_id", "customer", "customer_email", "locale",
    "payment_method_collection", "phone_number_collection", "submit_type", "success_url",
)  # fmt: skip


def create(tx: Tx, call: Call) -> Body:
    """Open a session."""
    session = _new(tx, call)
    lines = lines_of(tx, call.get("line_items") or (), session["mode"])
    customer = call.get("customer")
    tax = totals.tax_percent(tx) if session["automatic_tax"]["enabled"] else Decimal(0)
    gross = totals.summed(totals.items(tx, lines, tax=tax))["amount_subtotal"]
    taken = discounts.of_request(tx, call.get("discounts") or (), customer, gross)
    hidden(session).update(
        lines=lines,
        intent=dict(call.get("payment_intent_data") or {}),
        subscription=dict(call.get("subscription_data") or {}),
        updates=dict(call.get("customer_update") or {}),
        tax=str(tax),
    )
    reprice(tx, session, taken)
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
    check_shape(tx, call)
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
