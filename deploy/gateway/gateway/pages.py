"""The built pages, from memory: their files, and `index.html` for every path that is a page's."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from shared.problems import document

INDEX: Final = "/index.html"
OURS: Final = re.compile(r"/(api|dev|emulator|files|health|metrics|version|\.well-known)(/|$)")
A_FILE: Final = re.compile(r"\.[^/]*$")
HASHED: Final = "/assets/"
IMMUTABLE: Final = "public, max-age=31536000, immutable"

# As nginx.conf has them.
TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


class PagesMissing(RuntimeError):
    """There are no pages in a folder; the text says what builds them."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the build: as it is, compressed where that is worth it, and what it is called by caches."""

    content: bytes
    compressed: bytes | None
    media_type: str
    etag: str


class Pages:
    """Answers for every path that is not the product's own."""

    def __init__(self, files: Mapping[str, File]) -> None:
        self._files = files

    def answer(self, scope: Scope) -> Response | None:
        """Return the answer to a request for a page or a file of one; None where another has to answer."""
        path = scope["path"]
        if OURS.match(path):
            return None
        if path not in self._files and A_FILE.search(path):
            return document(404, "not_found", "Not Found")
        if scope["method"] not in ("GET", "HEAD"):
            headers = {"Allow": "GET, HEAD"}
            return document(405, "method_not_allowed", "Method Not Allowed", headers=headers)
        return _response(scope, path if path in self._files else INDEX, self._files)


def read(folder: Path) -> Pages:
    """Read what was built; raise PagesMissing."""
    if not (folder / INDEX[1:]).is_file():
        message = f"there are no pages in {folder}: `make web` builds them"
        raise PagesMissing(message)
    files = [file for file in sorted(folder.rglob("*")) if _is_served(file, folder)]
    return Pages({f"/{file.relative_to(folder).as_posix()}": _file(file) for file in files})


def _is_served(file: Path, folder: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.is_file() and file.suffix in TYPES and not is_hidden


def _file(path: Path) -> File:
    content = path.read_bytes()
    beside = path.with_name(f"{path.name}.gz")
    return File(
        content=content,
        compressed=beside.read_bytes() if beside.exists() else None,
        media_type=TYPES[path.suffix],
        etag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    )


def _response(scope: Scope, path: str, files: Mapping[str, File]) -> Response:
    file, asked = files[path], Request(scope).headers
    headers = {
        "Cache-Control": IMMUTABLE if path.startswith(HASHED) else "no-cache",
        "ETag": file.etag,
        "Vary": "Accept-Encoding",
    }
    if file.etag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if file.compressed is not None and "gzip" in asked.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(file.compressed, headers=headers, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)
