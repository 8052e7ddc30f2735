"""Customers: who pays, how they can be found, and what they have for later."""

import re
from typing import Any

from embedded.emulator import lists
from embedded.emulator.errors import StripeError, not_found
from embedded.emulator.metadata import merged
from embedded.emulator.methods import attach, resolve
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body, Span
from embedded.emulator.tx import Tx

EMAIL_MAX = 512
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[^@\s]+@[^@\s]+")
CLAUSE = re.compile(
    r"""\s*(?P<field>[a-z_]+)(?:\[["'](?P<key>[^"']+)["']\])?\s*(?P<sign>[:~])\s*(?P<value>"[^"]*"|'[^']*'|\d+|null)\s*""",
    re.VERBOSE,
)
FIELDS = "address balance description email metadata name phone shipping tax_exempt invoice_settings preferred_locales"


def create(tx: Tx, call: Call) -> Body:
    """Make a customer."""
    fields = _fields(tx, call, {})
    customer = new(tx, **fields)
    tx.add(customer, "customer.created")
    if call.get("payment_method") is not None:
        attach(tx, resolve(tx, call.params["payment_method"]), customer["id"])
    return customer


def new(tx: Tx, **fields: Any) -> Body:
    """Return a new customer, with the prefix that its invoices will have."""
    fields.setdefault("invoice_prefix", tx.chance(8).upper())
    return tx.new("customer", "cus", length=14, **fields)


def retrieve(tx: Tx, call: Call) -> Body:
    """Return a customer, or that it was deleted."""
    return tx.at_path("customer", call.ids["id"])


def update(tx: Tx, call: Call) -> Body:
    """Change a customer."""
    customer = present(tx, call)
    return tx.change(customer, "customer.updated", **_fields(tx, call, customer))


def delete(tx: Tx, call: Call) -> Body:
    """Delete a customer; that there was one is remembered, and its subscriptions end at once."""
    customer = present(tx, call)
    tx.emit("customer.deleted", tx.view(customer))
    for subscription in tx.all("subscription", customer=customer["id"]):
        tx.around.rules.jobs["end_subscription"](tx, subscription["id"])
    for method in tx.all("payment_method", customer=customer["id"]):
        tx.change(method, "payment_method.detached", customer=None)
    gone = {"id": customer["id"], "object": "customer", "deleted": True}
    tx.keep({**gone, "created": customer["created"]})
    return gone


def list_all(tx: Tx, call: Call) -> Body:
    """List customers."""
    where = {"deleted": None, **lists.equal(call.params, "email")}
    return lists.page(tx, "customer", call.params, "/v1/customers", where)


def search(tx: Tx, call: Call) -> Body:
    """Find customers by e-mail, name, phone or metadata."""
    wanted = _where(call.params["query"])
    limit = lists.limit_of(call.params)
    found = tx.select("customer", {"deleted": None}, Span(10_000))
    matching = [body for body in found if all(_matches(body, *clause) for clause in wanted)]
    first = int(call.get("page") or 0)
    has_more = first + limit < len(matching)
    return {
        "object": "search_result",
        "data": [tx.view(body) for body in matching[first : first + limit]],
        "has_more": has_more,
        "next_page": str(first + limit) if has_more else None,
        "url": "/v1/customers/search",
    }


def present(tx: Tx, call: Call) -> Body:
    """Return the customer that the path names and that is still there."""
    wanted = call.ids["id"]
    customer = tx.at_path("customer", wanted)
    if customer.get("deleted"):
        raise not_found("customer", wanted, param="id")
    return customer


def check_email(email: str | None, param: str = "email") -> None:
    """Refuse what is no address."""
    if email is not None and (len(email) > EMAIL_MAX or not EMAIL.fullmatch(email)):
        message = f"Invalid email address: {email}"
        raise StripeError(message, param=param, code="email_invalid")


def view(tx: Tx, customer: Body) -> Body:
    """Show a customer; of a deleted one only that it was deleted."""
    if customer.get("deleted"):
        return {name: customer[name] for name in ("id", "object", "deleted")}
    discount = customer.get("discount")
    if isinstance(discount, str):
        customer["discount"] = tx.view(tx.the("discount", discount))
    return customer


