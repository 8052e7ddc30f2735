"""The emulated webhooks: signed, tried again, held back, repeated, and kept through a restart."""

from pathlib import Path

import pytest
import stripe
from emulator_parts import HOOK, SECRET, Listener, Stage, staged

from embedded.emulator.deliveries import PAUSES_S
from embedded.emulator.paying import Payer
from embedded.emulator.store import rows

ADA = "ada@example.com"


async def states(stage: Stage) -> list[str]:
    def work(tx: object) -> list[str]:
        cursor = tx.tables.execute("SELECT status FROM deliveries ORDER BY seq")  # type: ignore[attr-defined]
        return [row["status"] for row in rows(cursor)]

    return await stage.emulator.account.do(work)


async def test_what_is_delivered_is_signed_so_that_the_library_takes_it(stage: Stage) -> None:
    taken: list[stripe.Event] = []

    class Product(Listener):
        async def __call__(self, url, body, headers):
            assert url == HOOK
            signature = headers["Stripe-Signature"]
            taken.append(stripe.Webhook.construct_event(body, signature, SECRET, 10**12))
            return 200, "ok"

    stage.emulator.account.courier._network = Product()
    await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})

    await stage.control.deliver()

    [event] = taken
    assert (event.type, event.data.object["email"]) == ("customer.created", ADA)
    assert event.api_version == stripe.api_version
    assert event.request is not None
    assert event.request.idempotency_key == "k"
    assert (await stage.v1.events.retrieve_async(event.id)).pending_webhooks == 0


async def test_events_of_one_request_arrive_once_each(stage: Stage) -> None:
    session = await stage.session()
    await stage.control.pay(session.id, Payer(email=ADA))

    await stage.control.deliver()

    assert stage.listener.types == await stage.happened()
    assert len({event["id"] for event in stage.listener.heard}) == 4


async def test_a_delivery_that_fails_is_tried_again_later_and_later(stage: Stage) -> None:
    stage.listener.answers = [500, ConnectionError("refused"), 302, 200]
    await stage.v1.customers.create_async()

    for pause in (0, *PAUSES_S[:3]):
        stage.clock.move(seconds=pause * 1.3)
        await stage.control.deliver()

    assert stage.listener.types[-1] == "customer.created"
    assert await states(stage) == ["delivered"]


async def test_a_delivery_is_given_up_at_last(stage: Stage) -> None:
    stage.listener.answers = [500] * (len(PAUSES_S) + 1)
    await stage.v1.customers.create_async()

    for pause in (0, *PAUSES_S):
        stage.clock.move(seconds=pause * 1.3)
        await stage.control.deliver()

    assert await states(stage) == ["given_up"]


