"""The gateway's HTTP API, as commands use it: an answer, or a Failure that says what to do.

with operator_api(url) as api:
    page = api.pages("/api/admin/tasks", "tasks", limit=100, status=["pending"])
"""

import mimetypes
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from impacter import settings
from impacter.failures import Failure, Misuse

Json = dict[str, Any]

TIMEOUT_S = 30
STORING_S_MAX = 300  # a large file is read, checked and stored before the answer
PAGE_SIZE = 200
ID = re.compile(r"[A-Za-z0-9_-]+")
LOOPBACK = ("127.0.0.1", "localhost", "::1")

NOT_FOUND = 404
ELSEWHERE = "Check that the origin is ImpacterAGI's gateway."
HINTS = {
    401: "Set ADMIN_API_KEY to the key that the services run with, or DATA_DIR to the folder whose"
    " secrets.env has it.",
    502: "Try again soon; `impacter admin health` shows what is missing.",
    503: "Try again soon; `impacter admin health` shows what is missing.",
    504: "Try again soon; `impacter admin health` shows what is missing.",
}


@contextmanager
def operator_api(url: str | None) -> Iterator["Api"]:
    """Open the API with the operators' key."""
    origin = settings.origin(url)
    with _client(origin, {"x-admin-key": settings.admin_key()}) as client:
        yield Api(client)


@contextmanager
def public_api(url: str | None) -> Iterator["Api"]:
    """Open the API without a key."""
    with _client(settings.origin(url), {}) as client:
        yield Api(client)


def segment(text: str) -> str:
    """Return an id as a segment of a path; refuse what could be more than one."""
    if not ID.fullmatch(text):
        raise Misuse(f"{text!r} is not an id.")
    return text


class Api:
    """Asks the gateway, and follows the pages of its lists."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        self._origin = str(client.base_url.copy_with(userinfo=b"")).rstrip("/")

    def get(self, path: str, *, also: Collection[int] = (), **parameters: Any) -> Json:
        """Return the answer; those with a status in `also` count as answers too."""
        known = {name: value for name, value in parameters.items() if value is not None}
        return self._answer(self._send("GET", path, params=known), also)

    def text(self, path: str) -> str:
        """Return an answer that is text."""
        response = self._send("GET", path)
        if not response.is_success:
            raise refusal(response.status_code, _json(response) or {})
        return response.text

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Post JSON and return the answer."""
        return self._answer(self._send("POST", path, json=body))

    def put(self, path: str, body: Mapping[str, Any]) -> Json:
        """Put JSON and return the answer."""
        return self._answer(self._send("PUT", path, json=body))

    def post_once(self, path: str, body: Mapping[str, Any]) -> tuple[Json, bool]:
        """Post what the API does once for a key; return its answer, and whether it was done now."""
        response = self._send("POST", path, json=body)
        return self._answer(response), response.status_code == httpx2.codes.CREATED

    def upload(self, path: str, file: Path) -> Json:
        """Post a file as a form's field `file`, read as it is sent."""
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        timeout = httpx2.Timeout(TIMEOUT_S, read=STORING_S_MAX)
        with _opened(file) as content:
            form = {"file": (file.name, content, media_type)}
            return self._answer(self._send("POST", path, files=form, timeout=timeout))

    def pages(self, path: str, key: str, *, limit: int, **filters: Any) -> Json:
        """Return the newest rows of a list, at most so many, in the form of one page."""
        rows: list[Json] = []
        cursor = None
        while len(rows) < limit:
            size = min(PAGE_SIZE, limit - len(rows))
            page = self.get(path, **filters, limit=size, cursor=cursor)
            rows += self._rows(page, key)
            cursor = page.get("next_cursor")
            if cursor is None:
                break
        return {key: rows, "next_cursor": cursor}

    def _rows(self, page: Json, key: str) -> list[Json]:
        rows = page.get(key)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Failure(f"{self._origin} answered without a list of {key}: is it ImpacterAGI?")
        return rows

    def _send(self, method: str, path: str, **content: Any) -> httpx2.Response:
        try:
            return self._client.request(method, path, **content)
        except httpx2.ConnectError as flaw:
            raise Failure(
                f"Cannot reach {self._origin} ({flaw}): start it with `make up`, or name another"
                " origin with --url or SITE_URL."
            ) from None
        except httpx2.RequestError as flaw:
            raise Failure(
                f"{self._origin} did not answer ({str(flaw) or type(flaw).__name__}): what was asked for"
                " may be done or not, so look before you repeat it."
            ) from None

    def _answer(self, response: httpx2.Response, also: Collection[int] = ()) -> Json:
        body = _json(response)
        if response.has_redirect_location:
            location = response.headers["location"]
            raise Failure(f"{self._origin} redirects to {location}: use its origin as --url.")
        if not response.is_success and response.status_code not in also:
            raise refusal(response.status_code, body or {})
        if body is None:
            raise Failure(f"{self._origin} answered without JSON: is it ImpacterAGI's gateway?")
        return body


def refusal(status: int, problem: Json) -> Failure:
    """Return the failure that a problem document tells of."""
    said = str(problem.get("detail") or f"The gateway answered {status} without saying why.")
    fields = "; ".join(_fields(problem.get("errors")))
    is_ours = bool(problem.get("code"))
    hint = "" if is_ours or status != NOT_FOUND else ELSEWHERE
    parts = [said, f"[{problem.get('code') or status}]", fields, HINTS.get(status, hint)]
    return Failure(" ".join(part for part in parts if part), status=status)


def _fields(errors: object) -> Iterator[str]:
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            yield f"{error.get('field')}: {error.get('message')}"


def _json(response: httpx2.Response) -> Json | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _client(origin: httpx2.URL, headers: Mapping[str, str]) -> httpx2.Client:
    # What is on this machine is not behind a proxy, which would be shown the key.
    is_remote = origin.host not in LOOPBACK
    return httpx2.Client(base_url=origin, headers=headers, timeout=TIMEOUT_S, trust_env=is_remote)


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    try:
        content = file.open("rb")
    except OSError as flaw:
        raise Failure(f"Cannot read {file}: {flaw.strerror}.") from None
    with content:
        yield content
