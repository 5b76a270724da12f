"""Letters to a real mail server: taken, refused, by TLS and with a password."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from config.settings import Mail as MailSettings
from contactcenter.core.mail import Letter, SmtpMail

LETTER = Letter("01a2", "ana@example.com", "Cambia tu contraseña", "Hola Ana:\n\nhttp://x/#token\n")


@dataclass
class Office:
    """What the server was given, and what it says to it."""

    letters: list[EmailMessage] = field(default_factory=list)
    passwords: list[tuple[str, str]] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    answer: str = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.secure.append(session.ssl is not None)
        if self.answer.startswith("250"):
            read = message_from_bytes(content, policy=policy.default)
            self.letters.append(read)
            assert envelope.rcpt_tos == [read["To"].addresses[0].addr_spec]
        return self.answer

    def let_in(self, *given: Any) -> AuthResult:
        login = given[-1]
        assert isinstance(login, LoginPassword)
        found = (login.login.decode(), login.password.decode())
        self.passwords.append(found)
        return AuthResult(success=found == ("centre", "pä:ss"), handled=False)


@dataclass
class Server:
    office: Office
    port: int

    def mail(self, scheme: str = "smtp", user: str = "") -> SmtpMail:
        url = f"{scheme}://{user}127.0.0.1:{self.port}"
        return SmtpMail(MailSettings(url=SecretStr(url), sender="Centro <no-reply@example.org>"))


Opener = Callable[..., Any]


@pytest.fixture
async def opened() -> AsyncIterator[Opener]:
    servers: list[asyncio.Server] = []

    async def open_(implicit: ssl.SSLContext | None = None, **options: Any) -> Server:
        office = Office()
        if options.get("auth_required"):
            options["authenticator"] = office.let_in

        def serve() -> SMTP:
            return SMTP(office, enable_SMTPUTF8=True, **options)

        loop = asyncio.get_running_loop()
        server = await loop.create_server(serve, "127.0.0.1", 0, ssl=implicit)
        servers.append(server)
        return Server(office, server.sockets[0].getsockname()[1])

    yield open_
    for server in servers:
        server.close()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that nobody vouches for, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "certificate.pem"
    pem.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return pem, context


async def test_a_letter_arrives_as_it_was_written(opened: Opener) -> None:
    server: Server = await opened()
    await server.mail().send(LETTER)
    await server.mail().send(LETTER)
    first, again = server.office.letters
    assert (first["From"], first["To"]) == ("Centro <no-reply@example.org>", "ana@example.com")
    assert first["Subject"] == "Cambia tu contraseña"
    assert first.get_content().replace("\r\n", "\n") == LETTER.text
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"] == again["Message-ID"] == "<01a2@example.org>"


@pytest.mark.parametrize("answer", ["451 Try later", "550 No such mailbox", "554 Refused"])
async def test_what_is_not_taken_raises_so_that_the_job_tries_again(
    opened: Opener, answer: str
) -> None:
    server: Server = await opened()
    server.office.answer = answer
    with pytest.raises(aiosmtplib.SMTPException):
        await server.mail().send(LETTER)
    server.office.answer = "250 OK"
    await server.mail().send(LETTER)
    assert len(server.office.letters) == 1


async def test_nobody_there(opened: Opener) -> None:
    server: Server = await opened()
    server.port = 1
    with pytest.raises(OSError, match=r".*"):
        await server.mail().send(LETTER)


# The server's own: its end of the connection, and that it does not insist on STARTTLS too.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_by_tls_and_with_a_password(
    opened: Opener,
    certificate: tuple[Path, ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pem, context = certificate
    server: Server = await opened(context, auth_required=True, auth_require_tls=False)
    with pytest.raises(aiosmtplib.SMTPConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await server.mail("smtps", "centre:p%C3%A4%3Ass@").send(LETTER)
    assert server.office.passwords == [], "nothing is said to a server that is not known"
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await server.mail("smtps", "centre:wrong@").send(LETTER)
    await server.mail("smtps", "centre:p%C3%A4%3Ass@").send(LETTER)
    assert [letter["Subject"] for letter in server.office.letters] == ["Cambia tu contraseña"]


async def test_a_server_that_offers_tls_is_spoken_to_by_it(
    opened: Opener,
    certificate: tuple[Path, ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pem, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    server: Server = await opened(tls_context=context, require_starttls=True)
    await server.mail().send(LETTER)
    assert server.office.secure == [True]
