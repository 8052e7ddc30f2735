"""Customers' patience: a client that repeats what was not answered, a mailbox, and waiting without haste."""

import asyncio
import email
import email.policy
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import httpx2
from typing_extensions import override

from shared.testing import eventually
from tests.flows.product import Product

PATIENCE_S = 240
PAUSE_S = 0.25
REQUEST_S_MAX = 15
AWAY = {500, 502, 503, 504}


class Patient(httpx2.AsyncBaseTransport):
    """Sends a request again, as it was, while its answer is lost or says that something is away."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self._inner = httpx2.AsyncHTTPTransport()

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    answer = await self._inner.handle_async_request(request)
                    await answer.aread()  # it may be lost after its head
                except httpx2.TransportError as flaw:
                    self.answers[type(flaw).__name__] += 1
                else:
                    self.answers[str(answer.status_code)] += 1
                    if answer.status_code not in AWAY:
                        return answer
                await asyncio.sleep(PAUSE_S)

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def patiently(product: Product, transport: Patient | None = None) -> AsyncIterator[Product]:
    """The same product through a client that repeats what was not answered."""
    client = httpx2.AsyncClient(
        base_url=product.origin, timeout=REQUEST_S_MAX, transport=transport or Patient()
    )
    async with client as http:
        yield Product(product.origin, product.folder, product.child, http, product.admin)


class Mailbox:
    """The mails that the product sent, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, EmailMessage] = {}

    @property
    def names(self) -> set[str]:
        """The names of the files that mails are in."""
        self._read()
        return set(self._known)

    def to(self, address: str) -> list[EmailMessage]:
        """Return the mails to an address."""
        self._read()
        return [mail for mail in self._known.values() if mail["To"] == address]

    def _read(self) -> None:
        for file in self._folder.glob("[!.]*.eml"):
            if file.stem not in self._known:
                mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                assert isinstance(mail, EmailMessage)
                self._known[file.stem] = mail


async def in_time(condition: Callable[[], Awaitable[object]], *, what: str) -> None:
    """Return once the condition holds, asked at a pace that leaves the product its processors."""

    async def paced() -> object:
        await asyncio.sleep(PAUSE_S)
        return await condition()

    await eventually(paced, within_s=PATIENCE_S, what=what)
