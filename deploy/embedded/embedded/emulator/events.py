"""Events: what happened, in order; and the endpoints that are told of it."""

from typing import Any

from embedded.emulator import deliveries, lists, shapes
from embedded.emulator.errors import StripeError
from embedded.emulator.metadata import merged
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

ENDPOINTS_MAX = 16


def retrieve(tx: Tx, call: Call) -> Body:
    """Return an event."""
    return tx.at_path("event", call.ids["id"])


def list_all(tx: Tx, call: Call) -> Body:
    """List events, of all types or of some; `charge.*` names a family of types."""
    where: dict[str, Any] = {}
    types = call.get("types") or ([call.params["type"]] if call.get("type") else None)
    if types is not None:
        where["type"] = [kind for wanted in types for kind in _types(tx, wanted)]
    return lists.page(tx, "event", call.params, "/v1/events", where)


def view(tx: Tx, event: Body) -> Body:
    """Show an event, with how many endpoints have not taken it yet."""
    event["pending_webhooks"] = deliveries.pending_of(tx.tables, event["id"])
    return event


def create_endpoint(tx: Tx, call: Call) -> Body:
    """Have events sent to an address; its secret is told this once."""
    if len(tx.all("webhook_endpoint")) >= ENDPOINTS_MAX:
        message = f"You have reached the maximum of {ENDPOINTS_MAX} test webhook endpoints."
        raise StripeError(message)
    if not call.params["enabled_events"]:
        message = "Invalid array: must have at least one event"
        raise StripeError(message, param="enabled_events")
    endpoint = new_endpoint(
        tx,
        call.params["url"],
        f"whsec_{tx.chance(32)}",
        enabled_events=call.params["enabled_events"],
        api_version=call.get("api_version"),
        description=call.get("description"),
        metadata=merged(None, call.get("metadata")),
    )
    return {**endpoint, "secret": hidden(endpoint)["secret"]}


def new_endpoint(tx: Tx, url: str, secret: str, **fields: Any) -> Body:
    """Keep a new endpoint with this address and secret."""
    _check_url(url)
    endpoint = tx.new("webhook_endpoint", "we", url=url, **fields)
    hidden(endpoint)["secret"] = secret
    return tx.keep(endpoint)


def retrieve_endpoint(tx: Tx, call: Call) -> Body:
    """Return an endpoint."""
    return tx.at_path("webhook_endpoint", call.ids["endpoint"], param="webhook_endpoint")


def update_endpoint(tx: Tx, call: Call) -> Body:
    """Change an endpoint, or whether it is told anything at all."""
    endpoint = retrieve_endpoint(tx, call)
    fields = call.given("description", "enabled_events", "url")
    if call.get("url") is not None:
        _check_url(call.params["url"])
    if call.has("disabled"):
        fields["status"] = "disabled" if call.get("disabled") else "enabled"
    if "metadata" in call.params:
        fields["metadata"] = merged(endpoint["metadata"], call.params["metadata"])
    return tx.change(endpoint, **fields)


def delete_endpoint(tx: Tx, call: Call) -> Body:
    """Tell an endpoint nothing any more."""
    return tx.remove(retrieve_endpoint(tx, call))


def list_endpoints(tx: Tx, call: Call) -> Body:
    """List endpoints."""
    return lists.page(tx, "webhook_endpoint", call.params, "/v1/webhook_endpoints")


def retrieve_account(tx: Tx, call: Call) -> Body:
    """Return the account itself."""
    return tx.at_path("account", call.ids.get("id", tx.around.account))


def retrieve_balance(tx: Tx, _: Call) -> Body:
    """Return what the account has: available after a while, pending before."""
    booked = tx.all("balance_transaction")
    available = sum(body["net"] for body in booked if body["available_on"] <= tx.now)
    pending = sum(body["net"] for body in booked if body["available_on"] > tx.now)
    sums = {"available": available, "pending": pending}
    return {
        "object": "balance",
        "livemode": False,
        **{
            name: [{"amount": amount, "currency": "usd", "source_types": {"card": amount}}]
            for name, amount in sums.items()
        },
    }


def retrieve_booking(tx: Tx, call: Call) -> Body:
    """Return one change of the balance."""
    return tx.at_path("balance_transaction", call.ids["id"])


def list_bookings(tx: Tx, call: Call) -> Body:
    """List what changed the balance."""
    where = lists.equal(call.params, "source", "type", "currency")
    path = "/v1/balance_transactions"
    return lists.page(tx, "balance_transaction", call.params, path, where)


def view_booking(tx: Tx, booked: Body) -> Body:
    """Show a change of the balance; it is available when its time has come."""
    booked["status"] = "available" if booked["available_on"] <= tx.now else "pending"
    return booked


def new_account(tx: Tx, account_id: str) -> Body:
    """Keep the account itself."""
    return tx.keep({**shapes.fresh("account", id=account_id), "created": tx.now})


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        message = "Invalid URL: An explicit scheme (such as https) must be provided."
        raise StripeError(message, param="url", code="url_invalid")


def _types(tx: Tx, wanted: str) -> list[str]:
    if not wanted.endswith("*"):
        return [wanted]
    rows = tx.tables.execute(
        "SELECT DISTINCT json_extract(body, '$.type') FROM documents WHERE kind = 'event'"
    )
    return [row[0] for row in rows if row[0].startswith(wanted[:-1])]


OF_ENDPOINTS = "description enabled_events metadata url"
ROUTES: tuple[Route, ...] = (
    route("GET /v1/events/{id}", "EventRetrieveParams", retrieve),
    listing("GET /v1/events", "EventListParams", list_all, "created type types"),
    route("POST /v1/webhook_endpoints", "WebhookEndpointCreateParams", create_endpoint, f"{OF_ENDPOINTS} api_version connect"),
    route("GET /v1/webhook_endpoints/{endpoint}", "WebhookEndpointRetrieveParams", retrieve_endpoint),
    route("POST /v1/webhook_endpoints/{endpoint}", "WebhookEndpointUpdateParams", update_endpoint, f"{OF_ENDPOINTS} disabled"),
    route("DELETE /v1/webhook_endpoints/{endpoint}", "WebhookEndpointDeleteParams", delete_endpoint),
    listing("GET /v1/webhook_endpoints", "WebhookEndpointListParams", list_endpoints),
    route("GET /v1/account", "AccountRetrieveCurrentParams", retrieve_account),
    route("GET /v1/accounts/{id}", "AccountRetrieveParams", retrieve_account),
    route("GET /v1/balance", "BalanceRetrieveParams", retrieve_balance),
    route("GET /v1/balance_transactions/{id}", "BalanceTransactionRetrieveParams", retrieve_booking),
    listing("GET /v1/balance_transactions", "BalanceTransactionListParams", list_bookings, "created currency source type"),
)  # fmt: skip
VIEWS = {"event": view, "balance_transaction": view_booking}
