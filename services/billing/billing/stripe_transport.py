"""How Stripe's library reaches the network: over the HTTP client that the product uses everywhere."""

import asyncio
import ssl
from collections.abc import Awaitable, Mapping
from typing import Any

import httpx2
import stripe
from typing_extensions import override

ANSWER_S_MAX = 10
CONNECT_S_MAX = 5


class Transport(stripe.HTTPClient):
    """Requests over httpx2, asynchronous ones alone; its connections are made at the first of them."""

    name = "httpx2"

    def __init__(self) -> None:
        super().__init__()
        self._client: httpx2.AsyncClient | None = None

    @override
    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            answer = await self._connected().request(
                method, url, headers=dict(headers), content=post_data
            )
        except httpx2.HTTPError as flaw:
            reason = f"no answer: {type(flaw).__name__}"
            raise stripe.APIConnectionError(reason, should_retry=True) from flaw  # type: ignore[no-untyped-call]
        return answer.content, answer.status_code, answer.headers

    @override
    def sleep_async(self, secs: float) -> Awaitable[None]:
        return asyncio.sleep(secs)

    @override
    async def close_async(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _connected(self) -> httpx2.AsyncClient:
        if self._client is None:
            trusted = ssl.create_default_context(cafile=stripe.ca_bundle_path)
            timeout = httpx2.Timeout(ANSWER_S_MAX, connect=CONNECT_S_MAX)
            self._client = httpx2.AsyncClient(verify=trusted, timeout=timeout)
        return self._client
