"""Coupons, the codes that people type in for them, and what they take off a total."""

from embedded.emulator import lists
from embedded.emulator.errors import StripeError, only_one, required
from embedded.emulator.metadata import merged
from embedded.emulator.money import check_amount, currency_of
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


def applies_to(tx: Tx, coupon: Body) -> Body | None:
    """Return the products that a coupon is for."""
    stored = even_deleted(tx, coupon["id"])
    products = stored.get("_", {}).get("products", [])
    return {"products": products} if products else None


def _duration(call: Call) -> str:
    duration: str = call.get("duration", "once")
    if duration == "repeating" and call.get("duration_in_months") is None:
        raise required("duration_in_months")
    return duration


def check_valid(tx: Tx, coupon: Body, param: str) -> None:
    """Refuse a coupon that cannot be redeemed any more."""
    if not is_valid(tx, coupon):
        message = f"Coupon expired: {coupon['id']}"
        raise StripeError(message, param=param, code="coupon_expired")


OF_COUPONS = "amount_off applies_to currency duration duration_in_months id max_redemptions metadata name percent_off redeem_by"
ROUTES: tuple[Route, ...] = (
    route("POST /v1/coupons", "CouponCreateParams", create_coupon, OF_COUPONS),
    route("GET /v1/coupons/{coupon}", "CouponRetrieveParams", retrieve_coupon),
    route("POST /v1/coupons/{coupon}", "CouponUpdateParams", update_coupon, "metadata name"),
    route("DELETE /v1/coupons/{coupon}", "CouponDeleteParams", delete_coupon),
    listing("GET /v1/coupons", "CouponListParams", list_coupons, "created"),
)  # fmt: skip
VIEWS = {"coupon": view}
INCLUDED = {("coupon", "applies_to"): applies_to}
