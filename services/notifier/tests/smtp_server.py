"""An SMTP server in the test's own loop, and the certificate it shows."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


class Reception:
    """Accepts mails, unless it is told what to answer instead; `silent` takes a mail and never answers."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []
        self.rcpt_answer = "250 OK"
        self.data_answer = "250 OK"
        self.is_silent = False
        self.hangs_up = False
        self.was_protected: list[bool] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.was_protected.append(session.ssl is not None)
        if self.data_answer.startswith("250"):
            self.received.append(envelope)
        if self.hangs_up:
            assert server.transport is not None
            server.transport.abort()
        if self.is_silent:
            await asyncio.Event().wait()
        return self.data_answer


def knows(username: str, password: str) -> Any:
    """Return what lets one user in."""

    def authenticate(server: SMTP, session: Session, envelope: Envelope, _: str, data: Any) -> Any:
        is_known = isinstance(data, LoginPassword) and data == LoginPassword(
            username.encode(), password.encode()
        )
        return AuthResult(success=is_known, handled=False)

    return authenticate


@asynccontextmanager
async def smtp_server(
    reception: Reception,
    *,
    port: int = 0,
    tls_from_start: ssl.SSLContext | None = None,
    **options: Any,
) -> AsyncIterator[int]:
    """Serve SMTP; give its port."""
    connections: list[SMTP] = []

    def connect() -> SMTP:
        connections.append(SMTP(reception, hostname="localhost", **options))
        return connections[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connect, HOST, port, ssl=tls_from_start)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in connections:
            if connection.transport is not None:
                connection.transport.abort()
        await server.wait_closed()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the server's context with a certificate of its own, and the client's that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + made.public_bytes(Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=path)
