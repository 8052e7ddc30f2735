"""When a subscription shall end: with its period, at a moment, or not at all."""

from embedded.emulator.errors import NotEmulated, StripeError, only_one
from embedded.emulator.routing import Call
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx


def set_end(tx: Tx, subscription: Body, call: Call) -> None:
    """Set when a subscription shall end as a request says, or that it shall not."""
    only_one(call.params, "cancel_at", "cancel_at_period_end")
    if call.has("cancel_at"):
        at = call.get("cancel_at")
        if isinstance(at, str):
            names = ["cancel_at"]
            raise NotEmulated(names)
        if at is not None and at <= tx.now:
            message = "The `cancel_at` must be in the future."
            raise StripeError(message, param="cancel_at")
        end_at(tx, subscription, at, at_period_end=False)
    elif call.get("cancel_at_period_end") is not None:
        item = next(iter(tx.all("subscription_item", subscription=subscription["id"])))
        wanted = call.params["cancel_at_period_end"]
        if wanted != subscription["cancel_at_period_end"]:
            end_at(
                tx,
                subscription,
                item["current_period_end"] if wanted else None,
                at_period_end=wanted,
            )


def end_at(tx: Tx, subscription: Body, at: int | None, *, at_period_end: bool) -> None:
    """Have a subscription end at a moment, or take that back."""
    reason = "cancellation_requested" if at is not None else None
    tx.change(
        subscription,
        cancel_at=at,
        cancel_at_period_end=at_period_end and at is not None,
        canceled_at=None if at is None else tx.now,
        cancellation_details={**subscription["cancellation_details"], "reason": reason},
    )
    tx.unschedule("cancel_subscription", subscription["id"])
    if at is not None and not at_period_end:
        tx.schedule(at, "cancel_subscription", subscription["id"])
