"""One exchange with a gateway over HTTP: asked within a time, answered with whatever came, told in short.

Nothing here repeats a request, follows a redirect or writes an address to a log: there are people's numbers
in them.
"""

from __future__ import annotations

import asyncio
import html
import json
import logging
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import msgspec

from notify import phones
from notify.channels import Nonsense, TryLater, Undeliverable
from server.clock import real_now
from server.domain.schedule import SECOND, to_instant

CODE_CHARACTERS = 200
SAID_CHARACTERS = 20_000
ANSWER_BYTES = 65_536
WISH_S = 3600.0
"""A gateway's own wish to be left alone is heard up to this long, in real seconds."""

OURS_TO_MEND = frozenset({401, 402, 403, 404, 405, 407, 408, 425, 429})
"""Statuses that are not about this message: the account, the address or the moment. What is put right there
lets the message through."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway answered: ``wait_s`` is how long it asks to be left alone, 0 where it does not say."""

    status: int
    body: bytes
    wait_s: float

    @property
    def taken(self) -> bool:
        """Whether the status line says so."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON, or None where it is something else."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


@cache
def _tls() -> ssl.SSLContext:
    """Read once: it takes longer than an exchange."""
    return httpx.create_ssl_context(trust_env=False)


def client(at_once: int) -> httpx.AsyncClient:
    """A client with at most so many connections. Its own log would hold every address: it is kept quiet."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.AsyncClient(
        limits=httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once),
        verify=_tls(),
        trust_env=False,
        follow_redirects=False,
        timeout=None,
        headers={"User-Agent": "Onthaal", "Accept-Encoding": "identity"},
    )


async def ask(client: httpx.AsyncClient, request: httpx.Request, timeout_s: float) -> Answer:
    """A gateway's answer, within ``timeout_s`` real seconds. Raises :class:`TryLater` where there is none.

    After a timeout or a cut it is not known whether the gateway has the message; that is "try later" too.
    """
    try:
        async with asyncio.timeout(timeout_s):
            response = await client.send(request, stream=True)
            try:
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > ANSWER_BYTES:
                        raise TryLater(f"{response.status_code} too long")
            finally:
                await response.aclose()
    except TimeoutError:
        raise TryLater("no answer in time") from None
    except httpx.ConnectError:
        raise TryLater("not reached") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TryLater(f"no whole answer: {type(error).__name__}") from None
    return Answer(response.status_code, bytes(body), _wait_s(response.headers.get("retry-after", "")))


def _wait_s(written: str) -> float:
    """``Retry-After``: seconds, or a date."""
    if re.fullmatch(r"[0-9]{1,9}", written):
        return min(float(written), WISH_S)
    try:
        until = parsedate_to_datetime(written)
    except ValueError:
        return 0.0
    if until.tzinfo is None:
        return 0.0
    return min(max(0.0, (to_instant(until) - real_now()) / SECOND), WISH_S)


def refused(answer: Answer, code: str) -> TryLater | Undeliverable:
    """What an answer that took nothing means by its status alone."""
    if 400 <= answer.status < 500 and answer.status not in OURS_TO_MEND:
        return Undeliverable(code)
    return TryLater(code, answer.wait_s)


def told(said: str, number: str = "", hidden: Iterable[str] = ()) -> str:
    """What a gateway said, on one line and short, without the number, and without anything in ``hidden``."""
    said = said[:SAID_CHARACTERS]
    for each in filter(None, hidden):
        for spelling in sorted(_spellings(each), key=len, reverse=True):
            said = said.replace(spelling, "…")
    last = re.sub(r"\D", "", number)[-8:]
    if last:
        # However it is written: +32 470 12 34 56, 0032470123456, 0470/12.34.56
        said = re.sub(r"[+(]?\d(?:[ ()./\-+]{0,2}\d)*", lambda run: _without(run[0], last), said)
        said = said.replace(quote(number, safe=""), "…")
    said = re.sub(r"[\x00-\x20\x7f-\x9f]+", " ", said).strip()
    return said if len(said) <= CODE_CHARACTERS else said[: CODE_CHARACTERS - 1] + "…"


def _spellings(text: str) -> set[str]:
    """A text as it may come back: plain, in a URL, in JSON, in HTML."""
    urls = {quote(text), quote(text, safe=""), quote_plus(text)}
    return {text, html.escape(text), *urls, *(json.dumps(text, ensure_ascii=a)[1:-1] for a in (True, False))}


def _without(run: str, last: str) -> str:
    return "…" if last in re.sub(r"\D", "", run) else run


def sender_of(written: str) -> str | None:
    """Who sent a message, as E.164; None for a short code or a name, to whom nothing here belongs.

    Gateways write numbers with their country: ``+32…``, ``0032…`` or ``32…``.
    """
    digits = re.sub(r"[\s()./\-]", "", written).removeprefix("+")
    try:
        return phones.e164("+" + digits.removeprefix("00"), "BE")
    except phones.BadPhone:
        return None


def find(value: Any, path: str) -> Any:
    """What stands at a path of names and numbers with dots between, or None; at "" the whole."""
    for step in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def word(value: Any) -> str:
    """A value of JSON as settings write it; "" for what is no single value."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


def decoded(raw: bytes, charset: str) -> str:
    """Bytes of a callback as text. Raises :class:`Nonsense`."""
    try:
        return raw.decode(charset)
    except (LookupError, UnicodeError, ValueError):
        raise Nonsense("is not text in the character set that it names") from None
