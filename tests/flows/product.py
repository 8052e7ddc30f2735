"""The running product as its users see it: HTTP, Stripe's webhook, and their mailbox."""

import asyncio
import email
import email.policy
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from embedded import children
from embedded.ports import free_ports
from shared.testing import eventually
from tests.stripe_events import WEBHOOK_SECRET, checkout_session, event, signed

REPOSITORY = Path(__file__).parents[2]
ADMIN_KEY = "the-operators-key-of-a-test"
START_S_MAX = 120


@dataclass
class Product:
    """A running product: where it answers and where it keeps its things."""

    origin: str
    folder: Path
    child: children.Child
    http: httpx2.AsyncClient
    admin: Mapping[str, str] = field(default_factory=lambda: {"x-admin-key": ADMIN_KEY})

    async def pay(
        self,
        address: str,
        *,
        session: dict[str, Any] | None = None,
        path: str = "/api/webhooks/stripe",
    ) -> dict[str, Any]:
        """Have Stripe tell of a paid Checkout Session; return the session."""
        session = session or checkout_session(email=address)
        answer = await self.http.post(path, **signed(event(session), WEBHOOK_SECRET))
        assert (answer.status_code, answer.json()) == (200, {"received": True}), answer.text
        return session

    def mails(self, address: str) -> list[EmailMessage]:
        """Return the mails that reached an address, oldest first."""
        parsed = [
            email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            for file in sorted((self.folder / "mail").glob("*.eml"))
        ]
        return [mail for mail in parsed if address in mail["To"]]

    def log(self) -> str:
        """Return what the product's processes have said."""
        files = [self.folder / "product.log", *self.folder.glob("logs/*.log")]
        return "".join(file.read_text() for file in files)

    async def mail(self, address: str, subject: str) -> str:
        """Return the text of the mail with this subject, once it has arrived."""

        async def arrived() -> bool:
            return any(subject in mail["Subject"] for mail in self.mails(address))

        await eventually(arrived, what=f"the mail {subject!r}")
        found = next(mail for mail in self.mails(address) if subject in mail["Subject"])
        body = found.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    async def customer(self, *, funds: int = 0) -> "Customer":
        """Sign up somebody new, and give them credits as an operator would."""
        customer = Customer(self, f"ann.{uuid4().hex[:12]}@example.com")
        answer = await self.http.post("/api/auth/signup", json=customer.credentials)
        assert answer.status_code == 201, answer.text
        customer.take(answer)
        if funds:
            await customer.be_granted(funds)
        return customer

    async def ready(self) -> None:
        """Return once every service has all that it needs."""

        async def is_ready() -> bool:
            try:
                return (await self.http.get("/health/ready")).status_code == 200
            except httpx2.HTTPError:
                return False

        await eventually(is_ready, within_s=START_S_MAX, what="readiness")


