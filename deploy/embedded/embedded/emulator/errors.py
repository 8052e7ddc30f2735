"""What Stripe answers to a request that it does not fulfil."""

from collections.abc import Mapping, Sequence
from typing import Any

DOCS = "https://stripe.com/docs/error-codes"
LOGS = "https://dashboard.stripe.com/test/workbench/logs?object="


class StripeError(Exception):
    """A refusal in Stripe's words; `more` are members of the error beside the usual ones.

    What was done before one that `keeps` is raised stays done: a declined payment leaves its traces.
    """

    status = 400
    kind = "invalid_request_error"
    keeps = False

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.more = more

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the error as Stripe writes it."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind}
        if self.param is not None:
            error["param"] = self.param
        if self.code is not None:
            error |= {"code": self.code, "doc_url": f"{DOCS}/{self.code.replace('_', '-')}"}
        return {"error": {**error, "request_log_url": f"{LOGS}{request_id}", **self.more}}


class Unauthenticated(StripeError):
    """The key is missing or wrong."""

    status = 401


class CardDeclined(StripeError):
    """The bank said no."""

    status = 402
    kind = "card_error"
    keeps = True


class NotFound(StripeError):
    """There is no such thing, or no such route."""

    status = 404


class KeyInUse(StripeError):
    """A request with this idempotency key is under way."""

    status = 409


class KeyReused(StripeError):
    """The idempotency key was first used for another request."""

    kind = "idempotency_error"


class RateLimited(StripeError):
    """Too many requests."""

    status = 429


class Broken(StripeError):
    """Something went wrong on the emulated Stripe's side."""

    status = 500
    kind = "api_error"


class NotEmulated(StripeError):
    """Stripe would do it; this emulator does not, and says so instead of pretending."""

    def __init__(self, names: Sequence[str]) -> None:
        listed = ", ".join(names)
        message = f"The emulator does not do what these parameters ask: {listed}"
        super().__init__(message, param=names[0], code="emulator_unsupported")


def missing(kind: str, wanted: str, *, param: str) -> StripeError:
    """Return the refusal of a parameter that names what is not there."""
    message = f"No such {NAMES.get(kind, kind)}: '{wanted}'"
    return StripeError(message, param=param, code="resource_missing")


def not_found(kind: str, wanted: str, *, param: str) -> StripeError:
    """Return the refusal of a path that names what is not there."""
    message = f"No such {NAMES.get(kind, kind)}: '{wanted}'"
    return NotFound(message, param=param, code="resource_missing")


def required(param: str) -> StripeError:
    """Return the refusal of a request without a parameter it needs."""
    return StripeError(f"Missing required param: {param}.", param=param, code="parameter_missing")


def only_one(given: Mapping[str, Any], *names: str) -> None:
    """Refuse a request that has more than one of these parameters."""
    present = [name for name in names if given.get(name) not in (None, "")]
    if len(present) > 1:
        listed = ", ".join(present)
        message = f"You may only specify one of these parameters: {listed}."
        raise StripeError(message, param=present[-1])


NAMES = {
    "payment_method": "PaymentMethod",
    "setup_intent": "setupintent",
    "billing_portal.configuration": "configuration",
    "promotion_code": "promotion code",
    "payment_link": "payment_link",
    "invoiceitem": "invoiceitem",
    "webhook_endpoint": "webhook endpoint",
}
