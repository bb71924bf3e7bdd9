"""One exchange with a gateway over HTTP: asked within a time, answered with whatever came, told in short.

Nothing here repeats a request, follows a redirect or writes an address to a log: there are people's numbers
in them.
"""

from __future__ import annotations

import asyncio
import base64
import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import aiohttp
import msgspec
from yarl import URL

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


class Line:
    """The connections to a gateway: at most ``at_once``, each exchange within ``timeout_s`` real seconds."""

    def __init__(self, at_once: int, timeout_s: float) -> None:
        self._at_once = at_once
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: Any = None,
        basic: tuple[str, str] | None = None,
    ) -> Answer:
        """A gateway's answer to a request with a form, or with ``body`` as JSON.

        Raises :class:`TryLater` where there is none. After a timeout or a cut it is not known whether the
        gateway has the message; that is "try later" too.
        """
        if query:
            url += ("&" if "?" in url else "?") + urlencode(query)
        sent = dict(headers or {})
        if basic:
            sent["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
        data = None
        if form:
            data, sent["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        elif body:
            data, sent["Content-Type"] = msgspec.json.encode(body), "application/json"
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._opened().request(
                    method, URL(url, encoded=True), headers=sent, data=data, allow_redirects=False
                ) as response,
            ):
                got = bytearray()
                async for chunk in response.content.iter_any():
                    got += chunk
                    if len(got) > ANSWER_BYTES:
                        raise TryLater(f"{response.status} too long")
                wait_s = _wait_s(response.headers.get("Retry-After", ""))
                return Answer(response.status, bytes(got), wait_s)
        except TimeoutError:
            raise TryLater("no answer in time") from None
        except aiohttp.ClientConnectorError:
            raise TryLater("not reached") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TryLater(f"no whole answer: {type(error).__name__}") from None

    def _opened(self) -> aiohttp.ClientSession:
        """Made at the first exchange, because it belongs to the loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._at_once),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": "Onthaal", "Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
            )
            # A GET of Kannel sends a message: after a cut it may not go out again unseen.
            self._session._retry_connection = False
        return self._session

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


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
