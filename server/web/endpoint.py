"""One endpoint of the API: how a request is let in, parsed, executed and answered."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from server import live
from server.access import COOKIE, Doorkeeper, Principal, Right, same_origin
from server.accounts import Accounts
from server.analyst import Analyst
from server.clock import HouseClock, real_now
from server.database import Database
from server.domain.appointment import Appointment
from server.domain.commands import Command
from server.domain.refusal import Code
from server.group import store_answer, stored_answer
from server.keys import Keys
from server.limits import Limit
from server.live import Decided, Key, KeyReused, Live, Site
from server.publisher import Publisher
from server.web import bodies
from server.web.errors import REFUSALS, Problem

SITE = "/sites/{site}"
"""The path template below which everything of a site lies."""

BODY_BYTES = 65_536
"""The longest body that is read."""

BODY_S = 10.0
"""How long a body may take to arrive, in real seconds."""

KEY_PATTERN = re.compile(r"[\x21-\x7e]{1,200}")
_PATH_KINDS: dict[str, Any] = {
    "ref": bodies.Ref,
    "visit": bodies.VisitName,
    "device": bodies.DeviceName,
    "delivery": bodies.DeliveryName,
    "recipient": bodies.RecipientName,
    "message": bodies.MessageName,
    "service": bodies.ServiceName,
}
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Pushing:
    """What a browser subscribes to, ``key``, and the push services that its subscription may be of."""

    key: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What handlers work with; put together in ``server.app``."""

    live: Live
    database: Database
    doorkeeper: Doorkeeper
    publisher: Publisher
    keys: Keys
    clock: HouseClock
    public_url: str
    accounts: Accounts
    guesses: Limit
    """Codes of devices that somebody typed and no device shows."""
    push: Pushing | None = None
    """How browsers subscribe; None where messages are not pushed."""
    analyst: Analyst = field(kw_only=True)
    """Who computes figures, beside the loop."""

    def link(self, visit: str) -> str:
        """A visit's own page, behind its secret."""
        return f"{self.public_url}/t/{self.keys.visit_secret(visit)}"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that was let in: who asks, about which site, with which names, body and query."""

    parts: Parts
    principal: Principal
    site: Site
    names: Mapping[str, str]
    body: Any
    query: Mapping[str, Any]

    @property
    def site_name(self) -> str:
        return self.site.house.site


@dataclass(frozen=True, slots=True)
class Plan:
    """What a command endpoint wants done: see ``live.Request``."""

    build: Callable[[Appointment | None], Command]
    answer: Callable[[Decided], msgspec.Struct]
    ref: str | None = None
    also: Callable[[sa.Connection, Decided], None] | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method on a path template, for who holds a right: ``plan`` (a command), ``act`` or ``read``.

    ``act`` changes what is not in the journal; see :func:`once`. ``query`` lists parameters with their
    types and whether they are required. ``refusals`` are the rules of the hall that may stand against
    it, ``others`` further problems of its own; what else may go wrong follows from the rest.
    """

    method: str
    path: str
    right: Right
    summary: str
    answer: Any
    body: type[bodies.Body] | None = None
    plan: Callable[[Ask], Plan] | None = None
    read: Callable[[Ask], Awaitable[msgspec.Struct | bytes]] | None = None
    act: Callable[[Ask, Key | None], Awaitable[bytes]] | None = None
    query: tuple[tuple[str, Any, bool], ...] = ()
    refusals: tuple[Code, ...] = ()
    others: tuple[tuple[int, str], ...] = ()

    @property
    def keyed(self) -> bool:
        """Whether it changes something, and so takes an idempotency key."""
        return self.read is None

    @property
    def names(self) -> list[str]:
        """The names in the path template, in order."""
        return re.findall(r"{(\w+)}", self.path)

    def problems(self) -> dict[int, list[str]]:
        """Every status that is no success, with every code under it: the whole list."""
        found = [
            *((401, "not-signed-in"), (403, "not-allowed"), (403, "foreign-origin"), (404, "unknown-site")),
            *((422, "invalid-query"), (503, "unavailable")),
        ]
        if "counter" in self.names:
            found += [(404, "unknown-counter")]
        if any(name in _PATH_KINDS for name in self.names):
            found += [(422, "invalid-path")]
        if self.body is not None:
            found += [(400, "malformed-json"), (400, "body-cut-short"), (408, "body-too-slow")]
            found += [(413, "body-too-large"), (415, "not-json"), (422, "invalid-body")]
        if self.keyed:
            found += [(400, "idempotency-key-invalid"), (422, "idempotency-key-reused")]
            found += [(400, "idempotency-key-required")] if self.method == "POST" else []
        found += [(REFUSALS[code][0], code.value) for code in self.refusals]
        found += self.others
        return {status: sorted({code for at, code in found if at == status}) for status, _ in sorted(found)}

    async def __call__(self, parts: Parts, request: Request) -> Response:
        """Answer a request; every way out that is no answer is an exception of ``web.errors``."""
        principal = await authenticate(parts.doorkeeper, request)
        check_origin(principal, request, parts.public_url)
        names = request.path_params
        counter = names.get("counter")
        if not principal.may(self.right, names["site"], counter):
            raise Problem(403, "not-allowed", "This token or session may not do that here.")
        site = parts.live.sites.get(names["site"])
        if site is None:
            raise Problem(404, "unknown-site", "There is no such site.")
        _check_names(names)
        if counter is not None and counter not in site.house.counters:
            raise Problem(404, "unknown-counter", f"There is no counter {counter} here.", counter=counter)
        query = self._query(request)
        raw = b"" if self.body is None else await read_body(request)
        body = None if self.body is None else parse(request, raw, self.body)
        ask = Ask(parts, principal, site, names, body, query)
        if self.read is not None:
            return answered(await self.read(ask))
        if self.act is not None:
            return answered(await self.act(ask, idempotency_key(request, principal.token, raw)))
        return await self._execute(ask, request, raw)

    async def _execute(self, ask: Ask, request: Request, raw: bytes) -> Response:
        assert self.plan is not None
        key = idempotency_key(request, ask.principal.token, raw)
        plan = self.plan(ask)
        body = await ask.parts.live.execute(
            live.Request(
                ask.site_name,
                plan.build,
                lambda decided: _encoder.encode(plan.answer(decided)),
                plan.ref,
                key,
                plan.also,
                accepted=request.scope.get("onthaal.accepted") or time.monotonic(),
            )
        )
        if self.answer is bodies.Ticketed:
            # Visit secrets are derived on the way out, so that no stored answer holds one.
            ticketed = msgspec.json.decode(body, type=bodies.Ticketed)
            ticketed.link = ask.parts.link(ticketed.visit)
            return answered(ticketed)
        return answered(body)

    def _query(self, request: Request) -> Mapping[str, Any]:
        given = request.query_params
        known = {name for name, _kind, _required in self.query}
        for name in given:
            if name not in known:
                raise Problem(422, "invalid-query", f"There is no query parameter {name}.", parameter=name)
            if len(given.getlist(name)) > 1:
                raise Problem(422, "invalid-query", f"Give {name} once.", parameter=name)
        values = {}
        for name, kind, required in self.query:
            if name in given:
                try:
                    values[name] = msgspec.convert(given[name], kind, strict=False)
                except msgspec.ValidationError as error:
                    raise Problem(422, "invalid-query", f"{name}: {_said(error)}.", parameter=name) from error
            elif required:
                raise Problem(422, "invalid-query", f"Give {name}.", parameter=name)
        return values


