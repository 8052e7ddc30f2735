"""Which parameters of a checkout session go together."""

from urllib.parse import urlsplit

from embedded.emulator.customers import check_email
from embedded.emulator.errors import NotEmulated, StripeError, only_one, required
from embedded.emulator.routing import Call
from embedded.emulator.tx import Tx

REFERENCE_MAX = 200
OF_INTENT = frozenset(
    [
        "capture_method",
        "description",
        "metadata",
        "receipt_email",
        "setup_future_usage",
        "statement_descriptor",
        "statement_descriptor_suffix",
    ]
)


OF_SUBSCRIPTION = frozenset(
    ["billing_mode", "description", "metadata", "trial_end", "trial_period_days", "trial_settings"]
)


def check_url(url: str | None, param: str) -> None:
    """Refuse what no browser could be sent to."""
    if url is None:
        return
    parts = urlsplit(url.replace("{CHECKOUT_SESSION_ID}", "id"))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        message = "Not a valid URL"
        raise StripeError(message, param=param, code="url_invalid")


def check_shape(tx: Tx, call: Call) -> None:
    """Refuse parameters that do not go together, as Stripe does."""
    only_one(call.params, "customer", "customer_email")
    only_one(call.params, "allow_promotion_codes", "discounts")
    mode = call.get("mode", "payment")
    if mode == "setup" or call.get("ui_mode", "hosted_page") != "hosted_page":
        names = ["mode" if mode == "setup" else "ui_mode"]
        raise NotEmulated(names)
    if not call.get("line_items"):
        raise required("line_items")
    if call.get("success_url") is None:
        raise required("success_url")
    for name in ("success_url", "cancel_url"):
        check_url(call.get(name), name)
    if len(call.get("client_reference_id") or "") > REFERENCE_MAX:
        message = f"Invalid string: must be at most {REFERENCE_MAX} characters"
        raise StripeError(message, param="client_reference_id")
    check_email(call.get("customer_email"), "customer_email")
    if call.get("customer") is not None:
        tx.get("customer", call.params["customer"], param="customer")
    _check_mode(call, mode)


def _check_mode(call: Call, mode: str) -> None:
    if mode == "subscription" and call.has("payment_intent_data"):
        message = "You can not pass `payment_intent_data` in `subscription` mode."
        raise StripeError(message, param="payment_intent_data")
    if mode == "payment" and call.has("subscription_data"):
        message = "You can not pass `subscription_data` in `payment` mode."
        raise StripeError(message, param="subscription_data")
    if mode != "payment" and call.has("customer_creation"):
        message = "`customer_creation` can only be used in `payment` mode."
        raise StripeError(message, param="customer_creation")
    for name, known in (("payment_intent_data", OF_INTENT), ("subscription_data", OF_SUBSCRIPTION)):
        unheard = sorted(set(call.get(name) or {}) - known)
        if unheard:
            raise NotEmulated([f"{name}[{part}]" for part in unheard])
