"""E-mail through the city's own mail server: text, HTML and a calendar file.

Accepted means that the server has taken it: nothing later says more, so for e-mail that is what counts as
reached. A server that refuses the recipient says so at once, most only by a letter that nobody here reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import hashlib
import re
import ssl
import time
from email.headerregistry import Address
from email.message import EmailMessage

import aiosmtplib

from notify.channels import Accepted, Message, TryLater, Undeliverable
from server.channel_tables import MailTable, Tls, address, secret

MANY = 100
"""Messages over one connection; some servers close it after as many, in the middle of a message."""
FRESH_S = 5.0
"""A connection that was used this recently is taken as it is; after a longer rest it is asked first."""
GOODBYE_S = 2.0
CALENDAR_NAME = "appointment.ics"

_CODE = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_GONE = {"5.1.1", "5.1.6", "5.1.10", "5.2.1"}
"""Enhanced codes (RFC 3463): no such mailbox, moved away, null domain (RFC 7505), disabled."""
_UNKNOWN = re.compile(
    r"user (is )?(unknown|not found)|(unknown|no such) (user|recipient|mailbox|address|person)"
    r"|does ?n[o']t exist|mailbox (not found|unavailable)",
    re.IGNORECASE,
)
SAID_CHARACTERS = 160
_REFUSALS = (
    aiosmtplib.SMTPResponseException,
    aiosmtplib.SMTPRecipientsRefused,
    aiosmtplib.SMTPNotSupported,
)
"""After these a connection is good for the next message; after anything else nobody knows."""


def channel(table: MailTable) -> Mail:
    """What carries e-mail. Raises ``ConfigError`` where the environment does not have the password."""
    return Mail(table)


class Mail:
    """Sends over at most ``at_once`` connections, which stay open for the next messages.

    ``trusted`` goes in place of the machine's certificates.
    """

    def __init__(self, table: MailTable, *, trusted: ssl.SSLContext | None = None) -> None:
        self._table = table
        self._sender = address(table.sender)
        self._password = secret(table.password)
        self._trusted = trusted or ssl.create_default_context()
        self._places = asyncio.Semaphore(table.at_once)
        self._idle: list[_Line] = []
        self._closed = False

    async def send(self, message: Message) -> Accepted:
        """Hand a message to the mail server; see :class:`notify.channels.Channel`."""
        try:
            written = compose(message, self._sender)
            to = address(message.to).addr_spec
        except ValueError:
            raise Undeliverable("bad-address: not one mail address") from None
        async with self._places:
            try:
                async with asyncio.timeout(self._table.timeout_s):
                    return await self._send(written, to)
            except TimeoutError:
                raise TryLater("timeout") from None

    async def aclose(self) -> None:
        """Say goodbye on all connections that rest; those in use are closed after their message."""
        self._closed = True
        while self._idle:
            client = self._idle.pop().client
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await client.quit()
            client.close()

    async def _send(self, written: EmailMessage, to: str) -> Accepted:
        try:
            line = await self._line()
        except Exception as error:
            raise TryLater(self._said(error, to)) from None
        try:
            _refused, said = await line.client.send_message(
                written, sender=self._sender.addr_spec, recipients=[to]
            )
        except _REFUSALS as error:
            self._rest(line)
            raise self._failed(error, to) from None
        except Exception as error:
            line.client.close()
            raise self._failed(error, to) from None
        except BaseException:
            # Cancelled in the middle of a message: nobody knows what the server waits for.
            line.client.close()
            raise
        self._rest(line)
        return Accepted(str(written["Message-ID"]), self._clean(f"250 {said}", to))

    async def _line(self) -> _Line:
        """A connection that works: one that rests, else a new one."""
        while self._idle:
            line = self._idle.pop()
            if await line.works():
                return line
            line.client.close()
        client = aiosmtplib.SMTP(
            hostname=self._table.host,
            port=self._table.port,
            username=self._table.user or None,
            password=self._password or None,
            local_hostname=self._sender.domain,
            timeout=float(self._table.timeout_s),
            use_tls=self._table.tls is Tls.TLS,
            start_tls=self._table.tls is Tls.STARTTLS,
            tls_context=self._trusted,
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return _Line(client)

    def _rest(self, line: _Line) -> None:
        line.sent += 1
        line.used_at = time.monotonic()
        if self._closed or line.sent >= MANY or not line.client.is_connected:
            line.client.close()
        else:
            self._idle.append(line)

    def _failed(self, error: Exception, to: str) -> TryLater | Undeliverable:
        """What a failure means for the message."""
        said = self._said(error, to)
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            refused = error.recipients[0]
            if refused.code < 500:
                return TryLater(said)
            found = _CODE.search(refused.message)
            unknown = found[0] in _GONE if found else bool(_UNKNOWN.search(refused.message))
            return Undeliverable(said, gone=unknown)
        if isinstance(error, aiosmtplib.SMTPDataError) and error.code >= 500:
            return Undeliverable(said)
        if isinstance(error, aiosmtplib.SMTPNotSupported):
            return Undeliverable("no-smtputf8: the server takes no address with such letters")
        # A sender that is refused is the configuration's fault, and not the recipient's.
        return TryLater(said)

    def _said(self, error: Exception, to: str) -> str:
        """A failure in a few words, what the server said among them."""
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            error = error.recipients[0]
        if isinstance(error, aiosmtplib.SMTPResponseException):
            kinds = {
                aiosmtplib.SMTPAuthenticationError: "sign-in: ",
                aiosmtplib.SMTPSenderRefused: "sender: ",
            }
            return self._clean(f"{kinds.get(type(error), '')}{error.code} {error.message}", to)
        if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            return "tls: the certificate or the handshake is not good"
        if isinstance(error, TimeoutError):
            return "timeout"
        if isinstance(error, aiosmtplib.SMTPConnectError):
            return "no-connection"
        if isinstance(error, (aiosmtplib.SMTPServerDisconnected, OSError)):
            return "connection-cut"
        return self._clean(f"{type(error).__name__}: {error}", to)

    def _clean(self, said: str, to: str) -> str:
        """What a server said without what must not be kept: it may repeat the address, or the password."""
        for hidden in filter(None, (self._password, to)):
            said = re.sub(re.escape(hidden), "…", said, flags=re.IGNORECASE)
        return " ".join(said.split())[:SAID_CHARACTERS]


class _Line:
    """A connection that is signed in."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self.client = client
        self.sent = 0
        self.used_at = time.monotonic()

    async def works(self) -> bool:
        """Whether a message may be sent over it: the server may have closed it meanwhile."""
        if not self.client.is_connected:
            return False
        if time.monotonic() - self.used_at < FRESH_S:
            return True
        try:
            await self.client.noop()
        except (aiosmtplib.SMTPException, OSError):
            return False
        return True


def compose(message: Message, sender: Address) -> EmailMessage:
    """The mail as it is sent. Raises ``ValueError`` for a recipient that is not one address."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = address(message.to)
    mail["Subject"] = _one_line(message.subject)
    mail["Date"] = email.utils.localtime()
    # The same for each attempt, so that who gets two of them can tell.
    digest = hashlib.sha256(message.delivery.encode()).hexdigest()[:32]
    mail["Message-ID"] = f"<{digest}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    # Exchange knows no Auto-Submitted: this keeps it from answering that somebody is away.
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = _one_line(message.language)
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    if message.calendar is not None:
        _add_calendar(mail, message.calendar)
    return mail


def _add_calendar(mail: EmailMessage, calendar: bytes) -> None:
    """The calendar file twice: Outlook and Gmail read the alternative, others offer the attachment."""
    method = re.search(rb"^METHOD:([A-Z]+)\r?$", calendar, re.MULTILINE)
    params = {"method": method[1].decode() if method else "PUBLISH"}
    mail.add_alternative(calendar.decode("utf-8"), subtype="calendar", params=params)
    mail.add_attachment(calendar, maintype="application", subtype="ics", filename=CALENDAR_NAME)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
