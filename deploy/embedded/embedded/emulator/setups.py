"""Setup intents: a payment method is made ready for later, and nothing is paid."""

from embedded.emulator import lists
from embedded.emulator.cards import (
    behind,
)
from embedded.emulator.errors import CardDeclined, StripeError, required
from embedded.emulator.metadata import merged
from embedded.emulator.methods import attach, resolve
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx


def create_setup(tx: Tx, call: Call) -> Body:
    """Begin to set up a payment method for later."""
    customer = call.get("customer")
    if customer is not None:
        tx.get("customer", customer, param="customer")
    intent = tx.new(
        "setup_intent",
        "seti",
        metadata=merged(None, call.get("metadata")),
        **call.given("customer", "description", "usage"),
    )
    intent["payment_method_types"] = call.get("payment_method_types") or ["card"]
    intent["client_secret"] = f"{intent['id']}_secret_{tx.chance(25)}"
    if call.get("payment_method") is not None:
        intent["payment_method"] = resolve(tx, call.params["payment_method"])["id"]
        intent["status"] = "requires_confirmation"
    tx.add(intent, "setup_intent.created")
    return _confirm_setup(tx, intent) if call.get("confirm") else intent


def retrieve_setup(tx: Tx, call: Call) -> Body:
    """Return a setup intent."""
    return tx.at_path("setup_intent", call.ids["intent"], param="intent")


def update_setup(tx: Tx, call: Call) -> Body:
    """Change a setup intent that is not done."""
    intent = retrieve_setup(tx, call)
    fields = call.given("description", "customer")
    if "metadata" in call.params:
        fields["metadata"] = merged(intent["metadata"], call.params["metadata"])
    if call.get("payment_method") is not None:
        fields["payment_method"] = resolve(tx, call.params["payment_method"])["id"]
        fields["status"] = "requires_confirmation"
    return tx.change(intent, **fields)


def confirm_setup(tx: Tx, call: Call) -> Body:
    """Set the payment method up."""
    intent = retrieve_setup(tx, call)
    _check_open(intent)
    if call.get("payment_method") is not None:
        intent["payment_method"] = resolve(tx, call.params["payment_method"])["id"]
    return _confirm_setup(tx, intent)


def cancel_setup(tx: Tx, call: Call) -> Body:
    """Give a setup intent up."""
    intent = retrieve_setup(tx, call)
    _check_open(intent)
    fields = {"status": "canceled", "cancellation_reason": call.get("cancellation_reason")}
    return tx.change(intent, "setup_intent.canceled", **fields)


def list_setups(tx: Tx, call: Call) -> Body:
    """List setup intents."""
    where = lists.equal(call.params, "customer", "payment_method")
    return lists.page(tx, "setup_intent", call.params, "/v1/setup_intents", where)


def _confirm_setup(tx: Tx, intent: Body) -> Body:
    if intent["payment_method"] is None:
        raise required("payment_method")
    method = tx.the("payment_method", intent["payment_method"])
    means = behind(method)
    if means.decline is not None and not means.attaches:
        error = {
            "code": means.decline.code,
            "decline_code": means.decline.decline_code,
            "message": means.decline.message,
            "payment_method": tx.view(method),
            "type": "card_error",
        }
        fields = {
            "status": "requires_payment_method",
            "last_setup_error": error,
            "payment_method": None,
        }
        tx.change(intent, "setup_intent.setup_failed", **fields)
        raise CardDeclined(
            means.decline.message,
            code=means.decline.code,
            decline_code=means.decline.decline_code,
            setup_intent=tx.view(intent),
        )
    if intent["customer"] is not None:
        attach(tx, method, intent["customer"])
    return tx.change(intent, "setup_intent.succeeded", status="succeeded", last_setup_error=None)


def _check_open(intent: Body) -> None:
    if intent["status"] in ("succeeded", "canceled"):
        message = (
            f"This SetupIntent cannot be changed because it has a status of {intent['status']}."
        )
        raise StripeError(message, param="intent", code="setup_intent_unexpected_state")


OF_SETUPS = "customer description metadata payment_method payment_method_types"
ROUTES: tuple[Route, ...] = (
    route("POST /v1/setup_intents", "SetupIntentCreateParams", create_setup, f"{OF_SETUPS} automatic_payment_methods confirm usage"),
    route("GET /v1/setup_intents/{intent}", "SetupIntentRetrieveParams", retrieve_setup),
    route("POST /v1/setup_intents/{intent}", "SetupIntentUpdateParams", update_setup, OF_SETUPS),
    route("POST /v1/setup_intents/{intent}/confirm", "SetupIntentConfirmParams", confirm_setup, "payment_method return_url"),
    route("POST /v1/setup_intents/{intent}/cancel", "SetupIntentCancelParams", cancel_setup, "cancellation_reason"),
    listing("GET /v1/setup_intents", "SetupIntentListParams", list_setups, "created customer payment_method"),
)  # fmt: skip
