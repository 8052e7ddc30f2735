"""Promotion codes: what people type in to get what a coupon promises."""

from embedded.emulator import lists
from embedded.emulator.coupons import CODE_LENGTH, check_valid
from embedded.emulator.errors import StripeError, required
from embedded.emulator.metadata import merged
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx


def create_code(tx: Tx, call: Call) -> Body:
    """Make a code that people can type in for a coupon."""
    wanted = call.params["promotion"].get("coupon")
    if wanted is None:
        raise required("promotion[coupon]")
    coupon = tx.get("coupon", wanted, param="promotion[coupon]")
    code = call.get("code") or tx.chance(CODE_LENGTH).upper()
    if any(body["active"] for body in tx.all("promotion_code", code=code)):
        message = "An active promotion code with this code already exists."
        raise StripeError(message, param="code", code="resource_already_exists")
    if call.get("customer") is not None:
        tx.get("customer", call.params["customer"], param="customer")
    restrictions = {
        "first_time_transaction": False,
        "minimum_amount": None,
        "minimum_amount_currency": None,
        **(call.get("restrictions") or {}),
    }
    body = tx.new(
        "promotion_code",
        "promo",
        code=code,
        promotion={"coupon": coupon["id"], "type": "coupon"},
        metadata=merged(None, call.get("metadata")),
        restrictions=restrictions,
        **call.given("active", "customer", "expires_at", "max_redemptions"),
    )
    return tx.add(body, "promotion_code.created")


def retrieve_code(tx: Tx, call: Call) -> Body:
    """Return a promotion code."""
    return tx.at_path("promotion_code", call.ids["promotion_code"], param="promotion_code")


def update_code(tx: Tx, call: Call) -> Body:
    """Change whether a code can be used, and its metadata."""
    code = retrieve_code(tx, call)
    fields = call.given("active")
    if "metadata" in call.params:
        fields["metadata"] = merged(code["metadata"], call.params["metadata"])
    return tx.change(code, "promotion_code.updated", **fields)


def list_codes(tx: Tx, call: Call) -> Body:
    """List promotion codes."""
    where = lists.equal(call.params, "active", "code", "customer")
    if "coupon" in call.params:
        where["promotion.coupon"] = call.params["coupon"]
    return lists.page(tx, "promotion_code", call.params, "/v1/promotion_codes", where)


def usable_code(tx: Tx, word: str, customer: str | None, total: int, param: str) -> Body:
    """Return the promotion code that was typed in or named, or say why it does not count."""
    code = tx.known("promotion_code", word)
    if code is None:
        code = next((body for body in tx.all("promotion_code", code=word) if body["active"]), None)
    if code is None:
        code = next(
            (
                body
                for body in tx.all("promotion_code", active=True)
                if body["code"].lower() == word.lower()
            ),
            None,
        )
    if code is None or not code["active"]:
        message = f"No such promotion code: '{word}'"
        raise StripeError(message, param=param, code="resource_missing")
    _check_code(tx, code, customer, total, param)
    return code


def _check_code(tx: Tx, code: Body, customer: str | None, total: int, param: str) -> None:
    coupon = tx.get("coupon", code["promotion"]["coupon"], param=param)
    check_valid(tx, coupon, param)
    limits = code["restrictions"]
    reasons = {
        "it has expired": code["expires_at"] is not None and code["expires_at"] <= tx.now,
        "it was used as often as it can be": code["max_redemptions"] is not None
        and code["times_redeemed"] >= code["max_redemptions"],
        "it is another customer's": code["customer"] not in (None, customer),
        "the total is too small": total < (limits["minimum_amount"] or 0),
        "it is for first payments only": bool(
            limits["first_time_transaction"]
            and customer
            and tx.all("payment_intent", customer=customer, status="succeeded")
        ),
    }
    for reason, is_so in reasons.items():
        if is_so:
            message = f"This promotion code cannot be redeemed: {reason}."
            raise StripeError(message, param=param, code="promotion_code_invalid")


OF_CODES = "active code customer expires_at max_redemptions metadata promotion restrictions"
ROUTES: tuple[Route, ...] = (
    route("POST /v1/promotion_codes", "PromotionCodeCreateParams", create_code, OF_CODES),
    route("GET /v1/promotion_codes/{promotion_code}", "PromotionCodeRetrieveParams", retrieve_code),
    route("POST /v1/promotion_codes/{promotion_code}", "PromotionCodeUpdateParams", update_code, "active metadata"),
    listing("GET /v1/promotion_codes", "PromotionCodeListParams", list_codes, "active code coupon created customer"),
)  # fmt: skip
