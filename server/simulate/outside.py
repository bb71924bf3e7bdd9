"""The public API as any other client meets it: bearer tokens, idempotency keys, patience.

A request whose answer was lost is sent again under the same key until the server says what became of
it, so that a restart of the server makes nothing happen twice and nothing be forgotten.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

GIVE_UP_S = 120.0
"""Real seconds after which a server that does not answer is taken to be gone."""

ANSWER_S = 15.0
"""Real seconds that one try may take: more than the server itself allows a command."""

LONGEST_WAIT_S = 2.0
"""Real seconds between two tries at most: the house's clock does not wait for us."""
CONNECTIONS = 8
_AGAIN = frozenset({429, 502, 503, 504})

Answer = dict[str, Any]
Query = Mapping[str, str | int]


class Refusal(Exception):
    """The server understood and said no; ``code`` is the problem's stable code."""

    def __init__(self, status: int, code: str, what: str) -> None:
        super().__init__(f"{what}: {status} {code}")
        self.status = status
        self.code = code


class Unanswered(Exception):
    """The server did not answer for :data:`GIVE_UP_S`."""


class Outside:
    """The API of one site. ``tokens`` holds a bearer token for each role that is used."""

    def __init__(
        self, url: str, site: str, tokens: Mapping[str, str], *, give_up_s: float = GIVE_UP_S
    ) -> None:
        self._prefix = f"/api/v1/sites/{site}"
        self._tokens = tokens
        self._give_up_s = give_up_s
        self._spread = Random()
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=ANSWER_S,
            limits=httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=60),
            trust_env=False,
        )

    async def __aenter__(self) -> Outside:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._http.aclose()

    async def get(self, role: str, path: str = "", **query: str | int) -> Answer:
        """Read ``/api/v1/sites/{site}{path}``."""
        return await self._ask(role, "GET", self._prefix + path, query=query)

    async def post(self, role: str, path: str, body: Answer | None = None) -> Answer:
        """Send a command, once, however often it has to be said."""
        return await self._ask(role, "POST", self._prefix + path, body or {})

    async def put(self, role: str, path: str, body: Answer) -> Answer:
        """Make something be so; saying it again changes nothing."""
        return await self._ask(role, "PUT", self._prefix + path, body)

    async def delete(self, role: str, path: str) -> Answer:
        """Take something away."""
        return await self._ask(role, "DELETE", self._prefix + path)

    async def answer(self, secret: str, says: str, body: Answer | None = None) -> Answer:
        """Answer for the citizen of an appointment, by the secret of its link: that is all it takes."""
        return await self._ask(None, "POST", f"/api/v1/appointments/{secret}/{says}", body or {})

    async def rate(self, secret: str, body: Answer) -> Answer:
        """Say how a visit was, by the secret of its ticket's link."""
        return await self._ask(None, "POST", f"/api/v1/visits/{secret}/satisfaction", body)

    async def _ask(
        self,
        role: str | None,
        method: str,
        path: str,
        body: Answer | None = None,
        query: Query | None = None,
    ) -> Answer:
        """The answer. Raises :class:`Refusal` or :class:`Unanswered`."""
        headers = {} if role is None else {"Authorization": f"Bearer {self._tokens[role]}"}
        # A secret link is told to nobody.
        told = path.removeprefix(self._prefix) if role is not None else path.rsplit("/", 1)[1]
        if method == "POST":
            headers["Idempotency-Key"] = uuid4().hex
        gone_at = time.monotonic() + self._give_up_s
        wait_s = 0.1
        while True:
            asked_to_wait_s = 0.0
            try:
                answer = await self._http.request(
                    method, path, json=body, params=query or None, headers=headers
                )
            except httpx.TransportError as error:
                what = f"{method} {told}: {type(error).__name__}"
            else:
                if answer.is_success:
                    found: Answer = answer.json()
                    return found
                if answer.status_code not in _AGAIN:
                    raise Refusal(answer.status_code, _code(answer), f"{method} {told}")
                what = f"{method} {told}: {answer.status_code}"
                asked_to_wait_s = _seconds(answer.headers.get("Retry-After"))
            pause_s = max(asked_to_wait_s, self._spread.uniform(0.5, 1.0) * wait_s)
            if time.monotonic() + pause_s > gone_at:
                raise Unanswered(what)
            await asyncio.sleep(pause_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def secret_of(link: str) -> str:
    """What the link of a ticket ends with."""
    return urlsplit(link).path.rsplit("/", 1)[1]


def _code(answer: httpx.Response) -> str:
    """The problem's code, or what stands in for it where something else than Onthaal answered."""
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return "no-code"


def _seconds(retry_after: str | None) -> float:
    """``Retry-After`` in seconds; a date is as good as nothing between two programs on one machine."""
    return min(float(retry_after), 60.0) if retry_after is not None and retry_after.isdigit() else 0.0
