"""What mails say, and what nobody can make them say."""

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from notifier_parts import (
    BEGINNING,
    PARAMETERS,
    SITE,
    TOKEN,
    html_of,
    letters,
    message,
    text_of,
)

import notifier
from notifier.letters import LETTERS, CannotWrite

TEMPLATES = Path(notifier.__file__).parent / "templates"


def written(template: str, **parameters: object):
    return letters().write(message(template, **parameters), at=BEGINNING).content


@pytest.mark.parametrize("template", LETTERS)
def test_every_mail_has_a_subject_html_and_text(template: str) -> None:
    content = written(template)

    assert content["Subject"]
    assert content["From"] == "ImpacterAGI <hello@impacter.example>"
    assert content["To"] == "ada@example.com"
    assert content["Auto-Submitted"] == "auto-generated"
    assert "<html lang=" in html_of(content)
    for part in (html_of(content), text_of(content)):
        assert "{" + "{" not in part
        assert f"{SITE}{LETTERS[template].page}" in part
        assert "\n\n\n" not in part or part.startswith("<")


def test_every_template_belongs_to_a_mail() -> None:
    parts = {"layout", "parts"}
    names = {path.stem for path in TEMPLATES.iterdir()} - parts

    assert names == set(LETTERS) == set(PARAMETERS)


def test_the_welcome_says_what_was_bought_and_how_to_get_in() -> None:
    content = written("welcome", credits=1000)

    assert content["Subject"] == "Welcome to ImpacterAGI!"
    for part in (html_of(content), text_of(content)):
        assert "Your 1,000 credits are ready" in part
        assert f"{SITE}/claim?token={TOKEN}" in part


def test_large_amounts_are_grouped_and_one_credit_is_one() -> None:
    assert "Your 1,234,567 credits are ready" in text_of(written("welcome", credits=1_234_567))
    assert "Your 1 credit is ready" in text_of(written("welcome", credits=1))


def test_waiting_credits_are_in_the_subject() -> None:
    assert written("claim", credits=1000)["Subject"] == "Your 1,000 credits are waiting"
    assert f"{SITE}/claim?token={TOKEN}" in text_of(written("claim"))


@pytest.mark.parametrize(("template", "page"), [("verify", "/verify"), ("reset", "/reset")])
def test_a_link_mail_leads_to_its_page(template: str, page: str) -> None:
    content = written(template)

    assert f"{SITE}{page}?token={TOKEN}" in html_of(content)
    assert f"{SITE}{page}?token={TOKEN}" in text_of(content)


def test_added_credits_come_with_what_there_is_to_use() -> None:
    content = written("credits_added", credits=500, available=1530)

    assert content["Subject"] == "500 credits added"
    assert "You have 1,530 credits to use now" in html_of(content)


def test_a_complete_task_shows_how_its_result_begins_and_its_files() -> None:
    content = written("task_complete")

    assert content["Subject"] == "Your task is complete"
    for part in (html_of(content), text_of(content)):
        assert "Found 103 dentists in Miami." in part
        assert "leads.csv" in part
        assert "and 10 more" in part
        assert f"{SITE}/dashboard?task=task_0192f0c1000070008000000000000001" in part


def test_a_complete_task_without_text_or_files_still_reads_well() -> None:
    content = written("task_complete", lines=[], files=[], file_count=0)

    assert "result begins" not in text_of(content)
    assert "Files" not in html_of(content)


def test_a_failed_task_says_why_and_that_it_was_free() -> None:
    content = written("task_failed", reason="The site did not answer.")

    assert content["Subject"] == "Your task could not be completed, nothing was charged"
    for part in (html_of(content), text_of(content)):
        assert "could not be completed, nothing was charged" in part
        assert "The site did not answer." in part


def test_markup_in_a_description_stays_text() -> None:
    evil = "<script>alert(1)</script><img src=https://evil.example/beacon>"
    content = written(
        "task_complete", description=evil, lines=[evil], files=[evil + ".csv"], file_count=1
    )

    assert "<script" not in html_of(content)
    assert "<img" not in html_of(content)
    assert "&lt;script&gt;alert(1)" in html_of(content)
    assert evil in text_of(content)


def test_a_mail_loads_nothing_from_anywhere() -> None:
    for template in LETTERS:
        html = html_of(written(template))
        assert "src=" not in html
        assert "url(" not in html
        assert "@import" not in html


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\nBcc: eve@example.com",
        "ada@example.com, eve@example.com",
        "ada@example.com; eve@example.com",
        "Ada <ada@example.com>",
        "ada@exam ple.com",
        "ada",
        "@example.com",
        "ada@",
        "",
        "ada@example.com\x00",
        "=?utf-8?q?eve?=@example.com",
        "=?utf-8?q?=0D=0ABcc=3Aeve?=@example.com",
    ],
)
def test_what_is_not_one_address_gets_no_mail(address: str) -> None:
    with pytest.raises(CannotWrite):
        letters().write(message("verify", to_address=address), at=BEGINNING)


def test_line_breaks_in_parameters_never_reach_a_header() -> None:
    evil = "leads\r\nBcc: eve@example.com"
    mail = letters().write(message("task_complete", description=evil, files=[evil]), at=BEGINNING)

    received = message_from_bytes(bytes(mail), policy=default)

    assert received["Bcc"] is None
    assert received.keys() == mail.content.keys()


@pytest.mark.parametrize(
    ("address", "header"),
    [
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@straße.example", "ada@straße.example"),
        ("bücher@example.com", "bücher@example.com"),
        ("ada..l.@example.com", "ada..l.@example.com"),
        ("ada@" + "x" * 64 + ".example", "ada@" + "x" * 64 + ".example"),
        ("ada+tag'o@Example.COM", "ada+tag'o@Example.COM"),
    ],
)
def test_every_address_that_somebody_may_have_is_written_as_its_server_knows_it(
    address: str, header: str
) -> None:
    mail = letters().write(message("verify", to_address=address), at=BEGINNING)

    assert mail.recipient == header
    unfolded = bytes(mail).replace(b"\r\n ", b" ")
    assert f"\r\nTo: {header}\r\n".encode() in unfolded


def test_the_message_id_is_the_same_in_every_try() -> None:
    one = message("welcome")

    first = letters().write(one, at=BEGINNING)
    second = letters().write(one, at=BEGINNING)

    assert first.content["Message-ID"] == f"<{one.id.hex}@impacter.example>"
    assert first.content["Message-ID"] == second.content["Message-ID"]
    assert first.id == one.id


def test_every_line_is_short_enough_for_smtp() -> None:
    mail = letters().write(message("welcome"), at=BEGINNING)

    assert max(len(line) for line in bytes(mail).split(b"\r\n")) <= 78
    assert b"\n" not in bytes(mail).replace(b"\r\n", b"")


def test_a_link_sealed_with_another_key_is_a_flaw_that_names_the_key() -> None:
    one = message("reset")
    one.sealed_token = "gAAAAAB-not-ours"

    with pytest.raises(CannotWrite, match="LINK_SEALING_KEY"):
        letters().write(one, at=BEGINNING)


def test_a_mail_without_its_link_or_its_parameters_is_not_written() -> None:
    without_link = message("reset")
    without_link.sealed_token = None
    without_parameter = message("welcome")
    without_parameter.parameters = {}

    for flawed in (without_link, without_parameter):
        with pytest.raises(CannotWrite):
            letters().write(flawed, at=BEGINNING)
