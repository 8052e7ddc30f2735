"""The desk: asks every service for its health and its part of the API's document, and joins the answers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import httpx2
from fastapi import FastAPI, Request, Response

from gateway import metrics
from shared import docs, problems
from shared.errors import Unavailable
from shared.health import Live, Ready, ServiceState

ASK_S_MAX = 6
CREDENTIALS = ("authorization", "x-admin-key")
REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Desk:
    """Asks the services, each by its name and base URL."""

    def __init__(self, services: Mapping[str, str], client: httpx2.AsyncClient) -> None:
        self._services = services
        self._client = client

    async def health(self) -> Ready:
        """Return the state of every service; one that does not answer is not ready."""
        states = await asyncio.gather(*(self._state(name) for name in self._services))
        is_ready = all(state.status == "ready" for state in states)
        return Ready(
            status="ready" if is_ready else "not ready",
            services=dict(zip(self._services, states, strict=True)),
        )

    async def document(self) -> dict[str, Any]:
        """Return the OpenAPI document of all services as one; raise Unavailable while one does not answer."""
        parts = await asyncio.gather(*(self._part(name) for name in self._services))
        whole = parts[0]
        for part in parts[1:]:
            whole["paths"] |= part["paths"]
            for kind, entries in part.get("components", {}).items():
                whole.setdefault("components", {}).setdefault(kind, {}).update(entries)
        return whole

    async def metrics(self, credentials: Mapping[str, str]) -> Response:
        """Return the metrics of all services to whom each of them would give its own, or its refusal."""
        pages = await asyncio.gather(*(self._page(name, credentials) for name in self._services))
        for page in pages:
            if page is not None and page.status_code in REFUSALS:
                kind = page.headers["content-type"]
                return Response(page.content, page.status_code, media_type=kind)
        given = [page for page in pages if page is not None and page.is_success]
        if not given:
            message = "No service gives its metrics right now."
            raise Unavailable(message)
        are_up = [page is not None and page.is_success for page in pages]
        presence = metrics.presence(dict(zip(self._services, are_up, strict=True)))
        text = metrics.joined([presence, *(page.text for page in given)])
        return Response(text, media_type=metrics.MEDIA_TYPE)

    async def _page(self, name: str, credentials: Mapping[str, str]) -> httpx2.Response | None:
        try:
            return await self._client.get(f"{self._services[name]}/metrics", headers=credentials)
        except httpx2.HTTPError:
            return None

    async def _state(self, name: str) -> ServiceState:
        try:
            answer = await self._client.get(f"{self._services[name]}/health/ready")
            return Ready.model_validate(answer.json()).services[name]
        except (httpx2.HTTPError, ValueError, KeyError) as flaw:
            silence = f"the service does not answer: {type(flaw).__name__}"
            return ServiceState(status="not ready", dependencies={"process": silence})

    async def _part(self, name: str) -> dict[str, Any]:
        try:
            answer = await self._client.get(f"{self._services[name]}/api/openapi.json")
            part: dict[str, Any] = answer.raise_for_status().json()
        except (httpx2.HTTPError, ValueError) as flaw:
            message = f"{name} does not answer right now."
            raise Unavailable(message) from flaw
        return part


def build_app(services: Mapping[str, str]) -> FastAPI:
    """Return the desk's ASGI app."""
    client = httpx2.AsyncClient(timeout=ASK_S_MAX, trust_env=False)
    desk = Desk(services, client)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with client:
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    problems.install(app)

    @app.get("/health/live")
    async def live() -> Live:
        return Live()

    @app.get("/health/ready")
    async def ready(response: Response) -> Ready:
        answer = await desk.health()
        response.status_code = 200 if answer.status == "ready" else 503
        return answer

    @app.get("/metrics")
    async def read_metrics(request: Request) -> Response:
        given = {name: request.headers[name] for name in CREDENTIALS if name in request.headers}
        return await desk.metrics(given)

    @app.get("/version")
    async def say_version() -> dict[str, str]:
        return {"version": version("impacter-gateway")}

    @app.get("/api/openapi.json")
    async def document() -> dict[str, Any]:
        return await desk.document()

    app.include_router(docs.routes())
    return app
