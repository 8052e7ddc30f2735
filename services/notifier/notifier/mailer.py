"""The outside world of mail: a folder or an SMTP server, behind one method."""

import asyncio
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit
from uuid import UUID

import aiosmtplib

ENVELOPE_S_MAX = 30
CONTENT_S_MAX = 60
QUIT_S_MAX = 5
PROBE = ".probe"


class NotSent(Exception):
    """The mail was certainly not accepted; it may be tried again."""


class OutcomeUnknown(Exception):
    """Nobody can tell whether the mail was accepted: the answer was lost after its content had left."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A finished mail: who it is from and for, and what is sent; `id` is the same in every try."""

    id: UUID
    sender: str
    recipient: str
    content: EmailMessage

    def __bytes__(self) -> bytes:
        """Return the mail as it goes over the wire."""
        return self.content.as_bytes(policy=SMTP if self.recipient.isascii() else SMTPUTF8)


class Mailer(Protocol):
    """Where mails go."""

    async def send(self, mail: Mail) -> None:
        """Return when the mail was accepted; raise NotSent or OutcomeUnknown."""
        ...

    async def check(self) -> None:
        """Return when a mail could be handed over now, without doing so; raise NotSent otherwise."""
        ...


class FileMailer:
    """Mails in a folder, one `.eml` each, named so that they sort by time; a repeated one replaces the first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, mail: Mail) -> None:
        """Write the mail in one step."""
        try:
            await asyncio.to_thread(self._write, f"{mail.id.hex}.eml", bytes(mail))
        except OSError as flaw:
            raise NotSent(_reason(flaw)) from flaw

    async def check(self) -> None:
        """Write into the folder and take it away again."""

        def try_it() -> None:
            self._write(PROBE, b"")
            (self._folder / PROBE).unlink()

        try:
            await asyncio.to_thread(try_it)
        except OSError as flaw:
            raise NotSent(_reason(flaw)) from flaw

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._folder / f".{name}.part"
        with os.fdopen(
            os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
        ) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._folder / name)


class Protection(StrEnum):
    """How the way to a server is protected."""

    FROM_THE_START = "tls"
    BY_COMMAND = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Server:
    """An SMTP server and the login it asks for; `tls_context` replaces the system's certificates."""

    host: str
    port: int
    protection: Protection
    login: tuple[str, str] | None = field(default=None, repr=False)
    tls_context: ssl.SSLContext | None = None


class SmtpMailer:
    """Mails over SMTP, a connection each.

    What fails before the content has left is certain; an answer that is lost after it is not.
    """

    def __init__(
        self,
        server: Server,
        *,
        envelope_s_max: float = ENVELOPE_S_MAX,
        content_s_max: float = CONTENT_S_MAX,
    ) -> None:
        self._server = server
        self._envelope_s_max = envelope_s_max
        self._content_s_max = content_s_max

    async def send(self, mail: Mail) -> None:
        """Hand the mail over to the server."""
        connection = self._connection(mail.sender.rpartition("@")[2])
        try:
            await self._address(connection, mail)
            await self._deliver(connection, bytes(mail))
            with suppress(aiosmtplib.SMTPException, OSError):
                await connection.quit(timeout=QUIT_S_MAX)
        finally:
            connection.close()

    async def check(self) -> None:
        """Connect, prove who we are, and leave."""
        connection = self._connection("localhost")
        try:
            async with asyncio.timeout(self._envelope_s_max):
                await connection.connect()
                await connection.quit(timeout=QUIT_S_MAX)
        except (aiosmtplib.SMTPException, OSError, ValueError) as flaw:
            raise NotSent(_reason(flaw)) from flaw
        finally:
            connection.close()

    async def _address(self, connection: aiosmtplib.SMTP, mail: Mail) -> None:
        is_plain = mail.recipient.isascii()
        encoding, options = ("ascii", []) if is_plain else ("utf-8", ["SMTPUTF8"])
        try:
            async with asyncio.timeout(self._envelope_s_max):
                await connection.connect()
                await connection.mail(mail.sender, options=options, encoding=encoding)
                await connection.rcpt(mail.recipient, encoding=encoding)
        except (aiosmtplib.SMTPException, OSError, ValueError) as flaw:
            raise NotSent(_reason(flaw)) from flaw

    async def _deliver(self, connection: aiosmtplib.SMTP, content: bytes) -> None:
        try:
            await connection.data(content, timeout=self._content_s_max)
        except aiosmtplib.SMTPDataError as refusal:
            raise NotSent(_reason(refusal)) from refusal
        except (aiosmtplib.SMTPException, OSError) as flaw:
            raise OutcomeUnknown(_reason(flaw)) from flaw

    def _connection(self, own_name: str) -> aiosmtplib.SMTP:
        username, password = self._server.login or (None, None)
        return aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=username,
            password=password,
            local_hostname=own_name,
            timeout=self._envelope_s_max,
            use_tls=self._server.protection is Protection.FROM_THE_START,
            start_tls=self._server.protection is Protection.BY_COMMAND,
            tls_context=self._server.tls_context,
        )


def open_mailer(url: str) -> Mailer:
    """Return the mailer that the URL's scheme names.

    `file:///folder`, `smtp://user:password@host:587` (STARTTLS unless `?starttls=false`), `smtps://host:465`.
    """
    parts = urlsplit(url)
    if parts.scheme not in MAILERS:
        message = f"NOTIFIER_MAIL_URL: no mailer is called {parts.scheme!r}; there are {', '.join(MAILERS)}"
        raise SystemExit(message)
    return MAILERS[parts.scheme](parts)


def _open_file(url: SplitResult) -> Mailer:
    return FileMailer(Path(unquote(url.path)))


def _open_smtp(url: SplitResult) -> Mailer:
    starttls = parse_qs(url.query).get("starttls", ["true"])[0]
    if starttls not in ("true", "false"):
        message = "NOTIFIER_MAIL_URL: starttls is true or false"
        raise SystemExit(message)
    protection = Protection.BY_COMMAND if starttls == "true" else Protection.NONE
    return SmtpMailer(_server(url, protection, usual_port=587))


def _open_smtps(url: SplitResult) -> Mailer:
    return SmtpMailer(_server(url, Protection.FROM_THE_START, usual_port=465))


MAILERS: dict[str, Callable[[SplitResult], Mailer]] = {
    "file": _open_file,
    "smtp": _open_smtp,
    "smtps": _open_smtps,
}


def _server(url: SplitResult, protection: Protection, *, usual_port: int) -> Server:
    if not url.hostname:
        message = "NOTIFIER_MAIL_URL: the host is missing"
        raise SystemExit(message)
    login = (unquote(url.username), unquote(url.password or "")) if url.username else None
    return Server(url.hostname, url.port or usual_port, protection, login)


def _reason(flaw: Exception) -> str:
    said = str(flaw)
    if isinstance(flaw, aiosmtplib.SMTPResponseException):
        said = f"{flaw.code} {flaw.message}"
    return f"{type(flaw).__name__}: {said}"
