"""Every page, with what is on it: for looking at all of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from playwright.async_api import ViewportSize, expect

from tests.browser.visitors import Visitor
from tests.flows.product import link_token
from tests.flows.stripe import Stripe

WINDOW: ViewportSize = {"width": 1280, "height": 800}
LOOKS: Mapping[str, Mapping[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {
        "color_scheme": "light",
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "has_touch": True,
    },
}
FOR_STRANGERS = {
    "login": "/login",
    "signup": "/signup",
    "forgot": "/forgot",
    "reset": "/reset?token=a",
    "claim": "/claim?token=a",
    "verify": "/verify?token=a",
    "credits-guest": "/credits",
    "success-unknown": "/dashboard/credits/success?session_id=cs_test_unknown",
    "not-found": "/nowhere",
}
FOR_CUSTOMERS = {
    "dashboard": "/dashboard",
    "credits": "/credits",
    "transactions": "/transactions",
    "settings": "/settings",
    "example": "/example-ai",
}
FOR_OPERATORS = {
    "admin-health": "/admin",
    "admin-tasks": "/admin/tasks",
    "admin-users": "/admin/users",
    "admin-payments": "/admin/payments",
    "admin-refunds": "/admin/refunds",
    "admin-prices": "/admin/prices",
    "admin-events": "/admin/events",
    "admin-mails": "/admin/mails",
    "admin-books": "/admin/books",
}
Arriving = Callable[..., Awaitable[Visitor]]


@dataclass(frozen=True, slots=True)
class Place:
    """A page as it stands: its name, and who looks at it."""

    name: str
    visitor: Visitor


async def every_place(arriving: Arriving) -> AsyncIterator[Place]:
    """Go to every page, one after another, as whoever may see it."""
    stranger = await arriving()
    for name, path in FOR_STRANGERS.items():
        await _settle(stranger, path)
        yield Place(name, stranger)
    customer = await arriving()
    await _arrive_with_a_plan(customer)
    async for place in _of_a_customer(customer):
        yield place
    operator = await arriving()
    await operator.arrive_as_operator()
    for name, path in FOR_OPERATORS.items():
        await _settle(operator, path)
        yield Place(name, operator)


async def _arrive_with_a_plan(visitor: Visitor) -> None:
    """Be somebody whose address is known to be theirs, who bought credits and has a plan, on its page of thanks."""
    account = await visitor.product.customer()
    token = link_token(await visitor.product.mail(account.address, "onfirm"))
    await visitor.product.http.post("/api/auth/email/verify", json={"token": token})
    stripe = Stripe(visitor.product)
    await stripe.buy(account, "500 credits")
    await stripe.buy(account, "Basic")
    await account.credits_are(1010)
    visitor.address, visitor.password = account.address, account.password
    await visitor.log_in()


async def _of_a_customer(customer: Visitor) -> AsyncIterator[Place]:
    """A customer's pages with work in all its states, and what opens above them."""
    for name, description, status in (
        ("task-done", "Find me 100 leads in Miami", "completed"),
        ("task-failed", "Send a campaign to 20 customers [demo: fail]", "failed"),
        ("task-running", "Say hello [demo: slow 60]", "running"),
    ):
        await _settle(customer, "/dashboard")
        await customer.ask(description)
        await customer.task_is(status)
        await _still(customer)
        yield Place(name, customer)
    await customer.press("Cancel")
    await customer.see("Stop this task?")
    yield Place("dialog", customer)
    await customer.press("Stop it")
    await customer.task_is("cancelled")
    for name, path in FOR_CUSTOMERS.items():
        await _settle(customer, path)
        yield Place(name, customer)
    await _settle(customer, "/dashboard")
    await customer.page.get_by_label("What do you need done?").fill("Find me 20 leads in Lisbon")
    await expect(customer.quote).to_be_visible()
    yield Place("quote", customer)
    for name, open_it in (
        ("account", partial(customer.page.get_by_role("button", name="Account: ").click)),
        ("palette", partial(customer.page.keyboard.press, "Control+k")),
    ):
        await open_it()
        await customer.page.wait_for_timeout(300)  # nothing tells when it has unfolded
        yield Place(name, customer)


async def _settle(visitor: Visitor, path: str) -> None:
    """Go to a page and wait until nothing on it is still to come."""
    await visitor.go(path)
    await _still(visitor)


async def _still(visitor: Visitor) -> None:
    await expect(visitor.page.locator("[aria-busy=true], .skeleton")).to_have_count(0)
    await visitor.page.evaluate("() => document.fonts.ready")
