"""Who may do what: roles, bearer tokens, sessions of browsers. The one table of rights is here."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import sqlalchemy as sa

from server import database as db
from server.clock import real_now
from server.database import Database
from server.domain.schedule import SECOND
from server.keys import fresh_id, token_hash

COOKIE = "__Host-onthaal"
SESSION_S = 14 * 86_400
"""How long a browser stays signed in, in real seconds."""

CACHE_S = 1.0
"""How long a token or session is believed without asking the database again, in real seconds."""

CACHED = 10_000


class Role(StrEnum):
    """What a token or session is for."""

    SCREEN = "screen"
    KIOSK = "kiosk"
    RECEPTION = "reception"
    COUNTER = "counter"
    SUPERVISOR = "supervisor"
    INTEGRATOR = "integrator"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What one may be allowed to do; every route and topic names one."""

    SEE_SITE = "see-site"
    WATCH_HALL = "watch-hall"
    WATCH_COUNTER = "watch-counter"
    WATCH_RECEPTION = "watch-reception"
    WATCH_MANAGEMENT = "watch-management"
    BOOK = "book"
    ANNOUNCE_LATE = "announce-late"
    REPORT = "report"
    NOTE_CAME = "note-came"
    DRAW_TICKET = "draw-ticket"
    HANDLE_VISIT = "handle-visit"
    RETURN_VISIT = "return-visit"
    RUN_COUNTER = "run-counter"
    READ_JOURNAL = "read-journal"
    READ_FIGURES = "read-figures"
    READ_METRICS = "read-metrics"
    SEARCH_APPOINTMENTS = "search-appointments"


_R = Role
RIGHTS: dict[Right, frozenset[Role]] = {
    Right.SEE_SITE: frozenset(Role),
    Right.WATCH_HALL: frozenset(Role),
    Right.WATCH_COUNTER: frozenset({_R.COUNTER, _R.SUPERVISOR}),
    Right.WATCH_RECEPTION: frozenset({_R.RECEPTION, _R.SUPERVISOR}),
    Right.WATCH_MANAGEMENT: frozenset({_R.SUPERVISOR}),
    Right.BOOK: frozenset({_R.INTEGRATOR}),
    Right.ANNOUNCE_LATE: frozenset({_R.INTEGRATOR, _R.RECEPTION}),
    Right.REPORT: frozenset({_R.RECEPTION, _R.KIOSK, _R.COUNTER}),
    Right.NOTE_CAME: frozenset({_R.RECEPTION, _R.COUNTER}),
    Right.DRAW_TICKET: frozenset({_R.RECEPTION, _R.KIOSK}),
    Right.HANDLE_VISIT: frozenset({_R.RECEPTION, _R.COUNTER}),
    Right.RETURN_VISIT: frozenset({_R.RECEPTION, _R.KIOSK, _R.COUNTER}),
    Right.RUN_COUNTER: frozenset({_R.COUNTER}),
    Right.READ_JOURNAL: frozenset({_R.SUPERVISOR, _R.ADMINISTRATOR}),
    Right.READ_FIGURES: frozenset({_R.SUPERVISOR}),
    Right.READ_METRICS: frozenset({_R.ADMINISTRATOR}),
    Right.SEARCH_APPOINTMENTS: frozenset({_R.RECEPTION}),
}
"""The table of rights: which roles have which."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the token behind it, and whether it came as a browser's session."""

    token: str
    site: str
    role: Role
    counter: str | None
    by_cookie: bool = False

    def may(self, right: Right, site: str, counter: str | None = None) -> bool:
        """Whether this right is held at that site, and at that counter where one is meant."""
        if self.site != site or self.role not in RIGHTS[right]:
            return False
        return counter is None or self.counter is None or self.counter == counter


def create_token(connection: sa.Connection, site: str, role: Role, counter: str | None) -> str:
    """A new bearer token; only its hash is stored. Shape: ``ont_<id>_<secret>``."""
    identity, secret = fresh_id(), secrets.token_urlsafe(32)
    connection.execute(
        db.token.insert(),
        {
            "id": identity,
            "site": site,
            "role": role.value,
            "counter": counter,
            "hash": token_hash(secret),
            "created_at": real_now(),
        },
    )
    return f"ont_{identity}_{secret}"


def revoke_token(connection: sa.Connection, identity: str) -> bool:
    """Forget a token and the sessions begun with it; False where there is none of that id.

    A running server follows within :data:`CACHE_S`; who watches is dismissed at the next recheck.
    """
    connection.execute(db.session.delete().where(db.session.c.token == identity))
    return connection.execute(db.token.delete().where(db.token.c.id == identity)).rowcount > 0


class Doorkeeper:
    """Finds out who asks. Answers of the database are believed for :data:`CACHE_S`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache: OrderedDict[bytes, tuple[float, Principal | None]] = OrderedDict()

    async def by_token(self, token: str) -> Principal | None:
        """Who holds a bearer token, or None."""
        return await self._cached(b"t" + token_hash(token), lambda connection: _by_token(connection, token))

    async def by_cookie(self, cookie: str) -> Principal | None:
        """Whose session a cookie is, or None."""
        hashed = token_hash(cookie)
        return await self._cached(b"c" + hashed, lambda connection: _by_session(connection, hashed))

    async def sign_in(self, principal: Principal) -> str:
        """A new session for who holds a token; the value of its cookie."""
        cookie = secrets.token_urlsafe(32)
        row = {
            "hash": token_hash(cookie),
            "token": principal.token,
            "expires_at": real_now() + SESSION_S * SECOND,
        }
        await self._database.write(lambda connection: connection.execute(db.session.insert(), row) and None)
        return cookie

    async def sign_out(self, cookie: str) -> None:
        """End a session at once."""
        hashed = token_hash(cookie)
        table = db.session
        await self._database.write(
            lambda connection: connection.execute(table.delete().where(table.c.hash == hashed)) and None
        )
        self._cache.pop(b"c" + hashed, None)

    async def _cached(self, key: bytes, find: db.Work[Principal | None]) -> Principal | None:
        known = self._cache.get(key)
        now = time.monotonic()
        if known is not None and known[0] > now:
            return known[1]
        found = await self._database.read(find)
        self._cache[key] = (now + CACHE_S, found)
        self._cache.move_to_end(key)
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)
        return found


def _by_token(connection: sa.Connection, token: str) -> Principal | None:
    kind, _, rest = token.partition("_")
    identity, _, secret = rest.partition("_")
    if kind != "ont" or not secret:
        return None
    table = db.token
    row = connection.execute(sa.select(table).where(table.c.id == identity)).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, token_hash(secret)):
        return None
    return Principal(row.id, row.site, Role(row.role), row.counter)


def _by_session(connection: sa.Connection, hashed: bytes) -> Principal | None:
    # The hash of a random secret is looked up, so its comparison leaks nothing of the secret.
    session, table = db.session, db.token
    row = connection.execute(
        sa.select(table)
        .join(session, session.c.token == table.c.id)
        .where(session.c.hash == hashed, session.c.expires_at > real_now())
    ).one_or_none()
    return None if row is None else Principal(row.id, row.site, Role(row.role), row.counter, by_cookie=True)


def same_origin(origin: str, host: str, public_url: str) -> bool:
    """Whether an ``Origin`` header is that of our own pages: of the host asked, or of the public URL."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    own = urlsplit(public_url)
    return parts.netloc == host or (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
