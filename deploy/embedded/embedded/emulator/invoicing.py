"""Invoices, their lines, their payments and what waits to be invoiced, as the API has them."""

from embedded.emulator import drafting, invoices, lists, payments
from embedded.emulator.errors import StripeError, required
from embedded.emulator.metadata import merged
from embedded.emulator.methods import resolve
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx


def create(tx: Tx, call: Call) -> Body:
    """Make a draft of what waits to be invoiced to a customer."""
    if call.get("customer") is None:
        raise required("customer")
    customer = tx.get("customer", call.params["customer"], param="customer")
    invoice = drafting.draft(
        tx,
        customer["id"],
        None,
        "manual",
        [],
        auto_advance=call.get("auto_advance", False),
        description=call.get("description"),
        metadata=merged(None, call.get("metadata")),
    )
    if invoice["auto_advance"]:
        tx.schedule(tx.now + invoices.DRAFT_S, "finalize_invoice", invoice["id"])
    return invoice


def retrieve(tx: Tx, call: Call) -> Body:
    """Return an invoice."""
    return tx.at_path("invoice", call.ids["invoice"], param="invoice")


def update(tx: Tx, call: Call) -> Body:
    """Change what is said on an invoice, and whether it goes on by itself."""
    invoice = retrieve(tx, call)
    fields = call.given("auto_advance", "description", "footer")
    if "metadata" in call.params:
        fields["metadata"] = merged(invoice["metadata"], call.params["metadata"])
    return tx.change(invoice, "invoice.updated", **fields)


def delete(tx: Tx, call: Call) -> Body:
    """Delete a draft."""
    invoice = retrieve(tx, call)
    _check(invoice, ("draft",), "deleted")
    for pending in tx.all("invoiceitem", invoice=invoice["id"]):
        tx.change(pending, invoice=None)
    return tx.remove(invoice, "invoice.deleted")


def finalize(tx: Tx, call: Call) -> Body:
    """Make a draft final."""
    invoice = retrieve(tx, call)
    _check(invoice, ("draft",), "finalized")
    invoices.finalize(tx, invoice)
    if call.get("auto_advance") and invoice["status"] == "open":
        invoices.attempt(tx, invoice)
    return tx.the("invoice", invoice["id"])


def pay(tx: Tx, call: Call) -> Body:
    """Pay an invoice now; a decline is the answer."""
    invoice = retrieve(tx, call)
    if invoice["status"] == "paid":
        message = "Invoice is already paid"
        raise StripeError(message, param="invoice", code="invoice_already_paid")
    _check(invoice, ("draft", "open", "uncollectible"), "paid")
    if invoice["status"] == "draft":
        invoices.finalize(tx, invoice)
    if invoice["status"] == "uncollectible":
        tx.change(invoice, status="open", status_details=None)
    if invoice["status"] == "open":
        word = call.get("payment_method")
        attempt_payment(tx, invoice, resolve(tx, word) if word is not None else None)
    return tx.the("invoice", invoice["id"])


def attempt_payment(tx: Tx, invoice: Body, method: Body | None) -> None:
    """Try to have an open invoice paid; raise where it is declined."""
    if invoices.attempt(tx, invoice, method) != "requires_payment_method":
        return
    intent = invoices.intent_of(tx, invoice)
    if intent is not None and intent["last_payment_error"] is not None:
        raise payments.declined(tx, intent)
    message = (
        "There is no `default_payment_method` set on this Customer or Invoice. "
        "Please provide a `payment_method` or set a default payment method."
    )
    raise StripeError(message, code="invoice_payment_intent_requires_action")


def void(tx: Tx, call: Call) -> Body:
    """Let an invoice be as if it had never been."""
    invoice = retrieve(tx, call)
    _check(invoice, ("open", "uncollectible"), "voided")
    return invoices.void(tx, invoice)


def write_off(tx: Tx, call: Call) -> Body:
    """Give up hope for an invoice."""
    invoice = retrieve(tx, call)
    _check(invoice, ("open",), "marked uncollectible")
    return invoices.write_off(tx, invoice)


def list_all(tx: Tx, call: Call) -> Body:
    """List invoices."""
    where = lists.equal(call.params, "customer", "status", "collection_method")
    if "subscription" in call.params:
        where["parent.subscription_details.subscription"] = call.params["subscription"]
    return lists.page(tx, "invoice", call.params, "/v1/invoices", where)


def list_lines(tx: Tx, call: Call) -> Body:
    """List an invoice's lines."""
    return lists.cut(retrieve(tx, call)["lines"]["data"], call.params, call.path)


def retrieve_payment(tx: Tx, call: Call) -> Body:
    """Return what ties a payment to its invoice."""
    return tx.at_path("invoice_payment", call.ids["payment"], param="invoice_payment")


def list_payments(tx: Tx, call: Call) -> Body:
    """List what ties payments to invoices: by invoice, or by the payment."""
    where = lists.equal(call.params, "invoice", "status")
    payment = call.get("payment")
    if payment is not None:
        where["payment.payment_intent"] = payment.get("payment_intent")
    return lists.page(tx, "invoice_payment", call.params, "/v1/invoice_payments", where)


def payments_of(tx: Tx, seen: Body) -> Body:
    """Return the list of payments that an invoice can be answered with."""
    found = [tx.view(body) for body in tx.all("invoice_payment", invoice=seen["id"])]
    return lists.whole(found, f"/v1/invoice_payments?invoice={seen['id']}")


def confirmation_secret(tx: Tx, seen: Body) -> Body | None:
    """Return with what a browser could confirm the payment of an invoice."""
    intent = invoices.intent_of(tx, tx.the("invoice", seen["id"]))
    if intent is None or seen["status"] != "open":
        return None
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


def _check(invoice: Body, allowed: tuple[str, ...], what: str) -> None:
    if invoice["status"] not in allowed:
        message = f"This invoice is {invoice['status']} and cannot be {what}."
        raise StripeError(message, param="invoice", code="invoice_not_editable")


ROUTES: tuple[Route, ...] = (
    route("POST /v1/invoices", "InvoiceCreateParams", create, "auto_advance collection_method currency customer description metadata pending_invoice_items_behavior"),
    route("GET /v1/invoices/{invoice}", "InvoiceRetrieveParams", retrieve),
    route("POST /v1/invoices/{invoice}", "InvoiceUpdateParams", update, "auto_advance description footer metadata"),
    route("DELETE /v1/invoices/{invoice}", "InvoiceDeleteParams", delete),
    route("POST /v1/invoices/{invoice}/finalize", "InvoiceFinalizeInvoiceParams", finalize, "auto_advance"),
    route("POST /v1/invoices/{invoice}/pay", "InvoicePayParams", pay, "off_session payment_method"),
    route("POST /v1/invoices/{invoice}/void", "InvoiceVoidInvoiceParams", void),
    route("POST /v1/invoices/{invoice}/mark_uncollectible", "InvoiceMarkUncollectibleParams", write_off),
    listing("GET /v1/invoices", "InvoiceListParams", list_all, "collection_method created customer status subscription"),
    listing("GET /v1/invoices/{invoice}/lines", "InvoiceLineItemListParams", list_lines),
    route("GET /v1/invoice_payments/{payment}", "InvoicePaymentRetrieveParams", retrieve_payment),
    listing("GET /v1/invoice_payments", "InvoicePaymentListParams", list_payments, "created invoice payment status"),
)  # fmt: skip
INCLUDED = {
    ("invoice", "payments"): payments_of,
    ("invoice", "confirmation_secret"): confirmation_secret,
}
