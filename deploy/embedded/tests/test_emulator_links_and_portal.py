"""Payment links and the billing portal at the emulator, as functions."""

from typing import Any

import pytest
import stripe
from emulator_parts import Stage

from embedded.emulator import portal
from embedded.emulator.errors import StripeError
from embedded.emulator.paying import Payer
from embedded.emulator.store import Body

ADA = "ada@example.com"


async def linked(stage: Stage, lookup_key: str = "credits_per_cent", **params: Any) -> Any:
    price = await stage.price(lookup_key)
    lines = [{"price": price.id, "quantity": 1}]
    return await stage.v1.payment_links.create_async({"line_items": lines, **params})


async def test_each_visit_to_a_link_is_a_session_of_its_own(stage: Stage) -> None:
    link = await linked(stage, metadata={"campaign": "autumn"})

    first = await stage.control.visit_link(link.url)
    second = await stage.control.visit_link(link.id)
    await stage.control.pay(first["id"], Payer(email=ADA))

    assert first["id"] != second["id"]
    found = await stage.v1.checkout.sessions.list_async({"payment_link": link.id})
    assert [one.payment_status for one in found.data] == ["unpaid", "paid"]
    assert found.data[0].metadata.to_dict() == {"campaign": "autumn"}
    lines = await stage.v1.payment_links.line_items.list_async(link.id)
    assert lines.data[0].price.lookup_key == "credits_per_cent"


async def test_a_link_can_sell_a_plan(stage: Stage) -> None:
    link = await linked(stage, "basic_monthly")

    visit = await stage.control.visit_link(link.id)
    paid = await stage.control.pay(visit["id"], Payer(email=ADA))

    assert (paid["mode"], paid["payment_link"]) == ("subscription", link.id)
    assert paid["subscription"] is not None


async def test_a_link_that_was_put_out_of_use_sells_nothing(stage: Stage) -> None:
    link = await linked(stage)
    await stage.v1.payment_links.update_async(link.id, {"active": False})

    with pytest.raises(StripeError, match="not in use"):
        await stage.control.visit_link(link.id)
    assert (await stage.happened())[-1] == "payment_link.updated"


async def test_a_link_may_be_used_only_so_often(stage: Stage) -> None:
    link = await linked(stage, restrictions={"completed_sessions": {"limit": 1}})
    visit = await stage.control.visit_link(link.id)
    await stage.control.pay(visit["id"], Payer(email=ADA))

    with pytest.raises(StripeError, match="as often as it can be"):
        await stage.control.visit_link(link.id)


class Visitor:
    """A customer with a plan, at the portal."""

    def __init__(self, stage: Stage, session: Body, subscription: str) -> None:
        self.stage = stage
        self.session = session
        self.subscription = subscription

    async def do(self, act: Any, *arguments: Any) -> Any:
        return await self.stage.control.act(lambda tx: act(tx, self.session, *arguments))

    async def plan(self) -> Any:
        return await self.stage.v1.subscriptions.retrieve_async(
            self.subscription, {"expand": ["default_payment_method", "latest_invoice"]}
        )


async def at_the_portal(stage: Stage, lookup_key: str = "basic_monthly") -> Visitor:
    session = await stage.session(lookup_key)
    paid = await stage.control.pay(session.id, Payer(email=ADA))
    made = await stage.v1.billing_portal.sessions.create_async(
        {"customer": paid["customer"], "return_url": "https://product.test/credits"}
    )
    word = made.url.rsplit("/", 1)[-1]
    session = await stage.control.act(lambda tx: portal.visited(tx, word))
    return Visitor(stage, session, paid["subscription"])


async def test_a_customer_cancels_and_changes_her_mind(stage: Stage) -> None:
    visitor = await at_the_portal(stage)

    await visitor.do(portal.cancel, visitor.subscription)
    cancelled = await visitor.plan()
    await visitor.do(portal.resume, visitor.subscription)
    resumed = await visitor.plan()

    assert cancelled.cancel_at_period_end is True
    assert cancelled.cancellation_details.reason == "cancellation_requested"
    assert (resumed.cancel_at_period_end, resumed.cancel_at) == (False, None)
    assert (await stage.happened())[-2:] == ["customer.subscription.updated"] * 2


async def test_an_upgrade_at_the_portal_is_paid_at_once(stage: Stage) -> None:
    visitor = await at_the_portal(stage)
    business = await stage.price("business_monthly")
    await stage.control.advance(days=14)

    await visitor.do(portal.switch, visitor.subscription, business.id)

    plan = await visitor.plan()
    assert plan["items"].data[0].price.id == business.id
    assert plan.latest_invoice.amount_paid == 3500


async def test_a_downgrade_at_the_portal_waits_for_the_next_period(stage: Stage) -> None:
    visitor = await at_the_portal(stage, "business_monthly")
    basic = await stage.price("basic_monthly")

    await visitor.do(portal.switch, visitor.subscription, basic.id)
    before = await visitor.plan()
    await stage.control.renew(visitor.subscription)

    after = await visitor.plan()
    assert before["items"].data[0].price.unit_amount == 9900
    assert after["items"].data[0].price.unit_amount == 2900
    assert after.latest_invoice.amount_paid == 2900


async def test_another_card_pays_for_everything_from_then_on(stage: Stage) -> None:
    visitor = await at_the_portal(stage)

    await visitor.do(portal.change_card, "5555555555554444")

    plan = await visitor.plan()
    assert plan.default_payment_method.card.brand == "mastercard"
    customer = await stage.v1.customers.retrieve_async(plan.customer)
    assert customer.invoice_settings.default_payment_method == plan.default_payment_method.id


async def test_a_card_that_is_no_good_is_not_kept(stage: Stage) -> None:
    visitor = await at_the_portal(stage)

    with pytest.raises(StripeError, match="declined"):
        await visitor.do(portal.change_card, "4000000000000002")

    assert (await visitor.plan()).default_payment_method.card.last4 == "4242"


async def test_a_portal_session_can_lead_to_one_thing(stage: Stage) -> None:
    visitor = await at_the_portal(stage)

    made = await stage.v1.billing_portal.sessions.create_async(
        {
            "customer": visitor.session["customer"],
            "flow_data": {
                "type": "subscription_cancel",
                "subscription_cancel": {"subscription": visitor.subscription},
            },
        }
    )

    assert made.flow.subscription_cancel.subscription == visitor.subscription


async def test_nobody_cancels_what_is_somebody_elses(stage: Stage) -> None:
    visitor = await at_the_portal(stage)
    other = await at_the_portal(stage)

    with pytest.raises(StripeError, match="No such subscription"):
        await visitor.do(portal.cancel, other.subscription)


async def test_configurations_say_what_may_be_done(stage: Stage) -> None:
    made = await stage.v1.billing_portal.configurations.create_async(
        {"features": {"subscription_cancel": {"enabled": True, "mode": "immediately"}}}
    )
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.billing_portal.configurations.update_async("bpc_no", {"active": False})

    assert made.features.subscription_cancel.mode == "immediately"
    assert made.features.subscription_update.enabled is False
    everything = await stage.v1.billing_portal.configurations.list_async()
    assert len(everything.data) == 2
