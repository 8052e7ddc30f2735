"""The whole product in this process: its five services as one ASGI app behind a real server, on a memory bus."""

import asyncio
import email
import email.policy
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import text
from typing_extensions import override

from embedded.defaults import DATABASES, mail_folder, stripe_folder, variables
from embedded.emulator.service import Emulator, at_site
from embedded.product import BUILDERS
from shared.bus_memory import MemoryBus
from shared.events import Message
from shared.patience import PatientProtocol
from shared.run import Front, bare, build_app
from shared.service import Service
from shared.testing import ADMIN_KEY, eventually
from tests.architecture.variables import known
from tests.servers import PostgresServer
from tests.stripe_events import WEBHOOK_SECRET

OPERATOR = {"x-admin-key": ADMIN_KEY}
# As through a proxy: too many wrong passwords from elsewhere do not keep these clients out.
OWN_NETWORK = {"x-forwarded-for": "198.51.100.1"}
PASSWORD = "correct horse battery staple"
Json = dict[str, Any]


class RecordingBus(MemoryBus):
    """A memory bus that remembers what went over it."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[Message] = []

    @override
    async def publish(self, messages: Sequence[Message]) -> None:
        self.published += messages
        await super().publish(messages)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody signed in."""

    id: str
    address: str
    headers: Mapping[str, str]

    @property
    def token(self) -> str:
        return self.headers["Authorization"].removeprefix("Bearer ")

    @property
    def uuid(self) -> UUID:
        return UUID(hex=self.id.removeprefix("usr_"))


@dataclass(frozen=True, slots=True, repr=False)
class Product:
    """The running product: where it answers, a client, and its services to look into."""

    origin: str
    folder: Path
    http: httpx2.AsyncClient
    services: Mapping[str, Service]
    secrets: Mapping[str, str]
    bus: RecordingBus

    async def sign_up(self, *, password: str = PASSWORD) -> Person:
        """Open an account for somebody new."""
        address = f"{uuid4().hex}@example.com"
        body = {"email": address, "password": password}
        answer = await self.http.post("/api/auth/signup", json=body)
        assert answer.status_code == 201, answer.text
        headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        user = (await self.http.get("/api/user", headers=headers)).json()
        return Person(user["id"], address, headers)

    async def funded(self, amount: int) -> Person:
        """Open an account for somebody new, with credits that tasks has heard of."""
        person = await self.sign_up()
        await self.grant(person, amount)
        return person

    async def grant(self, person: Person, amount: int) -> None:
        """Give somebody their first credits."""
        body = {"user_id": person.id, "amount": amount, "reason": "test"}
        answer = await self.http.post(
            "/api/credits/grant", json={**body, "idempotency_key": uuid4().hex}, headers=OPERATOR
        )
        assert answer.status_code == 201, answer.text
        hint = "SELECT 1 FROM balance_hints WHERE user_id = :user_id AND available = :amount"

        async def is_known() -> bool:
            return bool(await self.rows("tasks", hint, user_id=person.uuid, amount=amount))

        await eventually(is_known, what="the granted credits")

    async def ask(self, person: Person, description: str = "Write a haiku") -> str:
        """Ask for work; return the task's id."""
        answer = await self.http.post(
            "/api/tasks", json={"description": description}, headers=person.headers
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["task_id"])

    async def task_is(self, person: Person, task_id: str, *statuses: str) -> Json:
        """Return the task once it has one of these statuses."""
        task: Json = {}

        async def has_it() -> bool:
            answer = await self.http.get(f"/api/tasks/{task_id}", headers=person.headers)
            task.update(answer.json())
            return task["status"] in statuses

        await eventually(has_it, what=f"{task_id} {statuses}")
        return task

    async def rows(self, service: str, statement: str, **values: Any) -> list[Any]:
        """Return what a statement finds in a service's database."""
        async with self.services[service].database.transaction() as tx:
            return list(await tx.execute(text(statement), values))

    async def mail(self, address: str, subject: str) -> str:
        """Return the text of the mail with this subject, once it has arrived."""
        found: list[str] = []

        async def arrived() -> bool:
            found.extend(self._mails(address, subject))
            return bool(found)

        await eventually(arrived, what=f"the mail {subject!r}")
        return found[0]

    def _mails(self, address: str, subject: str) -> Iterator[str]:
        for file in sorted(mail_folder(self.folder).glob("*.eml")):
            mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            if address in mail["To"] and subject in mail["Subject"]:
                body = mail.get_body(("plain",))
                assert body is not None
                yield str(body.get_content())


@asynccontextmanager
async def running(
    postgres: PostgresServer, folder: Path, *, front: Front = bare
) -> AsyncIterator[Product]:
    """Serve the product on a port of this machine, on fresh databases, behind what a process puts before it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else 40 ms an answer
        settings = await settings_of(postgres, folder, port=listener.getsockname()[1])
        services, bus = built(settings), RecordingBus()
        origin = settings["SITE_URL"]
        async with (
            _emulator(settings, folder).running() as emulator,
            _served(build_app(services, bus, front=front), listener, emulator),
            httpx2.AsyncClient(
                base_url=origin,
                timeout=30,
                trust_env=False,
                headers=OWN_NETWORK,
                cookies=no_cookies(),
            ) as http,
        ):
            by_name = {service.name: service for service in services}
            yield Product(origin, folder, http, by_name, settings, bus)


def no_cookies() -> CookieJar:
    """Return a jar that stays empty: one client speaks for many people."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


async def settings_of(postgres: PostgresServer, folder: Path, *, port: int) -> dict[str, str]:
    """Return the variables of a product on fresh databases."""
    databases = {name: await postgres.create_database() for name in DATABASES}
    return {
        **variables(folder, str(port), databases),
        "ADMIN_API_KEY": ADMIN_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "AUTH_BCRYPT_COST": "4",
    }


def built(settings: Mapping[str, str]) -> list[Service]:
    """Return the services that these variables make, and nothing of this machine's."""
    with pytest.MonkeyPatch.context() as patch:
        for name in known():
            patch.delenv(name, raising=False)
        for name, value in settings.items():
            patch.setenv(name, value)
        return [build() for build in BUILDERS]


def _emulator(settings: Mapping[str, str], folder: Path) -> Emulator:
    place = at_site(
        settings["SITE_URL"],
        stripe_folder(folder),
        secret_key=settings["STRIPE_SECRET_KEY"],
        webhook_secrets=settings["STRIPE_WEBHOOK_SECRET"],
    )
    return Emulator(place)


@asynccontextmanager
async def _served(app: FastAPI, listener: socket.socket, emulator: Emulator) -> AsyncIterator[None]:
    app.include_router(emulator.router())
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips="127.0.0.1",
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))

    async def has_started() -> bool:
        return server.started or serving.done()

    await eventually(has_started, what="the server")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """uvicorn that leaves the signals of its process alone."""

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