async def test_a_delivery_that_was_under_way_when_the_process_died_is_made_after_the_restart(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        await stage.v1.customers.create_async({"email": ADA})
        await stage.emulator.account.do(stage.emulator.account.courier._due)  # taken, and no more

    async with staged(tmp_path) as stage:
        await stage.control.deliver()

        assert stage.listener.types == ["customer.created"]


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        session = await stage.session("basic_monthly")
        paid = await stage.control.pay(session.id, Payer(email=ADA))
        await stage.control.advance(days=10)
        before = await stage.control.events()

    async with staged(tmp_path, seed=2) as stage:
        subscription = await stage.v1.subscriptions.retrieve_async(paid["subscription"])
        await stage.control.renew(subscription.id)

        assert (await stage.control.events())[: len(before)] != []
        assert len((await stage.v1.prices.list_async({"limit": 100})).data) == 11
        invoices = await stage.v1.invoices.list_async({"subscription": subscription.id})
        assert [one.status for one in invoices.data] == ["paid", "paid"]


async def test_webhooks_can_be_held_and_released_in_another_order(stage: Stage) -> None:
    stage.control.mischief.hold = True
    for name in ("first", "second", "third"):
        await stage.v1.customers.create_async({"name": name})
    await stage.control.deliver()
    held = list(stage.listener.heard)

    await stage.control.release("reversed")
    await stage.control.deliver()

    assert held == []
    names = [event["data"]["object"]["name"] for event in stage.listener.heard]
    assert names == ["third", "second", "first"]


async def test_webhooks_can_be_shuffled_and_lose_nothing(stage: Stage) -> None:
    stage.control.mischief.hold = True
    for number in range(6):
        await stage.v1.customers.create_async({"name": str(number)})

    await stage.control.release("shuffled")
    await stage.control.deliver()

    names = [event["data"]["object"]["name"] for event in stage.listener.heard]
    assert sorted(names) == list("012345")
    assert names != sorted(names)


async def test_webhooks_can_be_dropped_cut_and_doubled(stage: Stage) -> None:
    stage.control.mischief.drop = 1
    await stage.v1.customers.create_async({"name": "dropped"})
    await stage.control.deliver()
    stage.control.mischief.cut = 1
    await stage.v1.customers.create_async({"name": "cut"})
    await stage.control.deliver()
    stage.control.mischief.twice = True
    await stage.v1.customers.create_async({"name": "doubled"})
    await stage.control.deliver()

    names = [event["data"]["object"]["name"] for event in stage.listener.heard]
    assert names == ["doubled", "doubled"]
    assert await states(stage) == ["dropped", "pending", "delivered"]


async def test_an_event_can_be_delivered_again_under_its_own_id(stage: Stage) -> None:
    await stage.v1.customers.create_async()
    await stage.control.deliver()

    await stage.control.deliver_again(stage.listener.heard[0]["id"])
    await stage.control.deliver()

    first, second = stage.listener.heard
    assert first["id"] == second["id"]


async def test_an_objects_story_can_be_told_again_under_other_ids(stage: Stage) -> None:
    customer = await stage.v1.customers.create_async()
    await stage.v1.customers.update_async(customer.id, {"name": "Ada"})
    await stage.control.deliver()

    await stage.control.twins(customer.id)
    await stage.control.deliver()

    assert stage.listener.types == ["customer.created", "customer.updated"] * 2
    assert len({event["id"] for event in stage.listener.heard}) == 4
    first, twin = stage.listener.heard[1], stage.listener.heard[3]
    assert first["data"] == twin["data"]


async def test_an_endpoint_hears_only_what_it_asked_for(stage: Stage) -> None:
    made = await stage.v1.webhook_endpoints.create_async(
        {"url": "http://other.test/hook", "enabled_events": ["customer.updated"]}
    )
    customer = await stage.v1.customers.create_async()
    await stage.v1.customers.update_async(customer.id, {"name": "Ada"})

    assert made.secret.startswith("whsec_")
    assert len(await states(stage)) == 3


async def test_a_disabled_endpoint_hears_nothing(stage: Stage) -> None:
    [endpoint] = (await stage.v1.webhook_endpoints.list_async()).data
    await stage.v1.customers.create_async()
    await stage.v1.webhook_endpoints.update_async(endpoint.id, {"disabled": True})
    await stage.v1.customers.create_async()

    await stage.control.deliver()

    assert stage.listener.heard == []
    assert await states(stage) == ["dropped"]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"url": "nowhere", "enabled_events": ["*"]}, "url"),
        ({"url": "http://x.test", "enabled_events": ["no.such.event"]}, "enabled_events[0]"),
    ],
)
async def test_an_endpoint_that_makes_no_sense_is_refused(
    stage: Stage, params: dict[str, object], param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await stage.v1.webhook_endpoints.create_async(params)  # type: ignore[arg-type]

    assert refusal.value.param == param


async def test_events_are_listed_by_type_and_family(stage: Stage) -> None:
    session = await stage.session()
    await stage.control.pay(session.id, Payer(email=ADA))

    exact = await stage.v1.events.list_async({"type": "charge.succeeded"})
    family = await stage.v1.events.list_async({"types": ["payment_intent.*"]})

    assert [one.type for one in exact.data] == ["charge.succeeded"]
    assert [one.type for one in family.data] == [
        "payment_intent.succeeded",
        "payment_intent.created",
    ]
