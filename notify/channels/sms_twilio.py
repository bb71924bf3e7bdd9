"""SMS through Twilio's Messages resource; what it calls back with is signed with the account's token."""

from __future__ import annotations

import base64
import hmac
import re
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from notify.channels import (
    Accepted,
    Callback,
    Forged,
    Incoming,
    Message,
    Nonsense,
    Reached,
    Receipt,
    TryLater,
    Undeliverable,
)
from notify.channels.exchange import Answer, Line, find, refused, sender_of, told, word
from server.sms_tables import TwilioTable

LONGEST_S = 14_400
"""Twilio tries for at most this long."""

GONE = frozenset({21211, 21214, 21217, 21614})
"""No such number, none that can be reached, none of a mobile phone: forget it."""

NEVER = frozenset({21408, 21610, 21612})
"""Not to this country, the recipient has opted out, no way there from this sender."""

LATER = frozenset({20003, 20005, 20429, 21603, 21606, 21611, 21212, 30001, 30022})
"""The account, its sender or its queue: not about this message."""

_REACHED = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), Reached.ACCEPTED),
    **dict.fromkeys(("delivered", "read"), Reached.DELIVERED),
    **dict.fromkeys(("undelivered", "failed", "canceled"), Reached.FAILED),
}


class Twilio:
    """A gateway."""

    def __init__(self, table: TwilioTable, token: str, sender: str, line: Line) -> None:
        account = quote(table.account, safe="")
        self._url = f"{table.url.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"
        self._account = table.account
        self._token = token
        self._from = {"MessagingServiceSid": table.service} if table.service else {"From": sender}
        self._line = line

    async def send(self, message: Message) -> Accepted:
        """See ``Channel.send``."""
        form = {
            "To": message.to,
            **self._from,
            "Body": message.text,
            "ValidityPeriod": str(min(max(1, message.ttl_s), LONGEST_S)),
        }
        if message.receipt_url:
            form["StatusCallback"] = message.receipt_url
        answer = await self._line.ask("POST", self._url, form=form, basic=(self._account, self._token))
        body = answer.json()
        if not answer.taken:
            raise self._refused(answer, body, message)
        ref, state = word(find(body, "sid")), word(find(body, "status"))
        if not re.fullmatch(r"[A-Z]{2}[0-9a-f]{32}", ref):
            raise TryLater(told(f"{answer.status} without a sid"))
        if _REACHED.get(state) is Reached.FAILED:
            code = find(body, "error_code")
            said = told(f"{answer.status} {state} {word(code)}", message.to)
            raise Undeliverable(said, gone=code in GONE)
        return Accepted(ref, told(f"{answer.status} {state}"))

    def _refused(self, answer: Answer, body: object, message: Message) -> TryLater | Undeliverable:
        code = find(body, "code")
        said = f"{answer.status} {word(code)} {word(find(body, 'message'))}"
        said = told(said, message.to, (self._token, message.text))
        if code in LATER or answer.status >= 500:
            return TryLater(said, answer.wait_s)
        if code in GONE or code in NEVER:
            return Undeliverable(said, gone=code in GONE)
        return refused(answer, said)

    def receipts(self, callback: Callback) -> list[Receipt]:
        """See ``Gateway.receipts``; only the address of one delivery says which one is meant."""
        form = self._signed(callback)
        if not callback.delivery:
            raise Nonsense("a receipt of Twilio must come to the address of its delivery")
        state = form.get("MessageStatus", "")
        if state not in _REACHED:
            raise Nonsense("MessageStatus is missing or unknown")
        code = " ".join(filter(None, (state, form.get("ErrorCode"))))
        return [Receipt(callback.delivery, _REACHED[state], told(code, form.get("To", "")))]

    def incoming(self, callback: Callback) -> list[Incoming]:
        """See ``Gateway.incoming``."""
        form = self._signed(callback)
        if "From" not in form or "Body" not in form:
            raise Nonsense("From or Body is missing")
        sender = sender_of(form["From"])
        return [] if sender is None else [Incoming(sender, form["Body"])]

    def _signed(self, callback: Callback) -> dict[str, str]:
        """The fields of a callback that Twilio has signed. Raises :class:`Forged`."""
        given = callback.headers.get("x-twilio-signature", "")
        fields: list[tuple[str, str]] = []
        if callback.method == "POST":
            fields = parse_qsl(callback.body.decode("utf-8", "replace"), keep_blank_values=True)
        signed = "".join(name + value for name, value in sorted(set(fields)))
        # Compared all, and each in constant time.
        matches = [
            hmac.compare_digest(_signature(self._token, url + signed).encode(), given.encode())
            for url in _spellings(callback.url)
        ]
        if not any(matches):
            raise Forged
        return dict(fields) if callback.method == "POST" else dict(callback.query)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._line.aclose()


def _signature(token: str, signed: str) -> str:
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def _spellings(url: str) -> set[str]:
    """The address as it was told, without the usual port and with it: Twilio signs now one, now the other."""
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    if usual is None or parts.hostname is None or parts.port not in (None, usual):
        return {url}
    bare = parts.netloc.removesuffix(f":{usual}")
    return {urlunsplit(parts._replace(netloc=netloc)) for netloc in (bare, f"{bare}:{usual}")} | {url}
