"""Tax is paid on top: it buys nothing, and goes back with its share of the money."""

import pytest
from billing_parts import Shop
from buyers import buyer, renew, subscriber


@pytest.fixture
def choices() -> dict[str, object]:
    return {"automatic_tax": True}


@pytest.fixture
async def taxed(shop: Shop) -> Shop:
    """A shop whose customers pay a tenth more."""
    await shop.control.tax(10)
    return shop


async def test_a_page_asks_stripe_for_the_tax_of_newcomers_and_of_whom_it_knows(taxed: Shop):
    customer = await taxed.customer()
    bought = [await customer.buy("pack_500") for _ in range(2)]

    sessions = [await taxed.stripe.checkout.sessions.retrieve_async(item) for item in bought]

    for session in sessions:
        assert session.automatic_tax.enabled is True
        assert (session.amount_subtotal, session.amount_total) == (3900, 4290)
    assert sessions[0].customer == sessions[1].customer


async def test_what_is_bought_is_the_same_with_the_tax_on_top(taxed: Shop):
    customer, payment = await buyer(taxed)

    assert await customer.available() == 500
    assert payment.amount_cents == 4290


async def test_half_of_what_was_paid_takes_half_of_the_credits(taxed: Shop):
    customer, payment = await buyer(taxed)

    await taxed.refund(payment, 2145)
    half = await customer.available()
    await taxed.refund(payment, 2145)

    assert (half, await customer.available()) == (250, 0)


async def test_a_plan_and_its_renewal_bring_their_credits(taxed: Shop):
    customer = await subscriber(taxed)

    await renew(taxed, customer)

    assert await customer.available() == 1000
    first, second = await taxed.payments(customer)
    assert first.amount_cents == second.amount_cents
    invoice = await taxed.stripe.invoices.retrieve_async(second.stripe_invoice_id)
    assert (invoice.total_excluding_tax, invoice.total) == (2900, 3190)
