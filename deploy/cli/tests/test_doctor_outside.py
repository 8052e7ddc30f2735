"""The doctor at mail, files, OpenClaw and disk: each tried as the product uses it, and left as it was."""

import boto3
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from moto.server import ThreadedMotoServer

from embedded.ports import free_ports
from impacter.doctor import outside
from impacter.doctor.findings import State
from impacter.doctor.surroundings import as_environment


async def test_a_mail_folder_that_cannot_be_written_is_named(values, tmp_path):
    well = await outside.check_mail(values)
    taken = tmp_path / "taken"
    taken.write_text("a file where the folder should be")
    broken = await outside.check_mail({"NOTIFIER_MAIL_URL": f"file://{taken}/mail"})

    assert well.state is State.OK
    assert not list((tmp_path / "mail").iterdir())
    assert broken.state is State.BROKEN
    assert broken.to_do.startswith(f"let the notifier's user write into {taken}/mail")


class Doorkeeper:
    """Lets nobody in but ana."""

    def __call__(self, server, session, envelope, mechanism, data):
        return AuthResult(success=data.login == b"ana", handled=False)


async def test_a_mail_server_is_greeted_and_our_name_tried():
    server = Controller(
        object(),
        hostname="127.0.0.1",
        port=free_ports(1)[0],
        authenticator=Doorkeeper(),
        auth_require_tls=False,
    )
    server.start()
    try:
        place = f"127.0.0.1:{server.port}"
        query = "?starttls=false"
        ana = {"NOTIFIER_MAIL_URL": f"smtp://ana:hunter2@{place}{query}"}
        bob = {"NOTIFIER_MAIL_URL": f"smtp://bob:hunter2@{place}{query}"}
        well, refused = await outside.check_mail(ana), await outside.check_mail(bob)
    finally:
        server.stop()
    gone = await outside.check_mail(ana)

    assert (well.state, well.why) == (State.OK, place)
    assert refused.state is State.BROKEN
    assert "535" in refused.why
    assert gone.state is State.BROKEN
    assert gone.to_do == f"look at the mail server at {place}, or correct NOTIFIER_MAIL_URL"
    assert "hunter2" not in repr((refused, gone))


async def test_a_folder_for_files_is_written_read_and_left_as_it_was(values, tmp_path):
    well = await outside.check_blobs(values)
    left = list((tmp_path / "files").iterdir())
    (tmp_path / "taken").write_text("")
    broken = await outside.check_blobs({"BLOBS_URL": f"file://{tmp_path}/taken/files"})

    assert (well.state, left) == (State.OK, [])
    assert broken.state is State.BROKEN
    assert broken.to_do.startswith("let the services' user write into")


async def test_a_bucket_is_written_read_and_left_as_it_was(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        store = f"http://{host}:{port}"
        client = boto3.client("s3", endpoint_url=store, region_name="us-east-1")
        client.create_bucket(Bucket="here")
        query = f"?endpoint_url={store}&region=us-east-1"
        well = await outside.check_blobs({"BLOBS_URL": f"s3://here{query}"})
        missing = await outside.check_blobs({"BLOBS_URL": f"s3://gone{query}"})
        left = client.list_objects_v2(Bucket="here").get("Contents", [])
        client.close()
    finally:
        server.stop()

    assert (well.state, left) == (State.OK, [])
    assert missing.state is State.BROKEN
    assert "NoSuchBucket" in missing.why
    assert missing.to_do.startswith("check that the bucket is there")


async def test_openclaw_is_asked_where_it_is_set(values):
    with as_environment(values):
        unset = await outside.check_openclaw()
    with as_environment({**values, "OPENCLAW_URL": "ws://127.0.0.1:1", "OPENCLAW_TOKEN": "x"}):
        away = await outside.check_openclaw()

    assert unset.state is State.SKIPPED
    assert away.state is State.BROKEN
    assert away.why.startswith("The OpenClaw gateway cannot be reached")
    assert away.to_do.startswith("start the gateway, or correct OPENCLAW_URL")


def test_a_disk_without_room_is_named(values, tmp_path):
    [here] = list(outside.check_disk(values, tmp_path))[:1]
    full = outside.disk_finding(tmp_path, 900_000_000, 10**11)
    nearly = outside.disk_finding(tmp_path, 4 * 10**10, 10**12)

    assert str(tmp_path) in here.why
    assert full.why == f"0.9 GB free of 100.0 at {tmp_path}"
    assert {full.state, nearly.state} == {State.BROKEN}
