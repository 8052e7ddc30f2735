"""Who uses the product in a world: payers, Stripe, people who sign up, ask for work and read their mail."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.testing import ADMIN_KEY
from tests.simulation.invariants import Watch
from tests.simulation.nodes import Answer, Node
from tests.simulation.outside import Post
from tests.simulation.services import token_of
from tests.simulation.stripe_account import StripeAccount
from tests.simulation.world import Gone, World
from tests.stripe_events import WEBHOOK_SECRET, checkout_session, event, signed

PASSWORD = "correct horse battery staple"
PAUSE_S = 1.0
UNFUNDED_TRIES = 12
COMPARED_S = 10.0
COMPARED_TRIES = 100
COMPARED = """
    SELECT open FROM billing.reconciliations WHERE scope = 'daily' AND began_at >= $1
      AND finished_at IS NOT NULL AND flaw IS NULL ORDER BY id LIMIT 1
"""


class People:
    """Everybody outside, with what they can do; whoever is not answered tries again."""

    def __init__(
        self,
        world: World,
        nodes: Sequence[Node],
        watch: Watch,
        post: Post,
        stripe: StripeAccount,
    ) -> None:
        self.world = world
        self.watch = watch
        self.stripe = stripe
        self._nodes = nodes
        self._post = post
        self._read: dict[str, int] = {}

    async def pay(self, address: str, amount: int, number: int, *, paths: int = 1) -> None:
        """Pay as a guest; Stripe tells of it `paths` times, some of them as other events."""
        session = self.session(address, amount, number)
        self.watch.expected.paid[session["id"]] = (address, amount)
        tellings = []
        for telling in range(paths):
            again = telling and self.world.happens(0.5)
            event_id = f"evt_{number}_{telling if again else 0}"
            tellings.append(self.tell(session, event_id, after_s=telling * self._pause()))
        await asyncio.gather(*tellings)

    async def pay_later(self, address: str, amount: int, number: int, *, arrives: bool) -> None:
        """Pay in a way whose money comes later, or never: told as unpaid first, in no sure order."""
        session = self.session(address, amount, number)
        unpaid = {**session, "payment_status": "unpaid"}
        tellings = [self.tell(unpaid, f"evt_{number}_u", after_s=self._pause())]
        kind = "succeeded" if arrives else "failed"
        if arrives:
            self.watch.expected.paid[session["id"]] = (address, amount)
        else:
            self.watch.expected.unpaid.add(session["id"])
        for telling in range(self.world.chance.randint(1, 3)):
            body = session if arrives else unpaid
            kind_of = f"checkout.session.async_payment_{kind}"
            told = self.tell(body, f"evt_{number}_{telling}", kind_of, after_s=self._pause())
            tellings.append(told)
        await asyncio.gather(*tellings)

    def session(self, address: str, amount: int, number: int) -> dict[str, Any]:
        """Return a Checkout Session."""
        session = checkout_session(
            email=address, amount_cents=amount, session_id=f"cs_test_{number}"
        )
        fixed = {"created": 0, "expires_at": 1, "customer": f"cus_{number}"}
        return session | fixed | {"payment_intent": f"pi_{number}", "payment_link": "plink_1"}

    async def tell(
        self,
        session: Mapping[str, Any],
        event_id: str,
        kind: str = "checkout.session.completed",
        *,
        after_s: float = 0,
    ) -> None:
        """Tell billing as Stripe does, until it is acknowledged."""
        await asyncio.sleep(after_s)
        body = event(session, type=kind, event_id=event_id) | {"created": 0}
        while True:
            at = int(self.world.now().timestamp())
            delivery = signed(json.dumps(body), WEBHOOK_SECRET, at=at)
            answer = await self._try(
                "billing", "POST", "/api/webhooks/stripe", delivery["content"], delivery["headers"]
            )
            if answer is not None and answer.status == 200:
                self.watch.expected.stripe_events.add(event_id)
                return
            await asyncio.sleep(self._pause() * 5)

    async def sign_up(self, address: str) -> bool:
        """Open an account; tell whether it is a new one (or one whose answer was lost)."""
        body = {"email": address, "password": PASSWORD}
        return (await self.post("auth", "/api/auth/signup", body)).status in (201, 409)

    async def read_mail(self, address: str) -> None:
        """Open the links of every mail that has come to an address."""
        while True:
            mails = self._post.mailboxes.get(address, [])
            unread = mails[self._read.get(address, 0) :]
            self._read[address] = len(mails)
            for mail in unread:
                if mail.token is not None and "Confirm" in mail.template:
                    await self.post("auth", "/api/auth/email/verify", {"token": mail.token})
                elif mail.token is not None and "waiting" in mail.template:
                    claim = {"token": mail.token, "password": PASSWORD}
                    await self.post("auth", "/api/auth/claim", claim)
            await asyncio.sleep(2 + self._pause() * 3)

    async def grant(self, user_id: UUID, amount: int, key: str) -> None:
        """Give credits as an operator."""
        body = {"user_id": f"usr_{user_id.hex}", "amount": amount, "reason": "a gift"}
        answer = await self.post(
            "billing", "/api/credits/grant", {**body, "idempotency_key": key}, key=ADMIN_KEY
        )
        assert answer.status in (200, 201), answer

    async def ask(self, user_id: UUID, description: str, key: str) -> UUID | None:
        """Ask for work until it is accepted or there are not enough credits; return the task."""
        for _ in range(UNFUNDED_TRIES):
            headers = bearer(user_id) | {"idempotency-key": key}
            answer = await self.post("tasks", "/api/tasks", {"description": description}, **headers)
            if answer.status == 201:
                task_id = UUID(answer.json()["task_id"].removeprefix("task_"))
                before = self.watch.expected.accepted.setdefault(key, task_id)
                if before != task_id:
                    self.world.violate(f"the key {key} made the tasks {before} and {task_id}")
                return task_id
            if answer.status != 402:
                self.world.violate(f"asking was answered with {answer}")
                return None
            await asyncio.sleep(self._pause() * 2)
        return None

    async def cancel(self, user_id: UUID, task_id: UUID) -> None:
        """Cancel a task, if it has not ended."""
        path = f"/api/tasks/task_{task_id.hex}/cancel"
        answer = await self.post("tasks", path, {}, **bearer(user_id))
        if answer.status not in (202, 409):
            self.world.violate(f"cancelling was answered with {answer}")

    async def sync_prices(self) -> None:
        """Have billing look at once what is sold."""
        answer = await self.post("billing", "/api/billing/sync-prices", {}, key=ADMIN_KEY)
        assert answer.status == 200, answer

    async def compare_with_stripe(self) -> Sequence[str]:
        """Have billing compared with all that Stripe has; return what differs then."""
        began_at = self.world.now()
        while True:
            await self.post("billing", "/api/admin/reconcile", {}, key=ADMIN_KEY)
            for _ in range(COMPARED_TRIES):
                await asyncio.sleep(COMPARED_S)
                rows = self.world.postgres.look(COMPARED, began_at)
                if rows:
                    return list(json.loads(rows[0][0]))

    async def user_of(self, address: str) -> UUID:
        """Return the account of an address, once there is one."""
        while True:
            sql = "SELECT id FROM auth.users WHERE email_key = $1"
            rows = self.world.postgres.look(sql, address)
            if rows:
                user_id: UUID = rows[0][0]
                return user_id
            await asyncio.sleep(self._pause())

    async def post(
        self, service: str, path: str, body: Mapping[str, Any], *, key: str = "", **headers: str
    ) -> Answer:
        """Post until there is an answer that says more than `try again`."""
        sent = {"content-type": "application/json", **headers}
        if key:
            sent["x-admin-key"] = key
        while True:
            answer = await self._try(service, "POST", path, json.dumps(body).encode(), sent)
            if answer is not None and answer.status < 500:
                return answer
            await asyncio.sleep(self._pause())

    async def _try(
        self, service: str, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer | None:
        node = self.world.chance.choice(
            [node for node in self._nodes if node.service_name == service]
        )
        try:
            return await node.request(method, path, body, headers)
        except Gone:
            return None

    def _pause(self) -> float:
        return self.world.chance.expovariate(1 / PAUSE_S)


def somebody(number: int) -> UUID:
    """Return a user whom no address is known of."""
    return UUID(bytes=hashlib.sha256(f"user {number}".encode()).digest()[:16], version=4)


def bearer(user_id: UUID, address: str | None = None) -> dict[str, str]:
    """Return the header that says who asks."""
    return {"authorization": f"Bearer {token_of(user_id, address)}"}