def subscriptions_of(tx: Tx, customer: Body) -> Body:
    """Return the list of subscriptions that a customer can be answered with."""
    found = [
        tx.view(body)
        for body in tx.all("subscription", customer=customer["id"])
        if body["status"] not in ("canceled", "incomplete_expired")
    ]
    return lists.whole(found, f"/v1/customers/{customer['id']}/subscriptions")


def _nothing(_: Tx, customer: Body) -> Body:
    return lists.whole([], f"/v1/customers/{customer['id']}/sources")


def _fields(tx: Tx, call: Call, customer: Body) -> dict[str, Any]:
    check_email(call.get("email"))
    names = ("balance", "description", "email", "name", "phone", "preferred_locales", "tax_exempt")
    fields = call.given(*names)
    if "metadata" in call.params:
        fields["metadata"] = merged(customer.get("metadata"), call.params["metadata"])
    for name in ("address", "shipping"):
        if name in call.params:
            fields[name] = _whole_address(name, call.get(name))
    settings = call.get("invoice_settings")
    if settings is not None:
        fields["invoice_settings"] = _settings(tx, customer, settings)
    return fields


def _settings(tx: Tx, customer: Body, given: Body) -> Body:
    before = customer.get("invoice_settings") or {
        "custom_fields": None,
        "default_payment_method": None,
        "footer": None,
        "rendering_options": None,
    }
    wanted = given.get("default_payment_method")
    if wanted:
        method = tx.get("payment_method", wanted, param="invoice_settings[default_payment_method]")
        if method["customer"] != customer.get("id"):
            message = (
                f"The customer does not have a payment method with the ID {wanted}. "
                "The payment method must be attached to the customer."
            )
            raise StripeError(
                message, param="invoice_settings[default_payment_method]", code="resource_missing"
            )
    return {**before, **{name: value or None for name, value in given.items()}}


def _whole_address(name: str, given: Body | None) -> Body | None:
    if given is None:
        return None
    lines = ("city", "country", "line1", "line2", "postal_code", "state")
    if name == "address":
        return {line: given.get(line) or None for line in lines}
    address = {line: given["address"].get(line) or None for line in lines}
    return {"address": address, "name": given["name"], "phone": given.get("phone")}


def _where(query: str) -> list[tuple[str, str | None, str, str | None]]:
    """Read `email:'a@b' AND metadata['user_id']:'u'`; what cannot be read is refused."""
    clauses = []
    for part in re.split(r"\s+AND\s+", query, flags=re.IGNORECASE):
        match = CLAUSE.fullmatch(part)
        if match is None or match["field"] not in (
            "email", "name", "phone", "metadata",
        ):  # fmt: skip
            message = f"We were unable to parse your search query: {query}"
            raise StripeError(message, param="query")
        value = None if match["value"] == "null" else match["value"].strip("\"'")
        clauses.append((match["field"], match["key"], match["sign"], value))
    return clauses


def _matches(body: Body, name: str, key: str | None, sign: str, wanted: str | None) -> bool:
    value = body["metadata"].get(key) if name == "metadata" else body[name]
    if wanted is None or value is None:
        return value is None and wanted is None
    if sign == "~":
        return wanted.lower() in str(value).lower()
    return str(value).lower() == wanted.lower()


ROUTES: tuple[Route, ...] = (
    route("POST /v1/customers", "CustomerCreateParams", create, f"{FIELDS} payment_method"),
    route("GET /v1/customers/{id}", "CustomerRetrieveParams", retrieve),
    route("POST /v1/customers/{id}", "CustomerUpdateParams", update, FIELDS),
    route("DELETE /v1/customers/{id}", "CustomerDeleteParams", delete),
    listing("GET /v1/customers", "CustomerListParams", list_all, "created email"),
    route("GET /v1/customers/search", "CustomerSearchParams", search, "query limit page"),
)
VIEWS = {"customer": view}
INCLUDED = {
    ("customer", "subscriptions"): subscriptions_of,
    ("customer", "sources"): _nothing,
    ("customer", "tax_ids"): _nothing,
}
