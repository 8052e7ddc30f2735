"""What an invoice would be: of a renewal, of a change, of a new subscription; nothing of it is kept."""

from embedded.emulator import drafting, standing
from embedded.emulator.changing import change_items
from embedded.emulator.errors import StripeError, only_one, required
from embedded.emulator.invoice_lines import of_item
from embedded.emulator.periods import boundary
from embedded.emulator.renewing import upcoming
from embedded.emulator.routing import Call, Route, route
from embedded.emulator.store import Body
from embedded.emulator.subscription_lines import item_change, subscription_line
from embedded.emulator.tx import Tx


def preview(tx: Tx, call: Call) -> Body:
    """Return what an invoice would be, of a renewal or of a change; nothing of it is kept."""
    only_one(call.params, "schedule", "subscription")
    details = call.get("subscription_details") or {}
    wanted = call.get("subscription")
    if wanted is None:
        return _preview_new(tx, call, details)
    subscription = tx.get("subscription", wanted, param="subscription")
    if subscription["status"] in standing.OVER:
        message = f"No upcoming invoices for subscription: {wanted}"
        raise StripeError(message, param="subscription", code="invoice_upcoming_none")
    given = [
        item_change(tx, subscription, one, n) for n, one in enumerate(details.get("items") or ())
    ]
    if not given:
        return upcoming(tx, subscription)
    tx.tables.savepoint()
    params = {"proration_behavior": details.get("proration_behavior", "create_prorations")}
    moment = {"proration_date": details["proration_date"]} if details.get("proration_date") else {}
    change_items(tx, subscription, given, {**params, **moment}, tx.view(subscription))
    subscription = tx.the("subscription", subscription["id"])
    if params["proration_behavior"] == "always_invoice":
        invoice = tx.the("invoice", subscription["latest_invoice"])
        invoice |= {"id": f"upcoming_{invoice['id']}", "status": "draft", "number": None}
    else:
        invoice = upcoming(tx, subscription)
    tx.tables.undo()
    tx.events.clear()
    return invoice


def _preview_new(tx: Tx, call: Call, details: Body) -> Body:
    """Return what the first invoice of a subscription would be."""
    if call.get("customer") is None:
        raise required("customer")
    customer = tx.get("customer", call.params["customer"], param="customer")
    lines = [
        subscription_line(tx, one, f"subscription_details[items][{n}]")
        for n, one in enumerate(details.get("items") or ())
    ]
    items = []
    for line in lines:
        recurring = tx.the("price", line["price"])["recurring"]
        item = {"id": f"si_{tx.chance(14)}", **line, "subscription": None}
        items.append(of_item(tx, item, (tx.now, boundary(tx.now, recurring, 1))))
    reason = "subscription_create" if items else "manual"
    invoice = drafting.prepared(tx, customer["id"], None, reason, items)
    return {**invoice, "id": f"upcoming_{invoice['id']}"}


ROUTES: tuple[Route, ...] = (
    route("POST /v1/invoices/create_preview", "InvoiceCreatePreviewParams", preview, "customer subscription subscription_details"),
)  # fmt: skip
