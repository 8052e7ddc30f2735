"""Pages: templates, what a browser may do with them, and which of its requests may change something."""

import secrets
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from embedded.emulator.money import shown
from shared.errors import Forbidden

POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'self'{targets}; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
OURS = ("same-origin", "none")

PAGES = Environment(
    loader=PackageLoader("embedded.emulator", "pages"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(
    template: str, *, status: int = 200, leads_to: str | None = None, **values: Any
) -> HTMLResponse:
    """Return a page; its forms may lead to our own origin and to the one that is named."""
    nonce = secrets.token_urlsafe(16)
    text = PAGES.get_template(template).render(nonce=nonce, **values)
    policy = POLICY.format(nonce=nonce, targets=_origin(leads_to))
    return HTMLResponse(text, status, headers={**HEADERS, "Content-Security-Policy": policy})


def go(url: str) -> RedirectResponse:
    """Lead a browser on after a form."""
    return RedirectResponse(url, 303, headers={"Cache-Control": "no-store"})


class Guard:
    """Refuses forms that another site's page sends; what is no browser has neither header, and is let through."""

    def __init__(self, origin: str) -> None:
        self._origin = origin

    async def __call__(self, request: Request) -> None:
        """Let a request pass, or refuse it."""
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        if (
            request.method == "GET"
            or site in OURS
            or (site is None and self._is_ours(request, origin))
        ):
            return
        message = "This form was sent by another site."
        raise Forbidden(message)

    def _is_ours(self, request: Request, origin: str | None) -> bool:
        if origin is None:
            return True
        return origin == self._origin or urlsplit(origin).netloc == request.headers.get("host")


def _origin(url: str | None) -> str:
    if url is None:
        return ""
    parts = urlsplit(url)
    return f" {parts.scheme}://{parts.netloc}"


def _money(amount: int | None, currency: str) -> str:
    return shown(amount or 0, currency)


def _day(moment: int | None) -> str:
    if moment is None:
        return "-"
    return datetime.fromtimestamp(moment, UTC).strftime("%-d %b %Y")


def _time(moment: float | None) -> str:
    if moment is None:
        return "-"
    return datetime.fromtimestamp(moment, UTC).strftime("%-d %b %Y, %H:%M:%S")


def _short(text: str) -> str:
    """Return an id that still can be told from others, in little room."""
    head, _, tail = text.rpartition("_")
    return f"{head}_…{tail[-6:]}" if len(tail) > 8 else text  # noqa: PLR2004


def _words(text: str | None) -> str:
    return (text or "").replace("_", " ")


PAGES.filters |= {"money": _money, "day": _day, "time": _time, "short": _short, "words": _words}
