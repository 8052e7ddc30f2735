"""Runs the desk."""

import uvicorn

from gateway.app import build_app
from gateway.settings import GatewaySettings
from shared.settings import load

settings = load(GatewaySettings)
uvicorn.run(
    build_app(settings.services),
    host=settings.host,
    port=settings.port,
    log_level="warning",
    access_log=False,
    server_header=False,
)
