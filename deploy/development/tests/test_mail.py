"""The mail server for developers: whatever is sent to it can be read."""

import smtplib
from asyncio import to_thread

import httpx2
import pytest

from development.mail import build_app
from embedded.ports import free_ports


@pytest.fixture
async def mailbox(tmp_path):
    [port] = free_ports(1)
    app = build_app(tmp_path / "mail", host="127.0.0.1", smtp_port=port)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as http,
    ):
        yield port, http


def send(port: int, subject: str) -> None:
    text = f"From: us@example.com\nTo: you@example.com\nSubject: {subject}\n\nSee https://example.com/x\n"
    with smtplib.SMTP("127.0.0.1", port) as server:
        server.sendmail("us@example.com", ["you@example.com"], text)


async def test_mails_are_shown_the_newest_first(mailbox):
    port, http = mailbox
    for subject in ("First", "Second"):
        await to_thread(send, port, subject)

    shown = (await http.get("/dev/mailbox.json")).json()

    assert [mail["subject"] for mail in shown] == ["Second", "First"]
    assert shown[0]["to"] == "you@example.com"
    assert shown[0]["links"] == ["https://example.com/x"]
    assert "Second" in (await http.get("/dev/mailbox")).text


async def test_it_says_that_it_is_ready(mailbox):
    _, http = mailbox

    assert (await http.get("/health/ready")).status_code == 200
