"""The forms that settings have: each refuses what the product could not use, in words for whoever set it."""

import socket
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError


def _is_origin(text: str) -> str:
    if not _names_a_site(text):
        message = "must be an origin like https://example.com"
        raise ValueError(message)
    return text


def _names_a_site(text: str) -> bool:
    """Tell whether a text is the origin of a site: a scheme and a host, and nothing after them."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    is_bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and is_bare


def _is_database(text: str) -> str:
    try:
        driver = make_url(text).drivername
    except (ArgumentError, ValueError):
        driver = ""
    if driver != "postgresql+asyncpg":
        message = "must be a URL like postgresql+asyncpg://user:password@host/database"
        raise ValueError(message)
    return text


def _is_host(text: str) -> str:
    try:
        found = socket.getaddrinfo(text, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        found = []
    if not any(_takes(family, address) for family, _, _, _, address in found):
        message = "must be an address of this machine, or a name of one"
        raise ValueError(message)
    return text


def _takes(family: int, address: tuple[object, ...]) -> bool:
    """Tell whether this machine lets us listen there."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.bind(address)
    except OSError:
        return False
    return True


def _are_proxies(text: str) -> str:
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            part == "*" or ip_network(part, strict=False)
        except ValueError:
            message = "must be addresses or networks with commas between, or *"
            raise ValueError(message) from None
    return text


SiteOrigin = Annotated[str, AfterValidator(_is_origin)]
DatabaseUrl = Annotated[str, AfterValidator(_is_database)]
Host = Annotated[str, AfterValidator(_is_host)]
Proxies = Annotated[str, AfterValidator(_are_proxies)]
