"""Letters to people who use the system: a port, and its answer by SMTP.

Whoever has a better way (the mail channel) answers the same port.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from config.settings import Mail as MailSettings
from contactcenter.core.errors import Unavailable

TIMEOUT_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Letter:
    """Plain text to one address. `id` is the same when the same letter is sent again."""

    id: str
    address: str
    subject: str
    text: str


class Mail(Protocol):
    """Sends letters."""

    async def send(self, letter: Letter) -> None:
        """Hand it over. Raises when it was not taken; the caller's job tries again."""
        ...


class NoMail:
    """A production system that was given no way to send letters."""

    async def send(self, letter: Letter) -> None:  # noqa: ARG002 -- the port's shape
        raise Unavailable("No mail server is known: set MAIL_URL.")


class SmtpMail:
    """Hands letters to a mail server (RFC 5321), by TLS unless it is on this machine."""

    def __init__(self, settings: MailSettings) -> None:
        assert settings.url is not None
        parts = urlsplit(settings.url.get_secret_value())
        assert parts.hostname is not None
        self._host = parts.hostname
        self._implicit_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._implicit_tls else 587)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._sender = settings.sender

    async def send(self, letter: Letter) -> None:
        import aiosmtplib  # only where there is a mail server

        local = self._host in {"localhost", "127.0.0.1", "::1"}
        await aiosmtplib.send(
            message_of(letter, self._sender),
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._implicit_tls,
            start_tls=None if local or self._implicit_tls else True,
            tls_context=ssl.create_default_context(),
            timeout=TIMEOUT_SECONDS,
        )


def message_of(letter: Letter, sender: str) -> EmailMessage:
    """The letter as a message. ValueError when an address or the subject would add a header."""
    name, address = parseaddr(sender)
    message = EmailMessage()
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(addr_spec=letter.address)
    message["Subject"] = letter.subject
    message["Message-ID"] = f"<{letter.id}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    message.set_content(letter.text)
    return message