@dataclass
class Customer:
    """Somebody who uses the product over its HTTP API."""

    product: Product
    address: str
    password: str = "correct horse battery staple"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def credentials(self) -> dict[str, str]:
        return {"email": self.address, "password": self.password}

    def take(self, answer: httpx2.Response) -> None:
        """Keep the access token of an answer."""
        self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}

    async def log_in(self) -> dict[str, Any]:
        answer = await self.product.http.post("/api/auth/login", json=self.credentials)
        assert answer.status_code == 200, answer.text
        self.take(answer)
        body: dict[str, Any] = answer.json()
        return body

    async def get(self, path: str, **options: Any) -> Any:
        answer = await self.product.http.get(path, headers=self.headers, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(
        self, path: str, body: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx2.Response:
        return await self.product.http.post(path, json=body, headers={**self.headers, **headers})

    async def be_granted(self, amount: int) -> None:
        """Receive credits, and wait until tasks knows of them."""
        user = await self.get("/api/user")
        body = {"user_id": user["id"], "amount": amount, "reason": "test"}
        answer = await self.product.http.post(
            "/api/credits/grant",
            json={**body, "idempotency_key": uuid4().hex},
            headers=self.product.admin,
        )
        assert answer.status_code == 201, answer.text

        async def is_known() -> bool:
            hint = (await self.get("/api/user"))["credits"] == user["credits"] + amount
            return hint and bool((await self.first_event())["credits"])

        await eventually(is_known, what="the granted credits")

    async def first_event(self) -> Any:
        """Return the data of the stream's first event: where it stands, and the credits."""
        async for item in self.stream():
            return item["data"]
        return None

    async def ask(self, description: str, **fields: Any) -> dict[str, Any]:
        """Ask for work; return the answer."""
        answer = await self.post(
            "/api/tasks", {"description": description, **fields}, **{"Idempotency-Key": uuid4().hex}
        )
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def task(self, task_id: str) -> Any:
        return await self.get(f"/api/tasks/{task_id}")

    async def task_is(self, task_id: str, *statuses: str, within_s: float = 60) -> Any:
        """Return the task once it has one of these statuses."""

        async def has_it() -> bool:
            return (await self.task(task_id))["status"] in statuses

        await eventually(has_it, within_s=within_s, what=f"{task_id} {statuses}")
        return await self.task(task_id)

    async def credits_are(self, available: int, *, reserved: int = 0) -> Any:
        """Return the summary once the ledger says so."""

        async def they_are() -> bool:
            summary = await self.get("/api/credits/summary")
            return (summary["available"], summary["reserved"]) == (available, reserved)

        await eventually(they_are, what=f"{available} credits, {reserved} reserved")
        return await self.get("/api/credits/summary")

    async def charged(self, task_id: str, amount: int) -> None:
        """Wait until the task shows what was captured for it."""

        async def is_shown() -> bool:
            return bool((await self.task(task_id))["credits_spent"] == amount)

        await eventually(is_shown, what=f"{task_id}, charged {amount}")

    async def stream(self, *, after: str | None = None) -> AsyncIterator[dict[str, Any]]:
        """Yield what `GET /api/events` sends: id, event and data of each."""
        headers = self.headers | ({"Last-Event-ID": after} if after else {})
        async with self.product.http.stream(
            "GET", "/api/events", headers=headers, timeout=60
        ) as answer:
            assert answer.status_code == 200
            current: dict[str, Any] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if not line and "data" in current:
                    yield current
                    current = {}
                elif name == "data":
                    current["data"] = json.loads(value)
                elif name in ("id", "event"):
                    current[name] = value


def link_token(text: str) -> str:
    """Return the one-time token of the link in a mail."""
    found = re.search(r"[?&]token=([\w.~-]+)", text)
    assert found, text
    return found[1]


@asynccontextmanager
async def running(module: str, folder: Path, **variables: str) -> AsyncIterator[Product]:
    """Start the product as `make up` (embedded) or `make up-distributed` would, and end it."""
    port = str(free_ports(1)[0])
    child = start(module, folder, port, log=None, **variables)
    origin = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(base_url=origin, timeout=30, trust_env=False) as http:
        product = Product(origin, folder, child, http)
        try:
            await _until_it_says_ready(child, folder)
            await product.ready()
            yield product
        finally:
            await product.child.stop(signal.SIGTERM, limit_s=60)


def start(
    module: str, folder: Path, port: str, *, log: Path | None = None, **variables: str
) -> children.Child:
    """Start the product's process; it dies with this one."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "CI")}
    return children.start(
        [sys.executable, "-m", module],
        log=log or folder / "product.log",
        death_signal=signal.SIGTERM,
        cwd=REPOSITORY,
        env={
            **kept,
            "PORT": port,
            "DATA_DIR": str(folder),
            "ADMIN_API_KEY": ADMIN_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "AUTH_BCRYPT_COST": "4",
            "AGENT_RUNNER_RUN_S_MAX": "20",
            "GATEWAY_RATE_FACTOR": "0",  # a test is many customers with one address
            "LOG_LEVEL": "INFO",
            "LOG_FORMAT": "json",
            **variables,
        },
    )


async def _until_it_says_ready(child: children.Child, folder: Path) -> None:
    async def says_so() -> bool:
        assert child.running, child.last_words(lines_max=40)
        return b"ready: http://" in await asyncio.to_thread((folder / "product.log").read_bytes)

    await eventually(says_so, within_s=START_S_MAX, what="the line that says ready")
