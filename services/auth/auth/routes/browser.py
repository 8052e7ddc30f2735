"""Browsers: the cookie that carries the refresh token, the device it is on, and the refusal of other sites' requests."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Cookie, Depends, Request, Response

from auth.schemas import SignedInView
from auth.sessions import Device, SignedIn
from shared.errors import Forbidden
from shared.http import resource

COOKIE: Final = "refresh_token"
PATH: Final = "/api/auth"
AGENT_CHARS_MAX: Final = 400
PORTS: Final = {"http": 80, "https": 443}


class ForeignSite(Forbidden):
    """The request was made by another site's page."""

    code = "cross_site"


class Site:
    """Where browsers see us."""

    def __init__(self, url: str) -> None:
        self._origin = _origin(url)
        self._is_secure = self._origin is not None and self._origin[0] == "https"

    def admit(self, response: Response, signed_in: SignedIn) -> SignedInView:
        """Put the refresh token into the browser's cookie and the rest into the answer."""
        self._set_cookie(response, signed_in.refresh_token, age_s=signed_in.ends_in_s)
        response.headers["Cache-Control"] = "no-store"
        return SignedInView(token=signed_in.token, email=signed_in.email, credits=signed_in.credits)

    def dismiss(self, response: Response) -> None:
        """Take the cookie back."""
        self._set_cookie(response, "", age_s=0)

    def is_ours(self, request: Request) -> bool:
        """Tell whether a request can come from a page of ours, or from no page at all."""
        fetch_site = request.headers.get("sec-fetch-site")
        if fetch_site == "cross-site":
            return False
        origin = request.headers.get("origin")
        # what a browser calls same-origin is, whatever name of ours it was opened by
        return fetch_site == "same-origin" or origin is None or _origin(origin) == self._origin

    def _set_cookie(self, response: Response, value: str, *, age_s: int) -> None:
        response.set_cookie(
            COOKIE,
            value,
            max_age=age_s,
            path=PATH,
            secure=self._is_secure,
            httponly=True,
            samesite="strict",
        )


OurSite = Annotated[Site, resource(Site)]
RefreshCookie = Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)]


async def refuse_foreign(request: Request, site: OurSite) -> None:
    """Refuse a request that another site's page had the browser make, cookie and all."""
    if not site.is_ours(request):
        raise ForeignSite


NotForeign: Final = Depends(refuse_foreign)


class Browser:
    """Who made a request: the device that it came from, and the answer that goes back there."""

    def __init__(self, request: Request, response: Response, site: OurSite) -> None:
        agent = request.headers.get("user-agent", "")[:AGENT_CHARS_MAX] or None
        self.device = Device(agent, request.client.host if request.client else None)
        self._response = response
        self._site = site

    def admit(self, signed_in: SignedIn) -> SignedInView:
        """Give the browser its cookie, and the rest as the answer."""
        return self._site.admit(self._response, signed_in)


TheBrowser = Annotated[Browser, Depends()]


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port, or None for what has none, like a sandboxed page's `null`."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None:
        return None
    return parts.scheme, parts.hostname, port
