"""Runs at OpenClaw that outlive a connection, a gateway or a runner: one answer, worked out once."""

import asyncio

import pytest
from openclaw_parts import agent_for

from agent_runner.agents import AgentFailed
from agent_runner.openclaw.failures import (
    MODEL_FAILED,
)
from agent_runner.openclaw.limits import Limits


async def test_a_lost_connection_does_not_matter(gateway, agent, customer):
    working = customer.ask(agent)
    run = await gateway.next_run()

    await gateway.drop_connections()
    gateway.finish(run, "Still here.")

    assert (await working).text == "Still here."
    assert len(gateway.orders) == 1


async def test_a_run_cancelled_over_a_second_connection_ends(gateway, agent, customer):
    working = customer.ask(agent)
    run = await gateway.next_run()
    await gateway.drop_connections()
    await gateway.until(lambda: gateway.requests.count("connect") == 2)

    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert gateway.aborted == [run.id]


async def test_a_run_that_the_gateway_resumes_after_a_crash_gives_the_answer(
    gateway, agent, customer
):
    working = customer.ask(agent)
    run = await gateway.next_run()

    await gateway.crash()
    looks_count = gateway.requests.count("chat.history")
    await gateway.until(lambda: gateway.requests.count("chat.history") > looks_count + 2)
    gateway.finish(gateway.recover(run.session), "Resumed.")

    assert (await working).text == "Resumed."
    assert len(gateway.orders) == 1


async def test_a_run_that_nobody_resumes_is_asked_for_again_with_the_same_key(gateway, customer):
    agent = agent_for(gateway, limits=Limits(poll_s=0, reconnect_s=0, recovery_s=0))
    working = customer.ask(agent)
    await gateway.next_run()

    await gateway.crash()
    gateway.finish(await gateway.next_run(), "At last.")

    assert (await working).text == "At last."
    assert {order["idempotencyKey"] for order in gateway.orders} == {f"{customer.task_id}:1"}


async def test_an_order_that_was_never_read_is_given_again_under_a_new_key(
    gateway, agent, customer
):
    working = customer.ask(agent)
    await gateway.next_run()

    await gateway.crash(is_message_read=False)
    gateway.finish(await gateway.next_run(), "At last.")

    assert (await working).text == "At last."
    keys = [order["idempotencyKey"] for order in gateway.orders]
    assert keys == [f"{customer.task_id}:1", f"{customer.task_id}:1:2"]


async def test_a_finished_answer_is_taken_and_not_worked_out_again(gateway, agent, customer):
    gateway.finish(gateway.begin(customer.task_id, attempt=1), "Done while you were away.")

    answer = await customer.ask(agent, attempt=2)

    assert answer.text == "Done while you were away."
    assert gateway.orders == []


async def test_a_redelivered_attempt_goes_on_with_its_run(gateway, agent, customer):
    run = gateway.begin(customer.task_id, attempt=1)
    working = customer.ask(agent, attempt=1)
    await gateway.until(lambda: "chat.history" in gateway.requests)

    gateway.finish(run, "One run.")

    assert (await working).text == "One run."
    assert gateway.orders == []


async def test_a_redelivered_attempt_that_failed_has_failed(gateway, agent, customer):
    gateway.fail(gateway.begin(customer.task_id, attempt=1), "LLM request failed")

    with pytest.raises(AgentFailed, match=MODEL_FAILED):
        await customer.ask(agent, attempt=1)

    assert gateway.orders == []


async def test_another_attempt_after_a_failure_is_a_new_run(gateway, agent, customer):
    gateway.fail(gateway.begin(customer.task_id, attempt=1), "LLM request failed")
    working = customer.ask(agent, attempt=2)

    gateway.finish(await gateway.next_run(), "Better now.")

    assert (await working).text == "Better now."
    assert gateway.orders[0]["idempotencyKey"] == f"{customer.task_id}:2"
