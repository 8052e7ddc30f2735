"""Every action of the control page and its API, by name: what is typed is checked against its parameters."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from embedded.emulator import checkout, portal, standing
from embedded.emulator.control import Control
from embedded.emulator.faults import Fault, How, When
from embedded.emulator.paying import Payer
from embedded.emulator.routing import Call
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx

Action = Callable[..., Awaitable[Any]]


def actions(control: Control) -> Mapping[str, Action]:
    """Return what can be done, by name."""
    own = (
        control.advance, control.renew, control.settle_payment, control.refund, control.settle_refund, control.fail_refund,
        control.dispute, control.inquire, control.escalate, control.end_dispute, control.fail_next, control.end_dunning_with,
        control.tax, control.settle, control.release, control.deliver_again, control.twins, control.visit_link,
    )  # fmt: skip
    return {
        **{act.__name__: act for act in own},
        **_paying(control),
        **_of_webhooks(control),
        **_of_objects(control),
    }


def _paying(control: Control) -> Mapping[str, Action]:
    async def pay(
        session_id: str,
        means: str = "pm_card_visa",
        email: str | None = None,
        name: str | None = None,
        promotion_code: str | None = None,
    ) -> Body:
        return await control.pay(session_id, Payer(means, email, name, promotion_code))

    async def advance_to_next() -> int:
        return await control.advance_to_next()

    async def break_next(
        how: How, when: When = "before", times: int = 1, route: str | None = None
    ) -> None:
        control.break_next(Fault(how, when, times, route))

    return {"pay": pay, "advance_to_next": advance_to_next, "break_next": break_next}


def _of_webhooks(control: Control) -> Mapping[str, Action]:
    async def hold() -> None:
        control.mischief.hold = True

    async def drop(times: int = 1) -> None:
        control.mischief.drop += times

    async def cut(times: int = 1) -> None:
        control.mischief.cut += times

    async def double(twice: Literal["true", "false"] = "true") -> None:
        control.mischief.twice = twice == "true"

    async def mend() -> None:
        control.mend()

    return {"hold": hold, "drop": drop, "cut": cut, "double": double, "mend": mend}


def _of_objects(control: Control) -> Mapping[str, Action]:
    async def expire_session(session_id: str) -> Body:
        call = Call({}, {"session": session_id}, "")
        return await control.act(lambda tx: tx.view(checkout.expire(tx, call)))

    async def cancel(subscription_id: str) -> Body:
        def work(tx: Tx) -> Body:
            subscription = tx.at_path("subscription", subscription_id)
            return tx.view(standing.end(tx, subscription, "cancellation_requested"))

        return await control.act(work)

    async def open_portal(customer_id: str) -> Body:
        call = Call({"customer": customer_id}, {}, "")
        return await control.act(lambda tx: tx.view(portal.create(tx, call)))

    return {"expire_session": expire_session, "cancel": cancel, "open_portal": open_portal}
