"""Stripe beside the running product: what customers, banks and the passing of time do there."""

from dataclasses import dataclass
from typing import Any

from shared.testing import eventually
from tests.flows.product import Customer, Product


@dataclass(frozen=True)
class Stripe:
    """The emulated account that the product is connected to."""

    product: Product

    async def act(self, name: str, **given: Any) -> Any:
        """Do what the control page offers; return what came of it."""
        answer = await self.product.http.post(f"/emulator/api/{name}", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    async def told(self, kind: str) -> list[Any]:
        """Return what events of a kind are about, oldest first."""
        answer = await self.product.http.get("/emulator/api/events", params={"type": kind})
        return [event["data"]["object"] for event in answer.json()["events"]]

    async def charges(self, address: str) -> list[Any]:
        """Return what somebody was charged, oldest first."""
        told = await self.told("charge.succeeded")
        return [charge for charge in told if charge["billing_details"]["email"] == address]

    async def buy(self, customer: Customer, name: str) -> Any:
        """Pay a price of the catalogue at its page; return the session."""
        page = await self.page(customer, name)
        return await self.act("pay", session_id=page["session_id"], email=customer.address)

    async def page(self, customer: Customer, name: str) -> Any:
        """Open a page to pay a price of the catalogue on."""
        answer = await customer.post(
            "/api/billing/checkout-session", {"price_id": await self.price_id(name)}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def price_id(self, name: str) -> str:
        """Return the id of a price, once the catalogue has it."""
        found: dict[str, str] = {}

        async def is_there() -> bool:
            answer = await self.product.http.get("/api/billing/prices")
            found.update({item["name"]: item["price_id"] for item in answer.json()["prices"]})
            return name in found

        await eventually(is_there, what=f"the price {name!r}")
        return found[name]

    async def progress(self, session_id: str) -> Any:
        """Return what the success page shows."""
        answer = await self.product.http.get(f"/api/billing/checkout-session/{session_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()
