"""The S3 server for developers gives a file out to nobody whom the key did not send."""

import threading
from urllib.parse import urlsplit

import httpx2
import pytest
from werkzeug.serving import make_server

from development.s3 import build_app
from shared.blobs import open_blobs

KEYS = {"developer": "a secret"}
NOBODY = "AWS4-HMAC-SHA256 Credential=nobody/20000101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none"


@pytest.fixture(scope="module")
def server():
    server = make_server("127.0.0.1", 0, build_app("results", KEYS), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def http():
    with httpx2.Client(trust_env=False) as client:
        yield client


@pytest.fixture
async def link(server, tmp_path, monkeypatch):
    """The link of a file in the store, which customers reach under another name than we do."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "developer")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["developer"])
    public = server.replace("127.0.0.1", "localhost")
    url = f"s3://results?region=us-east-1&endpoint_url={server}&public_url={public}"
    blobs = open_blobs(url, secret="unused")
    await blobs.check()
    (tmp_path / "file").write_bytes(b"found")
    await blobs.put("task 1/leads.csv", tmp_path / "file", "text/csv")
    return await blobs.link("task 1/leads.csv", name="Übersicht & mehr.csv", media_type="text/csv")


async def test_a_link_works_where_customers_are(http, link):
    answer = http.get(link)

    assert urlsplit(link).hostname == "localhost"
    assert (answer.status_code, answer.content) == (200, b"found")
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("leads.csv", "other.csv"),
        ("X-Amz-Expires=300", "X-Amz-Expires=301"),
        ("X-Amz-Expires=300", "X-Amz-Expires=700000"),
        ("X-Amz-Expires=300", "X-Amz-Expires=soon"),
        ("X-Amz-Date=20", "X-Amz-Date=19"),
        ("Credential=developer", "Credential=nobody"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("localhost", "127.0.0.1"),
        ("response-content-type=text%2Fcsv", "response-content-type=text%2Fhtml"),
    ],
)
async def test_a_changed_link_is_refused(http, link, old, new):
    assert old in link

    assert http.get(link.replace(old, new)).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Authorization": NOBODY}])
@pytest.mark.parametrize("path", ["/results", "/results/task%201/leads.csv"])
async def test_without_a_signature_nothing_is_given_out(http, server, link, path, headers):
    assert http.get(server + path, headers=headers).status_code == 403


async def test_it_says_that_it_is_ready(http, server):
    assert http.get(f"{server}/health/ready").status_code == 200
