"""What browsers are told beside every answer, unless the answer itself says otherwise; `headers.conf` tells nginx."""

from collections.abc import Iterator
from typing import Final

from starlette.types import Message, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ALWAYS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    ),
)
OVER_TLS: Final = (b"strict-transport-security", b"max-age=31536000")
NEVER_KEPT: Final = (b"cache-control", b"no-store")


def securing(scope: Scope, send: Send) -> Send:
    """Return a `send` that adds what an answer does not say itself."""

    async def send_secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = message.get("headers", [])
            names = {name.lower() for name, _ in said}
            more = [header for header in _usual(scope) if header[0] not in names]
            message = {**message, "headers": [*said, *more]}
        await send(message)

    return send_secured


def _usual(scope: Scope) -> Iterator[tuple[bytes, bytes]]:
    yield from ALWAYS
    if scope["scheme"] == "https":
        yield OVER_TLS
    if scope["path"].startswith("/api/"):
        yield NEVER_KEPT