async def once(ask: Ask, key: Key | None, work: Callable[[sa.Connection], msgspec.Struct]) -> bytes:
    """Do something in one transaction with its stored answer; a retry gets the answer of the first time.

    Without a key, which only a POST needs, nothing is stored: a repetition changes nothing by itself.
    """
    return await once_at(ask.parts.database, ask.site_name, key, work)


async def once_at(
    database: Database, site: str, key: Key | None, work: Callable[[sa.Connection], msgspec.Struct]
) -> bytes:
    """The same as :func:`once`, for who is let in by a secret link."""

    def carry_out(connection: sa.Connection) -> bytes:
        if key is None:
            return _encoder.encode(work(connection))
        known = stored_answer(connection, site, key)
        if known is not None:
            if known[0] != key.hash:
                raise KeyReused
            return known[1]
        body = _encoder.encode(work(connection))
        store_answer(connection, site, key, body, real_now())
        return body

    return await database.write(carry_out)


def parse(request: Request, raw: bytes, kind: type[bodies.Body]) -> bodies.Body:
    """A JSON body, or none for an empty object, as its type. Raises a problem that says where it is wrong."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw and declared != "application/json":
        raise Problem(415, "not-json", "Send the body as application/json.")
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except msgspec.ValidationError as error:
        place = str(error).partition(" - at `$")[2].strip(".`")
        if not place:
            raise Problem(422, "invalid-body", f"{_said(error)}.") from error
        raise Problem(422, "invalid-body", f"{place}: {_said(error)}.", field=place) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "malformed-json", "The body is not JSON.") from error


def _said(error: msgspec.ValidationError) -> str:
    """What msgspec found wrong, without the place, and with patterns as everybody reads them."""
    said = str(error).partition(" - at `$")[0]
    return re.sub(r"matching regex '(.*)\\\\Z'", r"matching \1$", said)


def answered(body: msgspec.Struct | bytes, status: int = 200) -> Response:
    """A JSON answer that nobody may keep."""
    raw = body if isinstance(body, bytes) else _encoder.encode(body)
    return Response(raw, status, {"Cache-Control": "no-store"}, "application/json")


async def authenticate(doorkeeper: Doorkeeper, request: Request) -> Principal:
    """Who asks: by bearer token, else by a session's cookie."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    principal = None
    if scheme.lower() == "bearer":
        principal = await doorkeeper.by_token(token.strip())
    elif scheme == "" and (cookie := request.cookies.get(COOKIE)):
        principal = await doorkeeper.by_cookie(cookie)
    if principal is None:
        raise Problem(401, "not-signed-in", "Send a bearer token, or sign in.")
    return principal


