"""The product behind each of the two: what a test asks, and from where."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from distributed import nginx
from distributed.settings import NginxSettings
from embedded.defaults import SERVICES
from embedded.ports import free_ports
from gateway.front import Front
from gateway.limits import Limits
from gateway.pages import read
from shared.testing import eventually
from tests.security.product import Product, no_cookies, running
from tests.servers import PostgresServer, need_nginx

INDEX = "<!doctype html><title>The pages</title>"
SCRIPT = "console.log('the pages');\n" * 40
HASHED = "/assets/index-1a2b3c4d.js"
UNTIL_CLOSED_S_MAX = 60
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the product answers, and the product behind it."""

    url: str
    product: Product

    def client(self, address: str | None = None, **headers: str) -> httpx2.AsyncClient:
        """A client with a network address of its own, as the trusted proxy before us tells."""
        address = address or f"198.18.{next(_numbers)}.1"
        return httpx2.AsyncClient(
            base_url=self.url,
            headers={"x-forwarded-for": address, **headers},
            cookies=no_cookies(),
            timeout=30,
            trust_env=False,
            verify=False,
        )

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection for bytes that are no client's."""
        at = urlsplit(self.url)
        return await asyncio.open_connection(at.hostname, at.port)

    async def exchange(self, request: bytes) -> bytes:
        """Send bytes, and return all that comes back until the connection is closed."""
        reader, writer = await self.connect()
        try:
            writer.write(request)
            await writer.drain()
            return await asyncio.wait_for(reader.read(), UNTIL_CLOSED_S_MAX)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


def build_pages(folder: Path) -> Path:
    """Write what a build of the pages looks like."""
    (folder / "assets").mkdir(parents=True)
    (folder / ".vite").mkdir()
    (folder / "index.html").write_text(INDEX)
    (folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "site.webmanifest").write_text("{}")
    (folder / ".vite" / "manifest.json").write_text("{}")
    (folder / HASHED[1:]).write_text(SCRIPT)
    (folder / f"{HASHED[1:]}.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    return folder


@asynccontextmanager
async def embedded(postgres: PostgresServer, folder: Path) -> AsyncIterator[Origin]:
    """The services with what stands before them in the embedded process."""
    front = partial(Front, pages=read(build_pages(folder / "web")), limits=Limits())
    async with running(postgres, folder, front=front) as product:
        yield Origin(product.origin, product)


@asynccontextmanager
async def behind_nginx(postgres: PostgresServer, folder: Path) -> AsyncIterator[Origin]:
    """The services behind nginx, which believes this machine about its clients."""
    need_nginx()
    pages = build_pages(folder / "web")
    async with running(postgres, folder) as product:
        told = {"WEB_DIST": str(pages), "GATEWAY_TRUSTED_PROXIES": "127.0.0.1"}
        place = urlsplit(product.origin).netloc
        async with serving_nginx(folder, place, told) as url:
            yield Origin(url, product)


@asynccontextmanager
async def serving_nginx(
    folder: Path, place: str, told: Mapping[str, str], *, scheme: str = "http"
) -> AsyncIterator[str]:
    """Run nginx, told these variables, before services that all answer at one place."""
    [port] = free_ports(1)
    upstreams = dict.fromkeys((*SERVICES, "desk"), place)
    settings = NginxSettings.model_validate(dict(told))
    child = nginx.start(folder / f"nginx-{port}", f"127.0.0.1:{port}", upstreams, {}, settings)

    async def listens() -> bool:
        assert child.running, child.last_words()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        await eventually(listens, what="nginx")
        yield f"{scheme}://127.0.0.1:{port}"
    finally:
        await child.stop(nginx.signal.SIGTERM, limit_s=20)
