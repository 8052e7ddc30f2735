"""The developer's mailbox: what it shows, and what it never does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI

from embedded.defaults import mail_url, shows_mailbox
from embedded.mailbox import routes
from notifier.mailer import FileMailer, Mail
from shared import problems

EVIL = "<script>alert(1)</script>"
LINK = "http://localhost:8000/claim?token=abc"
HTML = f'<html><head><title>x</title></head><body><a href="{LINK}">Claim</a></body></html>'


def put(
    folder: Path,
    name: str,
    *,
    subject: str = "Hello",
    to: str = "ada@example.com",
    text: str | None = f"Claim it:\n\n{LINK}\n",
    html: str | None = HTML,
) -> None:
    mail = EmailMessage()
    mail["From"] = "ImpacterAGI <hello@impacter.example>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
    if text is not None:
        mail.set_content(text)
    if html is not None:
        mail.add_alternative(html, subtype="html")
    (folder / f"{name}.eml").write_bytes(bytes(mail))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    mails = tmp_path / "mails"
    mails.mkdir()
    return mails


@asynccontextmanager
async def visiting(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    problems.install(app)
    app.include_router(routes(folder))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
async def browser(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with visiting(folder) as client:
        yield client


async def test_mails_are_listed_newest_first(browser: httpx2.AsyncClient, folder: Path) -> None:
    put(folder, "01a", subject="First")
    put(folder, "01b", subject="Second", to="bob@example.com")

    page = (await browser.get("/dev/mailbox")).text

    assert page.index("Second") < page.index("bob@example.com") < page.index("First")
    assert 'href="/dev/mailbox/01b"' in page
    assert "1 Nov, 09:00" in page


async def test_scripts_read_mails_with_their_links(
    browser: httpx2.AsyncClient, folder: Path
) -> None:
    put(folder, "01a", subject="Für Ada")

    [mail] = (await browser.get("/dev/mailbox.json")).json()

    assert mail == {
        "name": "01a",
        "sender": "ImpacterAGI <hello@impacter.example>",
        "to": "ada@example.com",
        "subject": "Für Ada",
        "date": "2026-11-01T09:00:00Z",
        "text": f"Claim it:\n\n{LINK}\n",
        "links": [LINK],
    }


async def test_an_empty_mailbox_says_so(browser: httpx2.AsyncClient) -> None:
    assert "No mail yet" in (await browser.get("/dev/mailbox")).text
    assert (await browser.get("/dev/mailbox.json")).json() == []


@pytest.mark.parametrize(
    ("key", "mails", "is_shown"),
    [
        ("sk_test_emulated_0123", "", True),
        ("sk_test_51Habc", "", True),
        ("sk_live_51Habc", "", False),
        ("rk_live_51Habc", "", False),
        ("sk_test_emulated_0123", "smtp://user:password@mail.example:587", False),
    ],
)
def test_mails_are_shown_only_where_no_money_is_real_and_none_are_sent(
    tmp_path: Path, key: str, mails: str, is_shown: bool
) -> None:
    environment = {"STRIPE_SECRET_KEY": key, "NOTIFIER_MAIL_URL": mails or mail_url(tmp_path)}

    assert shows_mailbox(environment, tmp_path) is is_shown


async def test_a_mailbox_that_has_no_folder_yet_is_empty(tmp_path: Path) -> None:
    async with visiting(tmp_path / "not there yet") as browser:
        assert (await browser.get("/dev/mailbox.json")).json() == []


async def test_a_mail_shows_its_html_in_a_frame_and_its_text(
    browser: httpx2.AsyncClient, folder: Path
) -> None:
    put(folder, "01a", subject="Welcome")

    answer = await browser.get("/dev/mailbox/01a")

    assert "<h1>Welcome</h1>" in answer.text
    assert "Claim it:" in answer.text
    assert 'src="/dev/mailbox/01a/html"' in answer.text
    assert 'sandbox="allow-popups allow-top-navigation-by-user-activation"' in answer.text


async def test_the_html_of_a_mail_can_run_and_load_nothing_and_is_left_by_the_top(
    browser: httpx2.AsyncClient, folder: Path
) -> None:
    put(folder, "01a")

    answer = await browser.get("/dev/mailbox/01a/html")

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert '<head><base target="_top"><title>' in answer.text


async def test_pages_run_no_script_and_only_their_own_style(
    browser: httpx2.AsyncClient, folder: Path
) -> None:
    put(folder, "01a")

    for path in ("/dev/mailbox", "/dev/mailbox/01a"):
        first, second = await browser.get(path), await browser.get(path)
        policy = first.headers["content-security-policy"]
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert f'<style nonce="{nonce}">' in first.text
        assert nonce not in second.text


async def test_whatever_a_mail_holds_is_shown_as_text(
    browser: httpx2.AsyncClient, folder: Path
) -> None:
    put(folder, "01a", subject=EVIL, text=EVIL, html=f"<p>{EVIL}</p>")

    for path in ("/dev/mailbox", "/dev/mailbox/01a"):
        page = (await browser.get(path)).text
        assert EVIL not in page
        assert "&lt;script&gt;" in page


async def test_a_mail_of_text_alone_has_no_frame(browser: httpx2.AsyncClient, folder: Path) -> None:
    put(folder, "01a", html=None)

    page = (await browser.get("/dev/mailbox/01a")).text

    assert "<iframe" not in page
    assert '<details class="card" open>' in page
    assert (await browser.get("/dev/mailbox/01a/html")).status_code == 404


async def test_a_file_that_is_hardly_a_mail_breaks_nothing(
    browser: httpx2.AsyncClient, folder: Path
) -> None:
    (folder / "00.eml").write_bytes(b"\xff\xfe\x00")
    (folder / "01.eml").write_bytes(
        b"Date: never\r\nTo: a@[\r\nFrom: <\r\nSubject: =?nonsense?q?x?=\r\n"
        b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe"
    )
    (folder / "02.eml").write_bytes(b"Content-Type: multipart/mixed\r\n\r\nno boundary")
    (folder / ".03.eml.part").write_bytes(b"half a mail")
    (folder / "04.eml").mkdir()
    (folder / "not a name.eml").write_bytes(b"Subject: x\r\n\r\n")

    mails = (await browser.get("/dev/mailbox.json")).json()

    assert [mail["name"] for mail in mails] == ["02", "01", "00"]
    for path in ("/dev/mailbox", *(f"/dev/mailbox/{mail['name']}" for mail in mails)):
        assert (await browser.get(path)).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "..",
        "../secret",
        "..%2Fsecret",
        "%2e%2e%2fsecret",
        "..%5Csecret",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        ".hidden",
        "01a.eml",
        "01a%00",
        "01a%0A",
        "%ED%A0%80",
        "x" * 5000,
    ],
)
async def test_only_a_mail_of_the_folder_is_found(
    browser: httpx2.AsyncClient, folder: Path, name: str
) -> None:
    put(folder, "01a")
    put(folder, ".hidden")
    put(folder.parent, "secret", subject="Secret")

    for path in (f"/dev/mailbox/{name}", f"/dev/mailbox/{name}/html"):
        answer = await browser.get(path)
        assert answer.status_code in (404, 307)
        assert "Secret" not in answer.text


async def test_only_the_newest_mails_are_shown(browser: httpx2.AsyncClient, folder: Path) -> None:
    for number in range(210):
        put(folder, f"{number:04}", html=None)

    mails = (await browser.get("/dev/mailbox.json")).json()

    assert len(mails) == 200
    assert mails[0]["name"] == "0209"


async def test_what_the_notifier_writes_arrives(browser: httpx2.AsyncClient, folder: Path) -> None:
    content = EmailMessage()
    content["To"] = "ada@example.com"
    content.set_content(f"Reset it: {LINK}", cte="quoted-printable")
    mail_id = uuid4()

    await FileMailer(folder).send(Mail(mail_id, "hello@example.com", "ada@example.com", content))

    [mail] = (await browser.get("/dev/mailbox.json")).json()
    assert (mail["name"], mail["to"], mail["links"]) == (mail_id.hex, "ada@example.com", [LINK])
    assert (await browser.get(f"/dev/mailbox/{mail_id.hex}")).status_code == 200
