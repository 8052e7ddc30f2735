"""Failures on purpose: before the work, after it, and answers that never come."""

import pytest
import stripe
from emulator_parts import ADA, KEY, Stage

from embedded.emulator.client import InProcessHTTPClient
from embedded.emulator.faults import Fault, How

CUSTOMERS = "/emulator/stripe/v1/customers"


FAILURES: list[tuple[How, type[Exception], int | None]] = [
    ("rate_limited", stripe.RateLimitError, 429),
    ("broken", stripe.APIError, 500),
    ("lost", stripe.APIConnectionError, None),
]


@pytest.mark.parametrize(("how", "kind", "status"), FAILURES)
async def test_a_request_can_be_made_to_fail_before_anything_is_done(
    stage: Stage, how: How, kind: type[stripe.StripeError], status: int | None
) -> None:
    stage.control.break_next(Fault(how))

    with pytest.raises(kind) as failure:
        await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})
    after = await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})

    assert failure.value.http_status == status  # type: ignore[attr-defined]
    assert after.email == ADA
    assert (await stage.happened()) == ["customer.created"]


async def test_an_answer_can_be_lost_after_the_work_and_is_given_to_whoever_asks_again(
    stage: Stage,
) -> None:
    stage.control.break_next(Fault("lost", "after"))

    with pytest.raises(stripe.APIConnectionError):
        await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})
    after = await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})

    assert after.last_response.headers["idempotent-replayed"] == "true"
    assert (await stage.happened()) == ["customer.created"]


async def test_a_failure_after_the_work_is_the_answer_for_a_day(stage: Stage) -> None:
    stage.control.break_next(Fault("broken", "after"))

    for _ in range(2):
        with pytest.raises(stripe.APIError) as failure:
            await stage.v1.customers.create_async({"email": ADA}, {"idempotency_key": "k"})

    assert failure.value.http_status == 500
    assert len((await stage.v1.customers.list_async({"email": ADA})).data) == 1


async def test_an_answer_that_never_comes_is_given_up(stage: Stage) -> None:
    stage.control.break_next(Fault("timeout", "after"))
    patient = InProcessHTTPClient(stage.emulator.app(), timeout_s=0.1)
    client = stripe.StripeClient(
        KEY,
        base_addresses={"api": "http://stripe.test/emulator/stripe"},
        http_client=patient,
        max_network_retries=0,
    )

    with pytest.raises(stripe.APIConnectionError, match="in time"):
        await client.v1.customers.create_async({"email": ADA})

    assert (await stage.happened()) == ["customer.created"]


async def test_only_the_route_that_was_named_fails(stage: Stage) -> None:
    stage.control.break_next(Fault("broken", route="POST /v1/refunds"))

    customer = await stage.v1.customers.create_async()
    with pytest.raises(stripe.APIError):
        await stage.v1.refunds.create_async({"charge": "ch_x"})

    assert customer.id
