"""J5: work that is not delivered ends, says why, and costs nothing; and it can be asked for again."""

import pytest
from playwright.async_api import expect

from tests.browser.visitors import Visitor


async def free_of_charge(visitor: Visitor) -> None:
    await expect(visitor.page.get_by_test_id("receipt")).to_have_text("Nothing was charged.")
    await visitor.has_credits(100, "good")


@pytest.mark.parametrize(
    ("marker", "status", "said"),
    [
        ("[demo: fail]", "failed", "It could not be done"),
        ("[demo: hang]", "timed_out", "It took too long"),
    ],
)
async def test_work_that_comes_to_nothing_says_so_and_costs_nothing(
    visitor: Visitor, marker: str, status: str, said: str
):
    await visitor.arrive_funded(100)

    await visitor.ask(f"Say hello {marker}")

    await visitor.task_is(status)
    await visitor.see(said)
    await free_of_charge(visitor)


async def test_work_can_be_stopped(visitor: Visitor):
    await visitor.arrive_funded(100)
    await visitor.ask("Say hello [demo: hang]")
    await visitor.task_is("running")

    await visitor.press("Cancel")
    await visitor.see("Stop this task?")
    await visitor.press("Stop it")

    await visitor.task_is("cancelled")
    await free_of_charge(visitor)


async def test_work_that_failed_can_be_run_again(visitor: Visitor):
    await visitor.arrive_funded(100)
    await visitor.ask("Say hello [demo: fail]")
    await visitor.task_is("failed")
    first = visitor.page.url

    await visitor.page.get_by_role("button", name="Run it again").click()

    await expect(visitor.page).not_to_have_url(first)
    await visitor.task_is("failed")
    await visitor.page.get_by_role("button", name="Change it first").click()
    field = visitor.page.get_by_label("What else do you need done?")
    await expect(field).to_have_value("Say hello [demo: fail]")