def check_origin(principal: Principal | None, request: Request, public_url: str) -> None:
    """Keep other sites' pages from using a session: what changes something needs our own Origin."""
    origin = request.headers.get("origin")
    if origin is None:
        needed = request.method not in ("GET", "HEAD") and (principal is None or principal.by_cookie)
        if not needed:
            return
    elif same_origin(origin, request.headers.get("host", ""), public_url):
        return
    raise Problem(403, "foreign-origin", "This request does not come from a page of this house.")


async def read_body(request: Request) -> bytes:
    """The whole body, unless it is too long: then it is refused before it is read."""
    problem = Problem(413, "body-too-large", f"A body has at most {BODY_BYTES} bytes.", limit=BODY_BYTES)
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > BODY_BYTES:
        raise problem
    raw = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > BODY_BYTES:
                    raise problem
    except ClientDisconnect as error:
        raise Problem(400, "body-cut-short", "The connection ended before the body did.") from error
    except TimeoutError as error:
        raise Problem(408, "body-too-slow", "The body did not arrive in time.") from error
    return bytes(raw)


def _check_names(names: Mapping[str, str]) -> None:
    for name in names.keys() & _PATH_KINDS.keys():
        try:
            msgspec.convert(names[name], _PATH_KINDS[name])
        except msgspec.ValidationError as error:
            raise Problem(422, "invalid-path", f"{name}: {_said(error)}.", parameter=name) from error


def idempotency_key(request: Request, token: str, raw: bytes) -> Key | None:
    """The idempotency key, scoped to who asks: required on POST, where nothing else tells a retry from a
    second request."""
    value = request.headers.get("idempotency-key")
    if value is None:
        if request.method == "POST":
            raise Problem(400, "idempotency-key-required", "A POST needs an Idempotency-Key header.")
        return None
    if not KEY_PATTERN.fullmatch(value):
        raise Problem(400, "idempotency-key-invalid", "An Idempotency-Key has 1 to 200 printable characters.")
    hashed = hashlib.sha256(f"{request.method}\n{request.scope['path']}\n".encode() + raw).digest()
    return Key(token, value, hashed)


def check_own_page(request: Request, public_url: str) -> None:
    """Refuse the forms of other sites where a secret link is the right. Who sends no Origin is no browser."""
    origin = request.headers.get("origin")
    # Our own form says `null`, because our pages tell nobody where they are; the browser vouches for it.
    if origin == "null" and request.headers.get("sec-fetch-site") == "same-origin":
        return
    if origin is not None:
        check_origin(None, request, public_url)
