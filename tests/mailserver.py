"""A real SMTP server on loopback that keeps what it is sent, and refuses what a test tells it to."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class MailServer:
    """Speaks SMTP in the test's own loop; the attributes are what it answers."""

    def __init__(self, shown: ssl.SSLContext | None = None, **options: Any) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.connections = 0
        self.all: set[Any] = set()
        self.open: set[Any] = set()
        self.most = 0
        """Connections at the same time, at most."""
        self.asked = 0
        """How often it was given a recipient."""
        self.to_recipient = "250 ok"
        self.to_sender = "250 ok"
        self.to_data = "250 taken as 4711"
        self.answers = asyncio.Event()
        """Cleared, it does not answer to a recipient."""
        self.answers.set()
        self._shown = shown
        self._options = {"tls_context": shown, **options}
        self.port = 0

    async def start(self, *, at_once_encrypted: bool = False) -> MailServer:
        loop = asyncio.get_running_loop()
        options = {**self._options, "tls_context": None} if at_once_encrypted else self._options
        self._server = await loop.create_server(
            lambda: Counted(self, hostname="mx", enable_SMTPUTF8=True, loop=loop, **options),
            "127.0.0.1",
            0,
            ssl=self._shown if at_once_encrypted else None,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def cut(self) -> None:
        """Break every connection."""
        for each in list(self.open):
            if each.transport is not None:
                each.transport.abort()

    async def close(self) -> None:
        self._server.close()
        self.answers.set()
        self.cut()
        await self._server.wait_closed()
        own = [each._handler_coroutine for each in self.all if each._handler_coroutine]
        for each in own:
            each.cancel()
        await asyncio.gather(*own, return_exceptions=True)

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        if self.to_sender.startswith("250"):
            envelope.mail_from, envelope.mail_options = sender, options
        return self.to_sender

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, to: str, _options: list[str]
    ) -> str:
        self.asked += 1
        await self.answers.wait()
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(to)
        return self.to_recipient

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.to_data.startswith("250"):
            assert isinstance(envelope.content, bytes)
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.mails.append(mail)
            self.envelopes.append(envelope)
        return self.to_data


class Counted(SMTP):
    """A connection that its server knows of."""

    def connection_made(self, transport: Any) -> None:
        if self not in self.event_handler.open:
            self.event_handler.open.add(self)
            self.event_handler.all.add(self)
            self.event_handler.connections += 1
            self.event_handler.most = max(self.event_handler.most, len(self.event_handler.open))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.open.discard(self)
        super().connection_lost(error)


def only(user: str, password: str) -> Any:
    """Lets nobody else sign in; the refusal repeats what it was given, as some servers do."""

    def asked(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: LoginPassword) -> Any:
        if (data.login, data.password) == (user.encode(), password.encode()):
            return AuthResult(success=True)
        said = f"535 5.7.8 {data.password.decode()} is not the password of {data.login.decode()}"
        return AuthResult(success=False, handled=False, message=said)

    return asked
