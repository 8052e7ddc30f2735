"""Coupons, the codes that people type in for them, and what they take off a total."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from embedded.emulator import lists
from embedded.emulator.errors import StripeError, only_one, required
from embedded.emulator.metadata import merged
from embedded.emulator.money import check_amount, currency_of, part
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

PERCENT_MAX = 100
CODE_LENGTH = 8
DELETED = "deleted_coupon"
MONTH_S = 30 * 86_400


def create_coupon(tx: Tx, call: Call) -> Body:
    """Make a coupon, by percent or by amount."""
    only_one(call.params, "percent_off", "amount_off")
    percent, amount = call.get("percent_off"), call.get("amount_off")
    if percent is None and amount is None:
        raise required("percent_off")
    if percent is not None and not 0 < percent <= PERCENT_MAX:
        message = "Invalid percent_off: must be greater than 0 and at most 100"
        raise StripeError(message, param="percent_off")
    fields = call.given("max_redemptions", "name", "redeem_by", "duration_in_months")
    if amount is not None:
        check_amount(amount, "amount_off")
        if call.get("currency") is None:
            raise required("currency")
        fields["currency"] = currency_of(call.params["currency"])
    coupon = tx.new(
        "coupon",
        "",
        duration=_duration(call),
        percent_off=percent,
        amount_off=amount,
        metadata=merged(None, call.get("metadata")),
        **fields,
    )
    coupon["id"] = call.get("id") or tx.chance(CODE_LENGTH)
    if tx.tables.kind_of(coupon["id"]) not in (None, DELETED):
        message = "Coupon already exists."
        raise StripeError(message, param="id", code="resource_already_exists")
    hidden(coupon)["products"] = (call.get("applies_to") or {}).get("products", [])
    return tx.add(coupon, "coupon.created")


def retrieve_coupon(tx: Tx, call: Call) -> Body:
    """Return a coupon."""
    return tx.at_path("coupon", call.ids["coupon"], param="coupon")


def update_coupon(tx: Tx, call: Call) -> Body:
    """Change a coupon's name or metadata."""
    coupon = retrieve_coupon(tx, call)
    fields = call.given("name")
    if "metadata" in call.params:
        fields["metadata"] = merged(coupon["metadata"], call.params["metadata"])
    return tx.change(coupon, "coupon.updated", **fields)


def delete_coupon(tx: Tx, call: Call) -> Body:
    """Delete a coupon; what was redeemed stays redeemed, so it is set aside."""
    coupon = retrieve_coupon(tx, call)
    tx.emit("coupon.deleted", tx.view(coupon))
    tx.tables.set_aside(coupon["id"], DELETED)
    return {"id": coupon["id"], "object": "coupon", "deleted": True}


def even_deleted(tx: Tx, coupon_id: str) -> Body:
    """Return the coupon that something of ours names, be it deleted meanwhile."""
    return tx.known("coupon", coupon_id) or tx.the(DELETED, coupon_id)


def list_coupons(tx: Tx, call: Call) -> Body:
    """List coupons."""
    return lists.page(tx, "coupon", call.params, "/v1/coupons")


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


def view(tx: Tx, coupon: Body) -> Body:
    """Show a coupon; whether it can still be used is seen when one looks."""
    coupon["valid"] = is_valid(tx, coupon)
    return coupon


def is_valid(tx: Tx, coupon: Body) -> bool:
    """Tell whether a coupon can be redeemed now."""
    used_up = (
        coupon["max_redemptions"] is not None
        and coupon["times_redeemed"] >= coupon["max_redemptions"]
    )
    return not used_up and (coupon["redeem_by"] is None or coupon["redeem_by"] > tx.now)


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


def of_request(
    tx: Tx, given: Sequence[Mapping[str, Any]], customer: str | None, total: int
) -> list[Body]:
    """Return what a request's `discounts` name: pairs of coupon and promotion code, by their ids."""
    found = []
    for number, discount in enumerate(given):
        only_one(discount, "coupon", "promotion_code", "discount")
        if discount.get("promotion_code"):
            param = f"discounts[{number}][promotion_code]"
            code = usable_code(tx, discount["promotion_code"], customer, total, param)
            found.append({"coupon": code["promotion"]["coupon"], "promotion_code": code["id"]})
        elif discount.get("coupon"):
            param = f"discounts[{number}][coupon]"
            coupon = tx.get("coupon", discount["coupon"], param=param)
            _check_valid(tx, coupon, param)
            found.append({"coupon": coupon["id"], "promotion_code": None})
    return found


