"""Mails over SMTP, against a server that does what servers do."""

import asyncio
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from notifier_events import signed_up
from notifier_parts import BEGINNING, TestClock, ids, letters, message, settings, text_of
from smtp_server import HOST, Reception, certificate, knows, smtp_server

from notifier.mailer import (
    Mail,
    NotSent,
    OutcomeUnknown,
    Protection,
    Server,
    SmtpMailer,
    open_mailer,
)
from notifier.service import assemble
from shared.testing import ServiceUnderTest, TokenIssuer


def mail_to(address: str = "ada@example.com") -> Mail:
    return letters().write(message("welcome", to_address=address), at=BEGINNING)


@pytest.fixture
def reception() -> Reception:
    return Reception()


async def test_a_mail_arrives_as_it_was_written(reception: Reception) -> None:
    mail = mail_to()

    async with smtp_server(reception) as port:
        await open_mailer(f"smtp://{HOST}:{port}?starttls=false").send(mail)

    [envelope] = reception.received
    assert envelope.mail_from == "hello@impacter.example"
    assert envelope.rcpt_tos == ["ada@example.com"]
    received = message_from_bytes(envelope.original_content, policy=default)
    assert received["Message-ID"] == mail.content["Message-ID"]
    assert text_of(received).splitlines() == text_of(mail.content).splitlines()


async def test_an_address_beyond_ascii_needs_a_server_that_knows_it(reception: Reception) -> None:
    async with smtp_server(reception, enable_SMTPUTF8=True) as port:
        await open_mailer(f"smtp://{HOST}:{port}?starttls=false").send(
            mail_to("bücher@example.com")
        )
    async with smtp_server(reception) as port:
        with pytest.raises(NotSent):
            await open_mailer(f"smtp://{HOST}:{port}?starttls=false").send(
                mail_to("bücher@example.com")
            )

    [envelope] = reception.received
    assert envelope.rcpt_tos == ["bücher@example.com"]


@pytest.mark.parametrize("answer", ["550 5.1.1 no such mailbox", "450 4.2.0 greylisted"])
async def test_a_refused_recipient_is_certain(reception: Reception, answer: str) -> None:
    reception.rcpt_answer = answer

    async with smtp_server(reception) as port:
        with pytest.raises(NotSent, match=answer):
            await open_mailer(f"smtp://{HOST}:{port}?starttls=false").send(mail_to())

    assert reception.received == []


async def test_a_refused_content_is_certain(reception: Reception) -> None:
    reception.data_answer = "554 5.6.0 not here"

    async with smtp_server(reception) as port:
        with pytest.raises(NotSent, match=r"554 5\.6\.0 not here"):
            await open_mailer(f"smtp://{HOST}:{port}?starttls=false").send(mail_to())


async def test_no_server_is_certain(reception: Reception) -> None:
    async with smtp_server(reception) as port:
        pass

    with pytest.raises(NotSent, match="SMTPConnectError"):
        await open_mailer(f"smtp://{HOST}:{port}?starttls=false").send(mail_to())


async def test_a_server_that_says_nothing_is_certain() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(NotSent, match="Timeout"):
            await _impatient(port).send(mail_to())


async def test_an_answer_that_never_comes_after_the_content_is_unknown(
    reception: Reception,
) -> None:
    reception.is_silent = True

    async with smtp_server(reception) as port:
        with pytest.raises(OutcomeUnknown, match="Timed out"):
            await _impatient(port).send(mail_to())

    assert len(reception.received) == 1


async def test_a_connection_lost_after_the_content_is_unknown(reception: Reception) -> None:
    reception.hangs_up = True

    async with smtp_server(reception) as port:
        with pytest.raises(OutcomeUnknown):
            await open_mailer(f"smtp://{HOST}:{port}?starttls=false").send(mail_to())

    assert len(reception.received) == 1


async def test_a_connection_is_protected_by_starttls_unless_said_otherwise(
    reception: Reception, tmp_path: Path
) -> None:
    server_side, client_side = certificate(tmp_path)
    async with smtp_server(reception, tls_context=server_side, require_starttls=True) as port:
        await SmtpMailer(
            Server("localhost", port, Protection.BY_COMMAND, tls_context=client_side)
        ).send(mail_to())
    assert reception.was_protected == [True]

    async with smtp_server(reception) as port:
        with pytest.raises(NotSent):
            await open_mailer(f"smtp://{HOST}:{port}").send(mail_to())
    assert len(reception.received) == 1


async def test_smtps_is_protected_from_the_start(reception: Reception, tmp_path: Path) -> None:
    server_side, client_side = certificate(tmp_path)
    async with smtp_server(reception, tls_from_start=server_side) as port:
        await SmtpMailer(
            Server("localhost", port, Protection.FROM_THE_START, tls_context=client_side)
        ).send(mail_to())

    assert len(reception.received) == 1


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    reception: Reception, tmp_path: Path
) -> None:
    server_side, _ = certificate(tmp_path)
    async with smtp_server(reception, tls_context=server_side) as port:
        with pytest.raises(NotSent, match="certificate"):
            await open_mailer(f"smtp://localhost:{port}").send(mail_to())

    assert reception.received == []


async def test_a_login_is_made_and_a_wrong_one_is_certain_and_never_told(
    reception: Reception, tmp_path: Path
) -> None:
    server_side, client_side = certificate(tmp_path)
    authenticator = knows("ada@relay", "p@ss/word")

    def mailer_of(port: int, password: str) -> SmtpMailer:
        login = ("ada@relay", password)
        return SmtpMailer(
            Server("localhost", port, Protection.BY_COMMAND, login, tls_context=client_side)
        )

    async with smtp_server(
        reception, tls_context=server_side, auth_required=True, authenticator=authenticator
    ) as port:
        await mailer_of(port, "p@ss/word").send(mail_to())
        with pytest.raises(NotSent, match="535") as refusal:
            await mailer_of(port, "hunter2").send(mail_to())

    assert len(reception.received) == 1
    assert "hunter2" not in str(refusal.value)


async def test_a_mail_waits_for_a_server_that_is_down(
    notifier: ServiceUnderTest, reception: Reception, clock: TestClock, tokens: TokenIssuer
) -> None:
    async with smtp_server(reception) as port:
        pass
    service = assemble(
        settings(),
        database=notifier.database,
        mailer=open_mailer(f"smtp://{HOST}:{port}?starttls=false"),
        verifier=tokens.verifier(),
    )
    await notifier.deliver(signed_up(ids.new()))
    worker = service.workers[0]
    assert await worker.work_once()
    assert not await worker.work_once()

    clock.advance(60)
    async with smtp_server(reception, port=port):
        assert await worker.work_once()

    assert len(reception.received) == 1


def _impatient(port: int) -> SmtpMailer:
    server = Server(HOST, port, Protection.NONE)
    return SmtpMailer(server, envelope_s_max=0.5, content_s_max=0.5)
