"""SMS through Kannel: ``sendsms`` of its smsbox, receipts by ``dlr-url``, incoming ones by ``sms-service``.

Kannel knows no signature: what vouches for its calls is the secret part of their address.
"""

from __future__ import annotations

import re
from email.message import Message as Headers
from urllib.parse import parse_qsl, urlsplit

from notify.channels import Accepted, Callback, Incoming, Message, Nonsense, Reached, Receipt, TryLater
from notify.channels.exchange import Line, decoded, refused, sender_of, told
from notify.sms_text import ROOM, Encoding, count
from server.sms_tables import KannelTable

MASK = 1 | 2 | 4 | 8 | 16
"""The receipts that are asked for: delivered, failed, kept by the centre, taken and refused by it."""

_REACHED = {
    "1": Reached.DELIVERED,
    "2": Reached.FAILED,
    "4": Reached.ACCEPTED,
    "8": Reached.ACCEPTED,
    "16": Reached.FAILED,
}


class Kannel:
    """A gateway."""

    def __init__(self, table: KannelTable, password: str, sender: str, line: Line) -> None:
        self._table = table
        self._password = password
        self._sender = sender
        self._line = line

    async def send(self, message: Message) -> Accepted:
        """See ``Channel.send``. Kannel gives no reference: receipts come to the delivery's own address."""
        gsm = count(message.text).encoding is Encoding.GSM7
        query = {
            "username": self._table.username,
            "password": self._password,
            "from": self._sender,
            "to": message.to,
            "text": message.text if gsm else whole_pairs(message.text),
            "coding": "0" if gsm else "2",
            "charset": "UTF-8",
            "validity": str(max(1, message.ttl_s // 60)),
        }
        if message.receipt_url:
            query |= {"dlr-mask": str(MASK), "dlr-url": _receipt_url(message.receipt_url)}
        answer = await self._line.ask("GET", self._table.url, query=query)
        said = f"{answer.status} {answer.text()}"
        code = told(said, message.to, (self._password, message.text))
        # 202 "0: Accepted for delivery", or "3: Queued for later delivery" while no centre is connected.
        if answer.status == 202 and re.match(rb"[0-9]+: ", answer.body):
            return Accepted(code=code)
        if answer.taken:
            raise TryLater(told(f"not Kannel's answer: {code}"))
        raise refused(answer, code)

    def receipts(self, callback: Callback) -> list[Receipt]:
        """See ``Gateway.receipts``; only the address of one delivery says which one is meant."""
        if not callback.delivery:
            raise Nonsense("a receipt of Kannel must come to the address of its delivery")
        state = callback.query.get("state", "")
        if state not in _REACHED:
            raise Nonsense("state is none of 1, 2, 4, 8 and 16")
        return [Receipt(callback.delivery, _REACHED[state], _code(state, callback.query.get("answer", "")))]

    def incoming(self, callback: Callback) -> list[Incoming]:
        """See ``Gateway.incoming``: what ``post-url`` brings, or ``get-url`` with ``sender`` and ``text``."""
        if callback.method == "POST":
            kind = Headers()
            kind["Content-Type"] = callback.headers.get("content-type", "text/plain")
            text = decoded(callback.body, kind.get_content_charset("utf-8"))
            written = callback.headers.get("x-kannel-from") or callback.query.get("sender")
        else:
            # Once more and raw: the query is in the character set that it names itself.
            charset = callback.query.get("charset", "utf-8")
            raw = dict(parse_qsl(urlsplit(callback.url).query, keep_blank_values=True, encoding="latin-1"))
            if "text" not in raw:
                raise Nonsense("text is missing")
            text, written = decoded(raw["text"].encode("latin-1"), charset), raw.get("sender")
        if not written:
            raise Nonsense("the sender is missing: set send-sender = true")
        sender = sender_of(written)
        return [] if sender is None else [Incoming(sender, text)]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._line.aclose()


def whole_pairs(text: str) -> str:
    """A text for UCS-2 whose parts Kannel cannot cut through a character.

    It cuts after every 67th unit, also between the two of an emoji, of which phones then make two boxes. A
    space before such a one moves it to the next part; the number of parts is that of moving it.
    """
    single, part = ROOM[Encoding.UCS2]
    if count(text).units <= single:
        return text
    made, units = [], 0
    for character in text:
        wide = 2 if ord(character) > 0xFFFF else 1
        if wide == 2 and units % part == part - 1:
            made.append(" ")
            units += 1
        made.append(character)
        units += wide
    return "".join(made)


def _receipt_url(url: str) -> str:
    """The address as Kannel fills it in: ``%d`` the state, ``%A`` what the centre said."""
    return f"{url.replace('%', '%%')}{'&' if '?' in url else '?'}state=%d&answer=%A"


def _code(state: str, answer: str) -> str:
    """A receipt's state with what the centre said; of an SMPP receipt only its state and error, because
    the beginning of the message stands in it too."""
    smpp = re.search(r"stat:(\w{1,10})(?:.*?\berr:(\w{1,10}))?", answer)
    if smpp:
        return " ".join(filter(None, (state, smpp[1], smpp[2])))
    acknowledged = re.match(r"(N?ACK)/([^/]{0,40})", answer)
    return told(" ".join(filter(None, (state, *(acknowledged.groups() if acknowledged else ())))))