def off(tx: Tx, coupon_id: str, amounts: Sequence[tuple[int, str]], currency: str) -> list[int]:
    """Return what a coupon takes off each of these amounts; each is of a product."""
    coupon = even_deleted(tx, coupon_id)
    products = coupon.get("_", {}).get("products", [])
    counted = [amount if not products or product in products else 0 for amount, product in amounts]
    if coupon["percent_off"] is not None:
        return [
            part(amount, Decimal(str(coupon["percent_off"])), PERCENT_MAX) for amount in counted
        ]
    if coupon["currency"] != currency:
        return [0 for _ in counted]
    return _shared(min(coupon["amount_off"], sum(counted)), counted)


def redeem(tx: Tx, pair: Mapping[str, str | None]) -> None:
    """Count a coupon and its code as used once more."""
    coupon = tx.known("coupon", pair["coupon"])
    if coupon is not None:
        tx.change(coupon, "coupon.updated", times_redeemed=coupon["times_redeemed"] + 1)
    code = tx.known("promotion_code", pair["promotion_code"])
    if code is not None:
        tx.change(code, "promotion_code.updated", times_redeemed=code["times_redeemed"] + 1)


def discount_of(tx: Tx, pair: Mapping[str, str | None], **owner: Any) -> Body:
    """Return the discount that a pair of coupon and code is for an owner, from now on."""
    coupon = even_deleted(tx, pair["coupon"] or "")
    end = None
    if coupon["duration"] == "repeating":
        end = tx.now + coupon["duration_in_months"] * MONTH_S
    discount = tx.new(
        "discount",
        "di",
        end=end,
        start=tx.now,
        source={"coupon": coupon["id"], "type": "coupon"},
        promotion_code=pair["promotion_code"],
        **owner,
    )
    discount.pop("created")
    return discount


def applies_to(tx: Tx, coupon: Body) -> Body | None:
    """Return the products that a coupon is for."""
    stored = even_deleted(tx, coupon["id"])
    products = stored.get("_", {}).get("products", [])
    return {"products": products} if products else None


def _shared(total: int, amounts: Sequence[int]) -> list[int]:
    """Share a total over amounts in their proportion, to the last cent."""
    whole, rest, shares = sum(amounts), total, []
    for amount in amounts:
        share = part(rest, amount, whole) if whole else 0
        shares.append(share)
        rest -= share
        whole -= amount
    return shares


def _duration(call: Call) -> str:
    duration: str = call.get("duration", "once")
    if duration == "repeating" and call.get("duration_in_months") is None:
        raise required("duration_in_months")
    return duration


def _check_valid(tx: Tx, coupon: Body, param: str) -> None:
    if not is_valid(tx, coupon):
        message = f"Coupon expired: {coupon['id']}"
        raise StripeError(message, param=param, code="coupon_expired")


def _check_code(tx: Tx, code: Body, customer: str | None, total: int, param: str) -> None:
    coupon = tx.get("coupon", code["promotion"]["coupon"], param=param)
    _check_valid(tx, coupon, param)
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


OF_COUPONS = "amount_off applies_to currency duration duration_in_months id max_redemptions metadata name percent_off redeem_by"
OF_CODES = "active code customer expires_at max_redemptions metadata promotion restrictions"
ROUTES: tuple[Route, ...] = (
    route("POST /v1/coupons", "CouponCreateParams", create_coupon, OF_COUPONS),
    route("GET /v1/coupons/{coupon}", "CouponRetrieveParams", retrieve_coupon),
    route("POST /v1/coupons/{coupon}", "CouponUpdateParams", update_coupon, "metadata name"),
    route("DELETE /v1/coupons/{coupon}", "CouponDeleteParams", delete_coupon),
    listing("GET /v1/coupons", "CouponListParams", list_coupons, "created"),
    route("POST /v1/promotion_codes", "PromotionCodeCreateParams", create_code, OF_CODES),
    route("GET /v1/promotion_codes/{promotion_code}", "PromotionCodeRetrieveParams", retrieve_code),
    route("POST /v1/promotion_codes/{promotion_code}", "PromotionCodeUpdateParams", update_code, "active metadata"),
    listing("GET /v1/promotion_codes", "PromotionCodeListParams", list_codes, "active code coupon created customer"),
)  # fmt: skip
VIEWS = {"coupon": view}
INCLUDED = {("coupon", "applies_to"): applies_to}
