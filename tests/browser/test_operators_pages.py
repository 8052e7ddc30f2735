"""What operators look for is found, kept in the address, and what they decide takes effect at once."""

import re
from uuid import uuid4

from playwright.async_api import Locator, expect
from sqlalchemy import text

from embedded.postgres import EmbeddedPostgres
from shared.db import Database
from shared.testing import eventually
from tests.browser.conftest import Arriving
from tests.browser.visitors import Visitor
from tests.flows.product import Product


def row_of(visitor: Visitor, words: str) -> Locator:
    return visitor.page.get_by_role("row").filter(has_text=words)


async def choose(visitor: Visitor, label: str, option: str) -> None:
    await visitor.page.get_by_label(label, exact=True).select_option(option)


async def test_tasks_are_found_by_their_status_and_by_their_customer(
    operator: Visitor,
    arriving: Arriving,
):
    customer = await arriving()
    await customer.arrive_funded(100)
    words = uuid4().hex[:8]
    for subject, status in (
        (f"Say hello {words}", "completed"),
        (f"Say goodbye {words} [demo: fail]", "failed"),
    ):
        await customer.go("/dashboard")
        await customer.ask(subject)
        await customer.task_is(status)

    await operator.go("/admin/users")
    await operator.page.get_by_role("searchbox").fill(customer.address)
    await operator.page.get_by_role("button", name=f"Open {customer.address}").click()
    await operator.press("Tasks")
    await expect(row_of(operator, words)).to_have_count(2)
    await expect(operator.page.get_by_role("row")).to_have_count(3)  # with the heads of the columns
    await choose(operator, "Show", "Not done")
    await expect(operator.page.get_by_role("row")).to_have_count(2)
    await expect(row_of(operator, "Say goodbye")).to_have_count(1)

    await operator.page.reload()  # what is looked for is in the address
    await expect(row_of(operator, "Say goodbye")).to_have_count(1)
    await expect(row_of(operator, "Say hello")).to_have_count(0)
    await operator.page.get_by_role("button", name=f"Only {customer.address}").click()
    await expect(operator.page).to_have_url(re.compile(r"/admin/tasks\?status=failed$"))
    await operator.page.go_back()
    await expect(operator.page.get_by_role("button", name="Only ")).to_be_visible()


async def test_what_is_not_there_is_said_not_to_be_there(operator: Visitor):
    await operator.go("/admin/users?q=nobody-of-this-name")
    await operator.see("There is no such user")
    await operator.go("/admin/payments?status=review&q=nobody-of-this-name")
    await operator.see("There is no such payment")
    await operator.go("/admin/mails?user=usr_00000000000070008000000000000000")
    await operator.see("There is no such mail")
    await operator.go("/admin/tasks?user=nobody")
    await operator.see("Only nobody")
    await operator.see("There is no such task")
    await operator.go("/admin/users?user=nobody")
    await operator.see("There is no such user.")


async def test_an_operator_is_made_and_unmade_by_another(
    operator: Visitor,
    arriving: Arriving,
):
    colleague = await arriving()
    await colleague.sign_up()

    await operator.go(f"/admin/users?q={colleague.address}")
    await operator.page.get_by_role("button", name=f"Open {colleague.address}").click()
    await operator.press("Make an operator")
    await operator.press("Not now")
    await expect(operator.page.get_by_role("button", name="Make an operator")).to_be_focused()
    await operator.press("Make an operator")
    asked = operator.page.get_by_role("alertdialog")
    await asked.get_by_role("button", name="Make an operator").click()
    await operator.see("An operator now. They see the pages once theirs is loaded anew.")

    await colleague.page.reload()
    await colleague.page.get_by_role("link", name="Admin").first.click()
    await colleague.see_title("Health")
    await operator.press("Take the operator's role")
    await operator.press("Take it away")
    await operator.see("No operator any more. They are signed out everywhere within 15 minutes.")
    await colleague.page.reload()
    await colleague.see_title("Sign in")
    await colleague.log_in()
    await expect(colleague.page.get_by_role("link", name="Admin")).to_have_count(0)


async def test_an_operator_cannot_take_their_own_role(operator: Visitor):
    await operator.go(f"/admin/users?q={operator.address}")
    await operator.page.get_by_role("button", name=f"Open {operator.address}").click()

    await operator.see("Give credits")
    await expect(operator.page.get_by_role("button", name=re.compile("operator"))).to_have_count(0)


async def test_an_event_is_replayed_when_what_was_wrong_is_mended(
    own_visitor: Visitor, own_product: Product
):
    notifier = Database(
        EmbeddedPostgres(own_product.folder / "postgres").url("notifier"), source="test"
    )

    async def change(statement: str) -> int:
        async with notifier.transaction() as tx:
            return (await tx.execute(text(statement))).rowcount

    async def is_parked() -> bool:
        """Whether it failed once; then it is as if it had failed as often as it is tried."""
        return bool(
            await change(
                "UPDATE parked SET state = 'parked', retry_at = NULL "
                "WHERE state = 'retrying' AND name = 'user.registered.v1'"
            )
        )

    await own_visitor.arrive_as_operator()
    await change("ALTER TABLE messages RENAME TO mislaid")
    customer = await own_product.customer()
    await eventually(is_parked, what="an event that is given up")

    await own_visitor.go("/admin/events?service=notifier")
    await own_visitor.page.get_by_role("button", name="Open user.registered.v1").click()
    await change("ALTER TABLE mislaid RENAME TO messages")
    await own_visitor.press("Replay")

    await own_visitor.see("No event is parked")
    await own_product.mail(customer.address, "onfirm")
    await notifier.close()
