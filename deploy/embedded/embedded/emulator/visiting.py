"""What the hosted pages share: what was typed, which cards to choose from, what is not there."""

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import HTMLResponse

from embedded.emulator import forms
from embedded.emulator.cards import BY_TOKEN, Means
from embedded.emulator.errors import StripeError
from embedded.emulator.rendering import page

AT_CHECKOUT = (
    "pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds", "pm_card_createDispute",
    "pm_usBankAccount_success", "pm_usBankAccount_insufficientFunds",
)  # fmt: skip


async def typed_in(request: Request) -> dict[str, str]:
    """Return the fields of a form; one that cannot be read has none."""
    try:
        form = forms.decoded((await request.body()).decode(errors="replace"))
    except StripeError:
        return {}
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


def means_for(tokens: Sequence[str]) -> list[Means]:
    """Return what can be chosen to pay with."""
    return [BY_TOKEN[token] for token in tokens]


def gone(refusal: StripeError) -> HTMLResponse:
    """Return the page of what is not there."""
    return page("message.html", status=404, title="Not found", text=refusal.message, link=None)
