"""Auth under test: browsers with an address of their own, guests who pay, mails that are opened, a moving clock."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx2
import jwt
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from jwt.algorithms import OKPAlgorithm
from sqlalchemy import select

from auth.digests import digest
from auth.models import SigningKey
from auth.service import build
from auth.settings import AuthSettings
from shared.bus_memory import MemoryBus
from shared.clock import Ids
from shared.contracts.payments import PaymentCompleted
from shared.contracts.users import UserRegistered
from shared.events import Event
from shared.run import build_app
from shared.sealing import Seal
from shared.testing import ADMIN_KEY, ServiceUnderTest

SITE = "https://impacter.example.com"
SEALING_KEY = Fernet.generate_key().decode()
PEPPER = "a pepper of the tests"
PASSWORD = "correct horse battery"
OTHER_PASSWORD = "staple battery horse"
IDS = Ids()

EventT = TypeVar("EventT", bound=Event)


class MovingClock:
    """The time, which a test moves on."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, **duration: float) -> None:
        self.offset += timedelta(**duration)


def settings(database_url: str, **others: Any) -> AuthSettings:
    return AuthSettings(
        **{
            "site_url": SITE,
            "jwks_url": f"{SITE}/.well-known/jwks.json",
            "admin_api_key": ADMIN_KEY,
            "database_url": database_url,
            "password_pepper": PEPPER,
            "bcrypt_cost": 4,
            "link_sealing_key": SEALING_KEY,
            **others,
        }
    )


class World:
    """One test's view of auth: nobody else has its addresses."""

    def __init__(
        self, auth: ServiceUnderTest, clock: MovingClock, app: FastAPI | None = None
    ) -> None:
        self.auth = auth
        self.database = auth.database
        self.clock = clock
        self._seal = Seal(SEALING_KEY)
        self._name = IDS.secret()[:12]
        self._app = app or build_app([auth.service], MemoryBus())

    def browser(self, host: str | None = None, **headers: str) -> httpx2.AsyncClient:
        """A client with its own cookies, from a network address of its own."""
        chance = IDS.secret()
        client = (host or f"2001:db8:{chance[:4]}:{chance[4:8]}::1", 40_000)
        transport = httpx2.ASGITransport(app=self._app, raise_app_exceptions=False, client=client)
        return httpx2.AsyncClient(transport=transport, base_url=SITE, headers=headers)

    def replica(self) -> None:
        """From now on, browsers meet another process with the same database."""
        service = build(settings(self.database.url), clock=self.clock)
        self._app = build_app([service], MemoryBus())

    def address(self, name: str = "ann") -> str:
        return f"{name}.{self._name}@example.com"

    async def sign_up(self, name: str = "ann", password: str = PASSWORD) -> httpx2.AsyncClient:
        """A browser that is signed in to a new account."""
        browser = self.browser()
        body = {"email": self.address(name), "password": password}
        use(browser, await browser.post("/api/auth/signup", json=body))
        return browser

    async def log_in(
        self,
        name: str = "ann",
        password: str = PASSWORD,
        *,
        browser: httpx2.AsyncClient | None = None,
    ) -> httpx2.Response:
        body = {"email": self.address(name), "password": password}
        return await (browser or self.browser()).post("/api/auth/login", json=body)

    async def verified(self, name: str = "ann") -> httpx2.AsyncClient:
        """A browser that is signed in to a new account whose address is proven."""
        browser = await self.sign_up(name)
        token = await self.mailed(UserRegistered, name)
        answer = await browser.post("/api/auth/email/verify", json={"token": token})
        assert answer.status_code == 200, answer.text
        return browser

    async def pay(
        self, name: str = "ann", *, times: int = 1, **fields: Any
    ) -> tuple[str, PaymentCompleted]:
        """Have a guest's payment arrive; return its Checkout Session's id and the event."""
        session_id, payment = self.payment(name, **fields)
        await self.auth.deliver(payment, times=times)
        return session_id, payment

    def payment(self, name: str = "ann", **fields: Any) -> tuple[str, PaymentCompleted]:
        session_id = f"cs_test_{IDS.secret()}"
        usual = {
            "payment_id": IDS.new(),
            "email": self.address(name),
            "claim_key_hash": digest(session_id),
            "amount_cents": 1000,
            "currency": "usd",
            "credits": 1000,
        }
        return session_id, PaymentCompleted(**{**usual, **fields})

    async def claim(
        self,
        *,
        password: str = PASSWORD,
        browser: httpx2.AsyncClient | None = None,
        **key: str,
    ) -> httpx2.Response:
        body = {**key, "password": password}
        return await (browser or self.browser()).post("/api/auth/claim", json=body)

    async def published(self, kind: type[EventT], name: str = "ann") -> list[EventT]:
        """The events of a kind about one address."""
        user_id = await self.user_id(name)
        return [event for event in await self.auth.published(kind) if event.user_id == user_id]

    async def mailed(self, kind: type[Event], name: str = "ann") -> str:
        """The token in the newest mail of a kind to an address."""
        events: Sequence[Any] = await self.published(kind, name)
        assert events, f"no {kind.name} for {name}"
        return self._seal.open(events[-1].sealed_token)

    async def user_id(self, name: str = "ann") -> UUID | None:
        user = await self.user(name)
        return None if user is None else UUID(hex=user["id"].removeprefix("usr_"))

    async def user(self, name: str = "ann") -> dict[str, Any] | None:
        """What an operator sees of the account of an address."""
        users = await self.users(self.address(name))
        return users[0] if users else None

    async def users(self, email: str) -> list[dict[str, Any]]:
        answer = await self.browser().get(
            "/api/admin/users", params={"email": email}, headers={"x-admin-key": ADMIN_KEY}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["users"]


def use(browser: httpx2.AsyncClient, answer: httpx2.Response) -> httpx2.Response:
    """Have a browser send the access token it was given."""
    assert answer.status_code in (200, 201), answer.text
    browser.headers["authorization"] = f"Bearer {answer.json()['token']}"
    return answer


async def at_once(*calls: Awaitable[httpx2.Response]) -> list[httpx2.Response]:
    return list(await asyncio.gather(*calls))


def statuses(answers: Sequence[httpx2.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def claims(answer: httpx2.Response) -> dict[str, Any]:
    """What an access token says, unverified."""
    return jwt.decode(answer.json()["token"], options={"verify_signature": False})


async def key_set(world: World) -> dict[str, Any]:
    answer = await world.browser().get("/.well-known/jwks.json")
    assert answer.status_code == 200
    return answer.json()


async def private_key(world: World) -> tuple[str, Ed25519PrivateKey]:
    """Auth's own signing key, as only whoever holds the sealing key can have it."""
    await key_set(world)
    async with world.database.transaction() as tx:
        newest = select(SigningKey).order_by(SigningKey.generation.desc())
        key = await tx.scalar(newest)
    pem = Seal(SEALING_KEY).open(key.sealed_private_pem)
    return key.kid, OKPAlgorithm().prepare_key(pem)
