"""The emulated Stripe as a process of its own.

python -m embedded.emulator
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from embedded.emulator.service import Emulator, at_site
from embedded.settings import EmulatorSettings
from shared import logs, problems
from shared.health import Live
from shared.settings import load


def build_app(settings: EmulatorSettings) -> FastAPI:
    """Return the app; while it is served, webhooks are delivered and what comes due is done."""
    place = at_site(
        settings.site_url,
        settings.data_dir,
        secret_key=settings.stripe_secret_key.get_secret_value(),
        webhook_secrets=settings.stripe_webhook_secret.get_secret_value(),
        webhook_url=settings.emulator_webhook_url,
    )
    emulator = Emulator(place)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with emulator.running():
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    problems.install(app)
    app.include_router(emulator.router())

    @app.get("/health/ready")
    async def ready() -> Live:
        return Live()

    return app


if __name__ == "__main__":
    settings = load(EmulatorSettings)
    logs.configure(level="WARNING", is_json=True)
    uvicorn.run(
        build_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
    )
