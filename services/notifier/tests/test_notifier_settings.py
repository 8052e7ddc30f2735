"""What the notifier is told, and where its mails go."""

import stat
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from notifier_parts import BEGINNING, SEALING_KEY, TestClock, letters, message, seal, text_of

from notifier import addresses
from notifier.letters import LETTERS, Letters
from notifier.mailer import FileMailer, NotSent, Protection, Server, SmtpMailer, open_mailer
from notifier.service import build
from notifier.settings import NotifierSettings
from shared.clock import Ids
from shared.settings import load

VARIABLES = {
    "SITE_URL": "https://impacter.example",
    "JWKS_URL": "https://impacter.example/.well-known/jwks.json",
    "ADMIN_API_KEY": "the key of operators",
    "NOTIFIER_DATABASE_URL": "postgresql+asyncpg://nowhere/none",
    "NOTIFIER_MAIL_URL": "smtp://user:hunter2@mail.example",
    "NOTIFIER_FROM": "ImpacterAGI <hello@impacter.example>",
    "LINK_SEALING_KEY": SEALING_KEY,
}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_mail_becomes_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    mail = letters().write(message("welcome"), at=BEGINNING)

    await open_mailer(f"file://{tmp_path}/a%20mailbox").send(mail)

    [path] = (tmp_path / "a mailbox").iterdir()
    assert path.name == f"{mail.id.hex}.eml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    received = message_from_bytes(path.read_bytes(), policy=default)
    assert received["Subject"] == "Welcome to ImpacterAGI!"
    assert text_of(received).splitlines() == text_of(mail.content).splitlines()


async def test_a_mail_sent_again_replaces_its_file(tmp_path: Path) -> None:
    one = message("welcome")
    for _ in range(3):
        await FileMailer(tmp_path).send(letters().write(one, at=BEGINNING))

    assert len(names_in(tmp_path)) == 1


async def test_files_sort_in_the_order_of_their_mails(tmp_path: Path) -> None:
    clock = TestClock()
    names = []
    for template in LETTERS:
        one = message(template)
        one.id = Ids(clock).new()
        await FileMailer(tmp_path).send(letters().write(one, at=clock.now()))
        names.append(f"{one.id.hex}.eml")
        clock.advance(1)

    assert names_in(tmp_path) == names


async def test_a_folder_that_cannot_be_written_is_certain(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(NotSent):
        await FileMailer(tmp_path / "file").send(letters().write(message("reset"), at=BEGINNING))


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail", Server("mail", 587, Protection.BY_COMMAND)),
        ("smtp://mail:25?starttls=false", Server("mail", 25, Protection.NONE)),
        ("smtps://mail", Server("mail", 465, Protection.FROM_THE_START)),
        (
            "smtps://ada%40relay:p%40ss%2Fword@mail:4650",
            Server("mail", 4650, Protection.FROM_THE_START, ("ada@relay", "p@ss/word")),
        ),
    ],
)
def test_the_url_says_which_server(url: str, server: Server) -> None:
    mailer = open_mailer(url)

    assert isinstance(mailer, SmtpMailer)
    assert mailer._server == server


@pytest.mark.parametrize("url", ["ses://eu", "nothing", "", "smtp://", "smtp://m?starttls=maybe"])
def test_a_url_that_says_nothing_ends_the_start_and_is_named(url: str) -> None:
    with pytest.raises(SystemExit, match="NOTIFIER_MAIL_URL"):
        open_mailer(url)


def test_a_login_is_not_shown() -> None:
    assert "hunter2" not in repr(Server("mail", 25, Protection.NONE, ("ada", "hunter2")))


def test_everything_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)

    read = load(NotifierSettings)

    assert read.mail_url.get_secret_value() == VARIABLES["NOTIFIER_MAIL_URL"]
    assert read.sender == VARIABLES["NOTIFIER_FROM"]
    assert "hunter2" not in repr(read)
    assert SEALING_KEY not in repr(read)
    assert build(read).name == "notifier"


@pytest.mark.parametrize("missing", VARIABLES)
def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing)

    with pytest.raises(SystemExit, match=missing):
        load(NotifierSettings)


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "ImpacterAGI",
        "a@example.com, b@example.com",
        "A <a@example.com>\r\nBcc: eve@example.com",
        "A <a@>",
        "A <ä@example.com>",
        "A <",
        '"',
        "a@[",
        "A\x7f <a@example.com>",
    ],
)
def test_a_sender_that_is_not_one_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, sender: str
) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NOTIFIER_FROM", sender)

    with pytest.raises(SystemExit, match="NOTIFIER_FROM"):
        load(NotifierSettings)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a@example.com", "a@example.com"),
        ("ImpacterAGI <a@example.com>", "ImpacterAGI <a@example.com>"),
        ('"Impacter, Inc." <a@example.com>', '"Impacter, Inc." <a@example.com>'),
        ("Impäcter <a@example.com>", "Impäcter <a@example.com>"),
    ],
)
def test_a_sender_may_have_a_name(text: str, header: str) -> None:
    written = Letters(site_url="https://x.example", sender=addresses.sender(text), seal=seal)
    mail = written.write(message("welcome"), at=BEGINNING)

    assert message_from_bytes(bytes(mail), policy=default)["From"] == header
    assert mail.sender == "a@example.com"
