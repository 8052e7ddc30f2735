"""How a subscription begins: with its items, its first invoice, and an attempt to have that paid."""

from collections.abc import Mapping, Sequence
from typing import Any

from embedded.emulator import discounts, drafting, invoices, methods, standing
from embedded.emulator.errors import CardDeclined, StripeError
from embedded.emulator.invoice_lines import of_draft
from embedded.emulator.metadata import merged
from embedded.emulator.payments import declined
from embedded.emulator.periods import boundary
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

DAY_S = 86_400
INCOMPLETE_S = 23 * 3600
WARN_S = 3 * DAY_S
UPCOMING_S = 7 * DAY_S


class CardRefused(CardDeclined):
    """The bank said no, and so nothing was done."""

    keeps = False


def begin(
    tx: Tx, customer: Body, lines: Sequence[Mapping[str, Any]], given: Mapping[str, Any]
) -> Body:
    """Make a subscription of these lines, each a price and how many of it; it is told of with its first invoice."""
    prices = [tx.the("price", line["price"]) for line in lines]
    _check_prices(prices)
    trial_end = _trial_end(tx, given)
    start_of_period = trial_end or tx.now
    subscription = tx.new(
        "subscription",
        "sub",
        billing_cycle_anchor=start_of_period,
        currency=prices[0]["currency"],
        customer=customer["id"],
        default_payment_method=given.get("default_payment_method"),
        description=given.get("description"),
        metadata=merged(None, given.get("metadata")),
        start_date=tx.now,
        status="trialing" if trial_end else "incomplete",
        trial_end=trial_end,
        trial_start=tx.now if trial_end else None,
    )
    if given.get("trial_settings"):
        subscription["trial_settings"] = given["trial_settings"]
    if (given.get("automatic_tax") or {}).get("enabled"):
        tax = {"disabled_reason": None, "enabled": True, "liability": {"type": "self"}}
        subscription["automatic_tax"] = tax
    hidden(subscription)["session"] = given.get("session")
    for pair in given.get("discounts") or ():
        discount = discounts.discount_of(
            tx, pair, customer=customer["id"], subscription=subscription["id"]
        )
        subscription["discounts"].append(tx.keep(discount)["id"])
    tx.keep(subscription)
    end = trial_end or boundary(tx.now, prices[0]["recurring"], 1)
    for line in lines:
        add_item(tx, subscription, line, (tx.now, end))
    if customer["currency"] is None:
        tx.change(customer, currency=subscription["currency"])
    expect(tx, subscription, end)
    return subscription


def add_item(tx: Tx, subscription: Body, line: Mapping[str, Any], period: tuple[int, int]) -> Body:
    """Give a subscription one more item."""
    item = tx.new(
        "subscription_item",
        "si",
        length=14,
        current_period_start=period[0],
        current_period_end=period[1],
        metadata=merged(None, line.get("metadata")),
        price=line["price"],
        quantity=line.get("quantity", 1),
        subscription=subscription["id"],
    )
    return tx.keep(item)


def expect(tx: Tx, subscription: Body, end: int) -> None:
    """Put on the schedule what comes at the end of this period."""
    if subscription["status"] == "trialing":
        tx.schedule(end, "end_trial", subscription["id"])
        tx.schedule(max(tx.now, end - WARN_S), "trial_will_end", subscription["id"])
    else:
        tx.schedule(end, "renew", subscription["id"])
        if end - UPCOMING_S > tx.now:
            tx.schedule(end - UPCOMING_S, "tell_upcoming", subscription["id"])


def first_invoice(tx: Tx, subscription: Body) -> Body:
    """Make the invoice that a subscription begins with, final at once."""
    is_free = subscription["status"] == "trialing"
    item = next(iter(tx.all("subscription_item", subscription=subscription["id"])))
    period = (item["current_period_start"], item["current_period_end"])
    lines = of_draft(tx, subscription, period, is_free=is_free)
    reason = "subscription_create"
    at_first = subscription["discounts"]
    invoice = drafting.draft(tx, subscription["customer"], subscription, reason, lines)
    tx.emit("customer.subscription.created", tx.view(subscription))
    for wanted in at_first:
        discount = tx.the("discount", wanted)
        pair = {
            "coupon": discount["source"]["coupon"],
            "promotion_code": discount["promotion_code"],
        }
        discounts.redeem(tx, pair)
    invoices.finalize(tx, invoice)
    if subscription["status"] == "incomplete" and invoice["status"] == "open":
        tx.schedule(tx.now + INCOMPLETE_S, "expire_incomplete", subscription["id"])
    return invoice


def pay_first(tx: Tx, invoice: Body, behaviour: str, method: Body | None = None) -> None:
    """Try to have the first invoice paid, as the behaviour says; a decline may leave all of it incomplete."""
    if invoice["status"] != "open" or behaviour == "default_incomplete":
        return
    status = invoices.attempt(tx, invoice, method)
    if behaviour == "error_if_incomplete" and status in ("requires_payment_method", "canceled"):
        raise refused(tx, invoice)


