"""An S3 server for developers: moto, made to check signed links. Its files live as long as its process.

python -m development.s3
"""

import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlsplit

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
from werkzeug.test import Client

from development.settings import StoreSettings
from shared.settings import load

Environ = dict[str, Any]
DAYS_MAX = timedelta(days=7)
READY = "/health/ready"


class Answer(Protocol):
    """WSGI's start_response."""

    def __call__(self, status: str, headers: list[tuple[str, str]], /) -> Any: ...


App = Callable[[Environ, Answer], Iterable[bytes]]


class Refused(Exception):
    """S3's code for why a link does not count."""


def build_app(bucket: str, keys: Mapping[str, str]) -> App:
    """Return the server with an empty bucket; `keys` are secrets by the id that signs with them."""
    store: App = DomainDispatcherApplication(create_backend_app)
    made = Client(store).put(f"/{bucket}", headers={"Authorization": _some_authorization(keys)})
    assert made.status_code == HTTPStatus.OK, made.text

    def answer(environ: Environ, start: Answer) -> Iterable[bytes]:
        if environ["PATH_INFO"] == READY:
            start("200 OK", [("Content-Type", "application/json")])
            return [b"{}"]
        try:
            check(environ, keys)
        except Refused as reason:
            start("403 Forbidden", [("Content-Type", "application/xml")])
            return [f"<Error><Code>{reason}</Code></Error>".encode()]
        return store(environ, start)

    return answer


def check(environ: Environ, keys: Mapping[str, str]) -> None:
    """Raise Refused unless a key signed the query, and it is valid now; moto itself lets everything pass.

    Of a signature in a header only the key's name is looked at: the gateway lets none through.
    """
    query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    if any(f"Credential={key_id}/" in environ.get("HTTP_AUTHORIZATION", "") for key_id in keys):
        return
    if "X-Amz-Signature" not in query:
        raise Refused("AccessDenied")
    try:
        signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        valid_for = timedelta(seconds=int(query["X-Amz-Expires"]))
        expected = _signature(environ, query, keys)
    except (KeyError, ValueError) as flaw:
        raise Refused("AuthorizationQueryParametersError") from flaw
    if valid_for > DAYS_MAX:
        raise Refused("AuthorizationQueryParametersError")
    if datetime.now(UTC) > signed_at + valid_for:
        raise Refused("AccessDenied")
    if not hmac.compare_digest(expected, query["X-Amz-Signature"]):
        raise Refused("SignatureDoesNotMatch")


def _signature(environ: Environ, query: Mapping[str, str], keys: Mapping[str, str]) -> str:
    key_id, _, region, service, _ = query["X-Amz-Credential"].split("/")
    signer = S3SigV4QueryAuth(
        Credentials(key_id, keys[key_id]), service, region, expires=int(query["X-Amz-Expires"])
    )
    unsigned = "&".join(
        pair
        for pair in environ["QUERY_STRING"].split("&")
        if not pair.startswith("X-Amz-Signature=")
    )
    raw = environ.get("RAW_URI") or quote(environ["PATH_INFO"].encode("latin1"))
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=f"http://{environ['HTTP_HOST']}{raw.partition('?')[0]}?{unsigned}",
        headers={"host": environ["HTTP_HOST"]},
    )
    request.context["timestamp"] = query["X-Amz-Date"]
    request.context["payload_signing_enabled"] = False
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))


def _some_authorization(keys: Mapping[str, str]) -> str:
    """Return what satisfies moto, which reads who asks and where, and checks nothing."""
    scope = f"{next(iter(keys))}/20000101/us-east-1/s3/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"


if __name__ == "__main__":
    settings = load(StoreSettings)
    app = build_app(
        urlsplit(settings.blobs_url).netloc, {settings.key_id: settings.key.get_secret_value()}
    )
    run_simple(settings.host, settings.port, app, threaded=True)
