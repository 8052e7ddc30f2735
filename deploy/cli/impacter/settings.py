"""Where the gateway is and which key it wants: from the environment, `.env` and the data folder."""

import os
from collections.abc import Mapping
from pathlib import Path

import httpx2
from dotenv import dotenv_values

from impacter.failures import Failure, Misuse

PORT_END = 65_536


def origin(url: str | None) -> httpx2.URL:
    """Return the gateway's origin: the one given, SITE_URL, or PORT on this machine."""
    known = environment()
    port = known.get("PORT") or "8080"
    if url:
        return _address(url, "give one like https://example.com as --url")
    if known.get("SITE_URL"):
        return _address(known["SITE_URL"], "correct SITE_URL, or give another as --url")
    if not is_port(port):
        raise Misuse(f"{port!r} is not a port: correct PORT, or give an origin as --url.")
    return httpx2.URL(f"http://127.0.0.1:{port}")


def is_port(text: str) -> bool:
    """Tell whether a text is the number of a port."""
    return text.isascii() and text.isdigit() and 0 < int(text) < PORT_END


def admin_key() -> str:
    """Return the operators' key, or say where it was looked for."""
    known = environment()
    file = Path(known.get("DATA_DIR") or "data") / "secrets.env"
    key = known.get("ADMIN_API_KEY") or _values(file, interpolate=False).get("ADMIN_API_KEY") or ""
    if not key:
        raise Failure(
            f"There is no admin key: set ADMIN_API_KEY, or DATA_DIR to the folder whose secrets.env"
            f" has it (looked at {file})."
        )
    if not (key.isascii() and key.isprintable()):
        raise Failure("ADMIN_API_KEY holds characters that no key has: set it anew.")
    return key


def _address(text: str, to_do: str) -> httpx2.URL:
    try:
        address = httpx2.URL(text)
    except httpx2.InvalidURL:
        address = httpx2.URL()
    if address.scheme not in ("http", "https") or not address.host:
        raise Misuse(f"{text!r} is not an origin: {to_do}.")
    return address


def environment() -> Mapping[str, str]:
    """Return the environment, with `.env` below it."""
    return {**_values(Path(".env"), interpolate=True), **os.environ}


def _values(file: Path, *, interpolate: bool) -> dict[str, str]:
    try:
        values = dotenv_values(file, interpolate=interpolate)
    except (OSError, UnicodeDecodeError) as flaw:
        raise Failure(f"Cannot read {file}: {flaw}.") from None
    return {name: value for name, value in values.items() if value is not None}
