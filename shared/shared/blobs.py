"""Files: stored by key, given out by links that are signed for a few minutes on each click."""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile
from typing import Annotated, Any, Protocol
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from shared.errors import Forbidden, NotFound

LINK_S = 300
PROBE = "probe"


class Blobs(Protocol):
    """Where files are kept."""

    async def put(self, key: str, path: Path, media_type: str) -> None:
        """Store the file at `path` under the key; storing the same again changes nothing."""
        ...

    async def link(self, key: str, *, name: str, media_type: str) -> str:
        """Return a URL that gives the file out as a download called `name`, for five minutes."""
        ...

    async def check(self) -> None:
        """Return when the store answers; raise what it says otherwise."""
        ...

    async def probe(self) -> None:
        """Write, read and delete a small object; raise what the store says otherwise."""
        ...

    def routes(self) -> APIRouter:
        """Return the routes that this store needs to give files out itself; often none."""
        ...


class FileBlobs:
    """Files in a folder, given out by this process under `/files/` with links signed by us."""

    def __init__(self, root: Path, *, secret: str) -> None:
        self._root = root.resolve()
        self._secret = secret.encode()

    async def put(self, key: str, path: Path, media_type: str) -> None:  # noqa: ARG002 - links carry it
        """Store the file at `path` under the key, in one step."""
        target = self._path(key)

        def store() -> None:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.part")
            copyfile(path, partial)
            partial.replace(target)

        await asyncio.to_thread(store)

    async def link(self, key: str, *, name: str, media_type: str) -> str:
        """Return a path on our own origin, signed for five minutes."""
        expires = int(time.time()) + LINK_S
        signature = self._sign(key, name, media_type, expires)
        query = urlencode(
            {"name": name, "type": media_type, "expires": expires, "signature": signature}
        )
        return f"/files/{quote(key)}?{query}"

    async def check(self) -> None:
        """Return when the folder is there."""
        await asyncio.to_thread(self._root.mkdir, mode=0o700, parents=True, exist_ok=True)

    async def probe(self) -> None:
        """Write, read and delete a small file."""
        await self.check()
        probe = self._path(f".{PROBE}-{secrets.token_hex(8)}")

        def try_it() -> None:
            probe.write_bytes(PROBE.encode())
            try:
                _compare(probe.read_bytes())
            finally:
                probe.unlink()

        await asyncio.to_thread(try_it)

    def routes(self) -> APIRouter:
        """Return the route that gives files out."""
        router = APIRouter(tags=["files"])

        @router.get("/files/{key:path}", operation_id="download_file", include_in_schema=False)
        async def download(
            key: str,
            name: Annotated[str, Query(max_length=255)],
            type: Annotated[str, Query(max_length=100)],  # noqa: A002 - the query's own word
            expires: Annotated[int, Query(ge=0, le=2**40)],
            signature: Annotated[str, Query(max_length=64)],
        ) -> FileResponse:
            expected = self._sign(key, name, type, expires)
            if not hmac.compare_digest(expected.encode(), signature.encode()):
                message = "This link is not valid."
                raise Forbidden(message)
            if expires < time.time():
                message = "This link has expired; open the file from its task again."
                raise Forbidden(message)
            path = self._path(key)
            if not await asyncio.to_thread(path.is_file):
                raise NotFound
            headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}
            return FileResponse(path, media_type=type, filename=name, headers=headers)

        return router

    def _path(self, key: str) -> Path:
        if "\x00" in key:
            raise NotFound
        path = (self._root / key).resolve()
        if not path.is_relative_to(self._root):
            raise NotFound
        return path

    def _sign(self, key: str, name: str, media_type: str, expires: int) -> str:
        text = "\n".join((key, name, media_type, str(expires)))
        return hmac.new(self._secret, text.encode(errors="replace"), hashlib.sha256).hexdigest()


class S3Blobs:
    """Files in an S3 bucket, given out by presigned URLs (Signature Version 4).

    `public_url` is where customers reach the store, if that is not where this process does.
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint_url: str | None,
        region: str | None,
        public_url: str | None = None,
    ) -> None:
        self._bucket = bucket
        self._client = _s3_client(endpoint_url, region)
        self._signer = _s3_client(public_url, region) if public_url else self._client

    async def put(self, key: str, path: Path, media_type: str) -> None:
        """Store the file under the key, in parts when it is large."""
        await asyncio.to_thread(
            self._client.upload_file, str(path), self._bucket, key, {"ContentType": media_type}
        )

    async def link(self, key: str, *, name: str, media_type: str) -> str:
        """Return a URL of the bucket, signed for five minutes."""
        parameters = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "ResponseContentType": media_type,
        }
        return await asyncio.to_thread(
            self._signer.generate_presigned_url, "get_object", parameters, LINK_S
        )

    async def check(self) -> None:
        """Return when the bucket answers."""
        await asyncio.to_thread(self._client.head_bucket, Bucket=self._bucket)

    async def probe(self) -> None:
        """Write, read and delete a small object."""
        place = {"Bucket": self._bucket, "Key": f"{PROBE}/{secrets.token_hex(8)}"}

        def try_it() -> None:
            self._client.put_object(**place, Body=PROBE.encode())
            try:
                _compare(self._client.get_object(**place)["Body"].read())
            finally:
                self._client.delete_object(**place)

        await asyncio.to_thread(try_it)

    def routes(self) -> APIRouter:
        """Return no routes: the bucket gives files out."""
        return APIRouter()


def _s3_client(endpoint_url: str | None, region: str | None) -> Any:
    import boto3  # noqa: PLC0415 - half a second that only this store pays
    from botocore.config import Config  # noqa: PLC0415

    return boto3.Session().client(  # the default session keeps the first credentials that it saw
        "s3",
        endpoint_url=endpoint_url,
        region_name=region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=50,
        ),
    )


def _compare(found: bytes) -> None:
    if found != PROBE.encode():
        message = "what was written is not what is read"
        raise OSError(message)


def _open_file(url: str, secret: str) -> Blobs:
    return FileBlobs(Path(urlsplit(url).path), secret=secret)


def _open_s3(url: str, _: str) -> Blobs:
    parts = urlsplit(url)
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return S3Blobs(
        parts.netloc,
        endpoint_url=options.get("endpoint_url"),
        region=options.get("region"),
        public_url=options.get("public_url"),
    )


STORES: dict[str, Callable[[str, str], Blobs]] = {"file": _open_file, "s3": _open_s3}


def open_blobs(url: str, *, secret: str) -> Blobs:
    """Return the store that the URL's scheme names: `file:///folder` or `s3://bucket?endpoint_url=…`."""
    scheme = url.partition("://")[0]
    if scheme not in STORES:
        message = f"BLOBS_URL: no store is called {scheme!r}; there are {', '.join(STORES)}"
        raise SystemExit(message)
    return STORES[scheme](url, secret)
