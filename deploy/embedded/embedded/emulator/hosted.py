"""The pages that Stripe would host: checkout, payment links, the billing portal, invoices."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from embedded.emulator import methods
from embedded.emulator.at_checkout import add_checkout, add_links
from embedded.emulator.at_portal import add_portal
from embedded.emulator.cards import means_of
from embedded.emulator.control import Control
from embedded.emulator.documents import pdf
from embedded.emulator.errors import StripeError
from embedded.emulator.invoicing import attempt_payment
from embedded.emulator.rendering import Guard, go, page
from embedded.emulator.tx import Tx
from embedded.emulator.visiting import AT_CHECKOUT, gone, means_for, typed_in


def routes(control: Control, guard: Guard) -> APIRouter:
    """Return the pages, each with what its forms do."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(guard)])
    for make in (add_checkout, add_links, add_portal, add_invoices):
        make(router, control)
    return router


def add_invoices(router: APIRouter, control: Control) -> None:
    """Add the page of an invoice, its document, and a form to pay it."""

    @router.get("/invoices/{invoice_id}", operation_id="show_invoice")
    async def show(invoice_id: str) -> Response:
        """One invoice, and a form to pay it where it is open."""
        return await _invoice_page(control, invoice_id)

    @router.post("/invoices/{invoice_id}", operation_id="pay_invoice")
    async def pay(invoice_id: str, request: Request) -> Response:
        """Pay an open invoice."""
        word = (await typed_in(request)).get("means", AT_CHECKOUT[0])
        try:
            await control.act(lambda tx: _pay_invoice(tx, invoice_id, word))
        except StripeError as refusal:
            return await _invoice_page(control, invoice_id, refusal)
        return go(f"/emulator/invoices/{invoice_id}")

    @router.get("/invoices/{invoice_id}/pdf", operation_id="show_invoice_pdf")
    async def show_pdf(invoice_id: str) -> Response:
        """One invoice as a document."""
        try:
            invoice = await control.act(lambda tx: tx.view(tx.at_path("invoice", invoice_id)))
        except StripeError as refusal:
            return gone(refusal)
        return Response(pdf(invoice), media_type="application/pdf")


async def _invoice_page(
    control: Control, invoice_id: str, refusal: StripeError | None = None
) -> HTMLResponse:
    try:
        invoice = await control.act(lambda tx: tx.view(tx.at_path("invoice", invoice_id)))
    except StripeError as missing:
        return gone(missing)
    status = refusal.status if refusal else 200
    words = refusal.message if refusal else None
    return page(
        "invoice.html",
        status=status,
        invoice=invoice,
        choices=means_for(AT_CHECKOUT),
        refusal=words,
    )


def _pay_invoice(tx: Tx, invoice_id: str, word: str) -> None:
    invoice = tx.at_path("invoice", invoice_id)
    if invoice["status"] != "open":
        message = f"This invoice is {invoice['status']}."
        raise StripeError(message)
    means = means_of(word)
    if means is None:
        message = "The emulator takes Stripe's test cards only."
        raise StripeError(message)
    attempt_payment(tx, invoice, tx.add(methods.new(tx, means)))