def refused(tx: Tx, invoice: Body) -> StripeError:
    """Return the refusal of what could not be paid; it undoes what led to it."""
    intent = invoices.intent_of(tx, invoice)
    if intent is None or intent["last_payment_error"] is None:
        message = "This customer has no attached payment source or default payment method."
        return StripeError(message, code="resource_missing")
    told = declined(tx, intent)
    return CardRefused(told.message, code=told.code, decline_code=told.more["decline_code"])


def subscribe(tx: Tx, session: Body, customer: Body, method: Body) -> None:
    """Begin what a checkout session sells, or go on with it after a card was declined; raise where one is."""
    subscription = tx.known("subscription", hidden(session).get("subscription_id"))
    if subscription is None or subscription["status"] != "incomplete":
        subscription = _of_session(tx, session, customer, method)
    else:
        tx.change(subscription, default_payment_method=method["id"])
    invoice = tx.the("invoice", subscription["latest_invoice"])
    if invoice["status"] != "open":
        return
    if invoices.attempt(tx, invoice, method) == "requires_payment_method":
        intent = invoices.intent_of(tx, invoice)
        assert intent is not None, "it was attempted"
        raise declined(tx, intent)


def _of_session(tx: Tx, session: Body, customer: Body, method: Body) -> Body:
    lines = hidden(session)["lines"]
    recurring = [line for line in lines if tx.the("price", line["price"])["recurring"]]
    once = [line for line in lines if line not in recurring]
    given = {
        **hidden(session)["subscription"],
        "automatic_tax": session["automatic_tax"],
        "default_payment_method": method["id"],
        "discounts": session["discounts"],
        "session": session["id"],
    }
    if customer["invoice_settings"]["default_payment_method"] is None:
        methods.make_default(tx, customer, method["id"])
    subscription = begin(tx, customer, recurring, given)
    for line in once:
        _charge_once(tx, subscription, line)
    invoice = first_invoice(tx, subscription)
    session = tx.the("checkout.session", session["id"])
    hidden(session)["subscription_id"] = subscription["id"]
    session |= {"subscription": subscription["id"], "invoice": invoice["id"]}
    tx.keep(session)
    return tx.the("subscription", subscription["id"])


def _charge_once(tx: Tx, subscription: Body, line: Mapping[str, Any]) -> None:
    """Have a one-time price of a session invoiced with the subscription's first period."""
    price = tx.the("price", line["price"])
    amount = price["unit_amount"] * line["quantity"]
    pending = tx.new(
        "invoiceitem",
        "ii",
        amount=amount,
        currency=price["currency"],
        customer=subscription["customer"],
        date=tx.now,
        description=tx.the("product", price["product"])["name"],
        net_amount=amount,
        parent={
            "subscription_details": {"subscription": subscription["id"], "subscription_item": None},
            "type": "subscription_details",
        },
        period={"start": tx.now, "end": tx.now},
        pricing={
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        quantity=line["quantity"],
        quantity_decimal=str(line["quantity"]),
    )
    pending.pop("created")
    hidden(pending)["subscription"] = subscription["id"]
    tx.add(pending, "invoiceitem.created")


def _trial_end(tx: Tx, given: Mapping[str, Any]) -> int | None:
    if given.get("trial_period_days"):
        return tx.now + int(given["trial_period_days"]) * DAY_S
    wanted = given.get("trial_end")
    if wanted in (None, "", "now"):
        return None
    if int(str(wanted)) <= tx.now:
        message = "The trial_end must be in the future."
        raise StripeError(message, param="trial_end")
    return int(str(wanted))


def check_recurring(prices: Sequence[Body], param: str) -> None:
    """Refuse a price that is paid once."""
    if any(price["recurring"] is None for price in prices):
        message = "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`."
        raise StripeError(message, param=param)


def _check_prices(prices: Sequence[Body]) -> None:
    check_recurring(prices, "items[0][price]")
    if len({(p["recurring"]["interval"], p["recurring"]["interval_count"]) for p in prices}) > 1:
        message = "All prices on a subscription must have the same `recurring.interval` and `recurring.interval_count`."
        raise StripeError(message, param="items")


def expire_incomplete(tx: Tx, subscription_id: str) -> None:
    """Give up a subscription whose first invoice was not paid in time."""
    subscription = tx.known("subscription", subscription_id)
    if subscription is None or subscription["status"] != "incomplete":
        return
    invoice = tx.known("invoice", subscription["latest_invoice"])
    if invoice is not None and invoice["status"] == "open":
        invoices.void(tx, invoice)
    for job in standing.JOBS_OF_ONE:
        tx.unschedule(job, subscription_id)
    tx.change(subscription, standing.UPDATED, status="incomplete_expired", ended_at=tx.now)


JOBS = {"expire_incomplete": expire_incomplete}
