"""What coupons take off: of the lines of a checkout, of invoices, now or for as long as they say."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from embedded.emulator.coupons import check_valid, even_deleted
from embedded.emulator.errors import only_one
from embedded.emulator.money import part
from embedded.emulator.promotion_codes import usable_code
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx

PERCENT = 100
MONTH_S = 30 * 86_400


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
            check_valid(tx, coupon, param)
            found.append({"coupon": coupon["id"], "promotion_code": None})
    return found


def off(tx: Tx, coupon_id: str, amounts: Sequence[tuple[int, str]], currency: str) -> list[int]:
    """Return what a coupon takes off each of these amounts; each is of a product."""
    coupon = even_deleted(tx, coupon_id)
    products = coupon.get("_", {}).get("products", [])
    counted = [amount if not products or product in products else 0 for amount, product in amounts]
    if coupon["percent_off"] is not None:
        return [part(amount, Decimal(str(coupon["percent_off"])), PERCENT) for amount in counted]
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


def _shared(total: int, amounts: Sequence[int]) -> list[int]:
    """Share a total over amounts in their proportion, to the last cent."""
    whole, rest, shares = sum(amounts), total, []
    for amount in amounts:
        share = part(rest, amount, whole) if whole else 0
        shares.append(share)
        rest -= share
        whole -= amount
    return shares
