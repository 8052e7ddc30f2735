"""What waits to be invoiced: items that the next invoice of a customer takes in."""

from embedded.emulator import lists
from embedded.emulator.errors import StripeError, required
from embedded.emulator.metadata import merged
from embedded.emulator.money import check_amount, currency_of
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden


def create_pending(tx: Tx, call: Call) -> Body:
    """Have something invoiced to a customer, next time or with a draft."""
    if call.get("customer") is None:
        raise required("customer")
    customer = tx.get("customer", call.params["customer"], param="customer")
    amount = call.get("amount", 0)
    check_amount(abs(amount), "amount")
    pending = tx.new(
        "invoiceitem",
        "ii",
        amount=amount,
        currency=currency_of(call.get("currency") or "usd"),
        customer=customer["id"],
        date=tx.now,
        description=call.get("description"),
        metadata=merged(None, call.get("metadata")),
        net_amount=amount,
        period={"start": tx.now, "end": tx.now},
    )
    pending.pop("created")
    if call.get("subscription") is not None:
        subscription = tx.get("subscription", call.params["subscription"], param="subscription")
        hidden(pending)["subscription"] = subscription["id"]
    return tx.add(pending, "invoiceitem.created")


def retrieve_pending(tx: Tx, call: Call) -> Body:
    """Return what waits, or waited, to be invoiced."""
    return tx.at_path("invoiceitem", call.ids["item"], param="invoiceitem")


def delete_pending(tx: Tx, call: Call) -> Body:
    """Have something not invoiced after all."""
    pending = retrieve_pending(tx, call)
    if pending["invoice"] is not None:
        message = "This invoice item is attached to an invoice and can no longer be deleted."
        raise StripeError(message, param="invoiceitem")
    return tx.remove(pending, "invoiceitem.deleted")


def list_pending(tx: Tx, call: Call) -> Body:
    """List what waits, or waited, to be invoiced."""
    where = lists.equal(call.params, "customer", "invoice")
    if call.get("pending"):
        where["invoice"] = None
    return lists.page(tx, "invoiceitem", call.params, "/v1/invoiceitems", where)


ROUTES: tuple[Route, ...] = (
    route("POST /v1/invoiceitems", "InvoiceItemCreateParams", create_pending, "amount currency customer description metadata subscription"),
    route("GET /v1/invoiceitems/{item}", "InvoiceItemRetrieveParams", retrieve_pending),
    route("DELETE /v1/invoiceitems/{item}", "InvoiceItemDeleteParams", delete_pending),
    listing("GET /v1/invoiceitems", "InvoiceItemListParams", list_pending, "customer invoice pending"),
)  # fmt: skip
