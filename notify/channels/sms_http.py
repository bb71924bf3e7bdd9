"""SMS through a gateway that takes a message by one HTTP request, as the settings describe it.

Templates are structures, not text: each of their texts is filled in by itself, and the whole is encoded
afterwards, so that nothing in a message can change the request around it.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

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
from server.sms_tables import PLACEHOLDER, HttpTable, Written

ITEMS = 1000
"""Receipts or messages that one callback may bring."""


class HttpGateway:
    """A gateway."""

    def __init__(
        self,
        table: HttpTable,
        key: str,
        signing_key: str,
        sender: str,
        line: Line,
    ) -> None:
        self._table = table
        self._key = key
        self._signing_key = signing_key
        self._sender = sender
        self._line = line
        receipts = table.receipts
        self._reached = {
            **dict.fromkeys(receipts.accepted, Reached.ACCEPTED),
            **dict.fromkeys(receipts.delivered, Reached.DELIVERED),
            **dict.fromkeys(receipts.failed, Reached.FAILED),
        }

    async def send(self, message: Message) -> Accepted:
        """See ``Channel.send``."""
        answer = await self._asked(message)
        table = self._table.answer
        body = answer.json()
        state = word(find(body, table.state)) if table.state else ""
        # The body stands in the code only where it is the state that was asked for: it may repeat the text.
        said = f"{answer.status} {state}"
        if not answer.taken and not state:
            said += answer.text()
        code = told(said, message.to, (self._key, message.text))
        if answer.status == 429 or answer.status >= 500:
            raise TryLater(code, answer.wait_s)
        if state and state in table.try_later:
            raise TryLater(code, answer.wait_s)
        if state and state in table.undeliverable:
            raise Undeliverable(code)
        if not answer.taken:
            raise refused(answer, code)
        if table.state and state not in table.accepted:
            raise _unclear(answer, code, state)
        return Accepted(told(word(find(body, table.reference)), message.to) if table.reference else "", code)

    async def _asked(self, message: Message) -> Answer:
        values = {
            "to": message.to,
            "digits": message.to.removeprefix("+"),
            "text": message.text,
            "sender": self._sender,
            "reference": message.delivery,
            "callback": message.receipt_url,
            "language": message.language,
            "key": self._key,
        }
        table = self._table
        headers = _filled(table.headers, values)
        if table.idempotency_header:
            headers[table.idempotency_header] = message.delivery
        return await self._line.ask(
            table.method.value,
            table.url,
            query=_filled(table.query, values),
            headers=headers,
            form=_filled(table.form, values),
            body=_filled(table.json, values),
            basic=(table.user, self._key) if table.user else None,
        )

    def receipts(self, callback: Callback) -> list[Receipt]:
        """See ``Gateway.receipts``. A state that is in no list says nothing yet, and is passed over."""
        table = self._table.receipts
        found = []
        for item in self._items(callback, table.items):
            reference, state = word(find(item, table.reference)), word(find(item, table.state))
            if not state:
                raise Nonsense("a receipt without its state")
            if callback.delivery and reference not in ("", callback.delivery):
                raise Nonsense("a receipt of another delivery than that of its address")
            if not callback.delivery and not (table.reference and reference):
                raise Nonsense("a receipt without a reference, at an address for all")
            if state in self._reached:
                detail = word(find(item, table.detail)) if table.detail else ""
                code = told(" ".join(filter(None, (state, detail))))
                found.append(Receipt(callback.delivery or reference, self._reached[state], code))
        return found

    def incoming(self, callback: Callback) -> list[Incoming]:
        """See ``Gateway.incoming``."""
        table = self._table.incoming
        if not table.sender or not table.text:
            raise Nonsense("the settings do not say how a message is read")
        found = []
        for item in self._items(callback, table.items):
            written, text = word(find(item, table.sender)), find(item, table.text)
            if not written or not isinstance(text, str):
                raise Nonsense("a message without its sender or its text")
            sender = sender_of(written)
            if sender is not None:
                found.append(Incoming(sender, text))
        return found

    def _items(self, callback: Callback, path: str) -> list[Any]:
        self._check_signature(callback)
        body = _fields(callback)
        items = find(body, path)
        if isinstance(items, dict):
            return [items]
        if not isinstance(items, list):
            raise Nonsense("nothing where its items should be")
        if len(items) > ITEMS:
            raise Nonsense(f"more than {ITEMS} items")
        return items

    def _check_signature(self, callback: Callback) -> None:
        table = self._table.signature
        if not table.header:
            return
        mac = hmac.digest(self._signing_key.encode(), callback.body, table.digest.value)
        written = mac.hex() if table.written is Written.HEX else base64.b64encode(mac).decode()
        given = callback.headers.get(table.header.lower(), "")
        if table.written is Written.HEX:
            given = given.removeprefix(table.prefix).lower()
        else:
            given = given.removeprefix(table.prefix)
        if not hmac.compare_digest(given.encode(), written.encode()):
            raise Forged

    async def aclose(self) -> None:
        """Close the connections."""
        await self._line.aclose()


def _unclear(answer: Answer, code: str, state: str) -> TryLater:
    """A success whose state is none of those that mean acceptance: nobody knows what it is."""
    return TryLater(code if state else told(f"{answer.status} without its state"), answer.wait_s)


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    """A template with its placeholders filled in, once: what stands in a value is never one."""
    if isinstance(template, str):
        return PLACEHOLDER.sub(lambda match: values[match[1]], template)
    if isinstance(template, dict):
        return {key: _filled(inner, values) for key, inner in template.items()}
    if isinstance(template, list | tuple):
        return [_filled(inner, values) for inner in template]
    return template


def _fields(callback: Callback) -> Any:
    """What a callback says: the query of a GET, else a form or JSON. Raises :class:`Nonsense`."""
    if callback.method == "GET":
        return dict(callback.query)
    kind = callback.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(callback.body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return msgspec.json.decode(callback.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Nonsense("is not JSON") from None
