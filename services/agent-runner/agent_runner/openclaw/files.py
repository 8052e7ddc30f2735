"""The files that an agent made, brought from the gateway to the runner's disk."""

import asyncio
import itertools
import mimetypes
import re
import unicodedata
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath

import httpx2

from agent_runner.agents import ProducedFile
from agent_runner.openclaw.client import Access, Gateway
from agent_runner.openclaw.limits import Limits
from agent_runner.openclaw.order import Order
from agent_runner.openclaw.protocol import Entry, FileListing, GatewayError, GatewayUnreachable

MEDIA_PATH = "/__openclaw__/assistant-media"
FOLDERS_MAX = 200
NAME_CHARACTERS_MAX = 120
SUFFIX_CHARACTERS_MAX = 20
UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


@dataclass(frozen=True, slots=True)
class Collected:
    """The files that came, and the paths of those beyond the limits."""

    files: tuple[ProducedFile, ...]
    left_out: tuple[str, ...]


class FileCollector:
    """Walks a task's folder over one connection and fetches what is there."""

    def __init__(self, gateway: Gateway, access: Access, order: Order) -> None:
        self._gateway = gateway
        self._access = access
        self._order = order
        self._limits = access.limits

    async def collect(self, scratch: Path) -> Collected:
        """Fetch the files into the scratch folder, as many as the limits allow."""
        chosen, left_out = within(self._limits, await self._walk())
        names = unique_names([entry.path for entry in chosen])
        files = []
        async with _http(self._access) as http:
            for entry, name in zip(chosen, names, strict=True):
                if await self._fetch(http, entry, scratch / name):
                    files.append(_produced(scratch / name))
                else:
                    left_out.append(entry)
        return Collected(tuple(files), tuple(entry.path for entry in left_out))

    async def _walk(self) -> list[Entry]:
        """All files below the task's folder but hidden ones, which tools keep for themselves."""
        folders, files = deque([self._order.folder]), []
        for _ in range(FOLDERS_MAX):
            if not folders:
                break
            params = {"sessionKey": self._order.session_key, "path": folders.popleft()}
            listing = await self._gateway.request("sessions.files.list", params, FileListing)
            for entry in listing.browser.entries:
                if not PurePosixPath(entry.path).name.startswith("."):
                    folders.append(entry.path) if entry.is_folder else files.append(entry)
        return sorted(files, key=lambda entry: entry.path)

    async def _fetch(self, http: httpx2.AsyncClient, entry: Entry, target: Path) -> bool:
        """Whether the file came, and not more of it than was announced."""
        params = {
            "source": entry.path,
            "sessionKey": self._order.session_key,
            "agentId": self._order.agent_id,
        }
        try:
            async with http.stream("GET", MEDIA_PATH, params=params) as response:
                bytes_max = _size(entry, self._limits)
                return _is_there(response) and await _save(response, target, bytes_max)
        except httpx2.TransportError as error:
            raise GatewayUnreachable(str(error)) from error


def within(limits: Limits, entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """The files that may be delivered, in order, and those beyond the limits."""
    chosen: list[Entry] = []
    left_out: list[Entry] = []
    bytes_left = limits.total_bytes_max
    for entry in entries:
        size = _size(entry, limits)
        if len(chosen) < limits.files_max and size <= min(limits.file_bytes_max, bytes_left):
            chosen.append(entry)
            bytes_left -= size
        else:
            left_out.append(entry)
    return chosen, left_out


def unique_names(paths: list[str]) -> list[str]:
    """A safe file name for each path; those that would be the same are numbered."""
    names: list[str] = []
    taken: set[str] = set()
    for path in paths:
        name = plain = safe_name(path)
        numbers = itertools.count(2)
        while name.casefold() in taken:
            name = f"{Path(plain).stem}-{next(numbers)}{Path(plain).suffix}"
        taken.add(name.casefold())
        names.append(name)
    return names


def safe_name(path: str) -> str:
    """The last part of the path as a name that every file system and mail program takes."""
    name = unicodedata.normalize("NFC", PurePosixPath(path).name)
    name = UNSAFE.sub("_", name).strip(" .") or "file"
    suffix = Path(name).suffix[:SUFFIX_CHARACTERS_MAX]
    return Path(name).stem[: NAME_CHARACTERS_MAX - len(suffix)] + suffix


def _size(entry: Entry, limits: Limits) -> int:
    return limits.file_bytes_max if entry.size is None else entry.size


def _is_there(response: httpx2.Response) -> bool:
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise GatewayUnreachable(f"the gateway answers {response.status_code} for a file")
    if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise GatewayError("AUTH_TOKEN_MISMATCH", "the gateway does not let us fetch files")
    return response.status_code == HTTPStatus.OK


async def _save(response: httpx2.Response, target: Path, bytes_max: int) -> bool:
    size = 0
    with await asyncio.to_thread(target.open, "wb") as file:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > bytes_max:
                return False
            await asyncio.to_thread(file.write, chunk)
    return True


def _produced(path: Path) -> ProducedFile:
    media_type, _ = mimetypes.guess_type(path.name)
    return ProducedFile(path.name, path, media_type or "application/octet-stream")


def _http(access: Access) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=access.url.replace("ws", "http", 1),
        headers={"Authorization": f"Bearer {access.token}"},
        timeout=access.limits.answer_s,
        trust_env=False,
    )
