"""Files: the same store over a folder and over S3, given out only by a signed link that ends."""

from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import boto3
import httpx2
import pytest
from fastapi import FastAPI
from moto.server import ThreadedMotoServer

from shared import blobs as blobs_module
from shared import problems
from shared.blobs import FileBlobs, open_blobs

SECRET = "a secret of a test"


@pytest.fixture(scope="module")
def s3():
    """An S3 server of our own on loopback, with a bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(
            Bucket="results"
        )
        yield f"s3://results?endpoint_url={endpoint}&region=us-east-1"
    server.stop()


@pytest.fixture(params=["file", "s3"])
def store(request, tmp_path):
    url = f"file://{tmp_path}" if request.param == "file" else request.getfixturevalue("s3")
    return open_blobs(url, secret=SECRET)


def client_of(store):
    """A client of the store's own routes, or of the world where it has none."""
    app = FastAPI()
    problems.install(app)
    app.include_router(store.routes())
    transport = httpx2.ASGITransport(app=app) if isinstance(store, FileBlobs) else None
    return httpx2.AsyncClient(transport=transport, base_url="http://test", trust_env=False)


@pytest.fixture
async def client(store):
    async with client_of(store) as opened:
        yield opened


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "made by an agent"
    path.write_bytes(b"name,mail\n" * 1000)
    return path


async def put(store, file, name="leads.csv", media_type="text/csv"):
    key = f"results/task_1/1/{uuid4().hex}"
    await store.put(key, file, media_type)
    return await store.link(key, name=name, media_type=media_type)


async def test_a_link_gives_the_file_out_as_a_download(store, client, file):
    answer = await client.get(await put(store, file, "Übersicht & mehr.csv"))

    assert answer.content == file.read_bytes()
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "bersicht" in answer.headers["content-disposition"]


async def test_storing_the_same_again_changes_nothing(store, client, file):
    for _ in range(2):
        await store.put("results/same", file, "text/csv")

    answer = await client.get(await store.link("results/same", name="a", media_type="text/csv"))

    assert answer.content == file.read_bytes()


async def test_a_store_that_is_there_says_so(store):
    await store.check()


async def test_an_s3_link_is_signed_with_version_4_for_five_minutes(s3, file):
    link = await put(open_blobs(s3, secret=SECRET), file)

    query = parse_qs(urlsplit(link).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["300"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("name=leads", "name=other"), ("type=text", "type=html"), ("task_1", "task_2"), ("expires=", "expires=9")],
)  # fmt: skip
async def test_a_changed_link_is_refused(tmp_path, file, old, new):
    store = FileBlobs(tmp_path / "store", secret=SECRET)
    link = (await put(store, file)).replace(old, new)

    async with client_of(store) as client:
        answer = await client.get(link)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_link_ends(monkeypatch, tmp_path, file):
    store = FileBlobs(tmp_path / "store", secret=SECRET)
    monkeypatch.setattr(blobs_module, "LINK_S", -1)
    async with client_of(store) as client:
        answer = await client.get(await put(store, file))

    assert answer.status_code == 403
    assert "expired" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["../secret", "/etc/passwd", "a/../../secret", "nul\x00"])
async def test_no_key_leaves_the_folder(tmp_path, file, key):
    store = FileBlobs(tmp_path / "store", secret=SECRET)

    with pytest.raises(Exception, match="nothing here"):
        await store.put(key, file, "text/csv")


def test_an_unknown_scheme_is_named():
    with pytest.raises(SystemExit, match="BLOBS_URL"):
        open_blobs("ftp://somewhere", secret=SECRET)
