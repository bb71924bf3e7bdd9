"""Who may do what: roles, bearer tokens, sessions of browsers. The one table of rights is here."""

from __future__ import annotations

import contextlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import sqlalchemy as sa

from server import database as db
from server.clock import real_now
from server.database import Database, Unavailable
from server.domain.schedule import SECOND
from server.keys import fresh_id, token_hash

COOKIE = "__Host-onthaal"
SESSION_S = 14 * 86_400
"""How long a browser stays signed in with a token, in real seconds."""

WORKDAY_S = 12 * 3600
"""How long it does with an account's password."""

DEVICE_S = 400 * 86_400
"""How long it does as a device that was paired; counted anew whenever its page is loaded. Browsers keep
no cookie for longer."""

CACHE_S = 1.0
"""How long a token or session is believed without asking the database again, in real seconds."""

CACHED = 10_000

SEEN_S = 60.0
"""How often it is noted that a device was seen, in real seconds."""


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
    MAKE_APPOINTMENT = "make-appointment"
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
    SEE_STAFF = "see-staff"
    MANAGE_DEVICES = "manage-devices"
    MANAGE_WEBHOOKS = "manage-webhooks"
    HANDLE_CONTACT = "handle-contact"
    SEE_MESSAGES = "see-messages"
    READ_MESSAGES = "read-messages"
    TELL_FIRST_FREE = "tell-first-free"
    READ_WORDS = "read-words"


_R = Role
RIGHTS: dict[Right, frozenset[Role]] = {
    Right.SEE_SITE: frozenset(Role),
    Right.WATCH_HALL: frozenset(Role),
    Right.WATCH_COUNTER: frozenset({_R.COUNTER, _R.SUPERVISOR}),
    Right.WATCH_RECEPTION: frozenset({_R.RECEPTION, _R.SUPERVISOR}),
    Right.WATCH_MANAGEMENT: frozenset({_R.SUPERVISOR}),
    Right.BOOK: frozenset({_R.INTEGRATOR}),
    Right.MAKE_APPOINTMENT: frozenset({_R.RECEPTION}),
    Right.ANNOUNCE_LATE: frozenset({_R.INTEGRATOR, _R.RECEPTION}),
    Right.REPORT: frozenset({_R.RECEPTION, _R.KIOSK, _R.COUNTER}),
    Right.NOTE_CAME: frozenset({_R.RECEPTION, _R.COUNTER}),
    Right.DRAW_TICKET: frozenset({_R.RECEPTION, _R.KIOSK}),
    Right.HANDLE_VISIT: frozenset({_R.RECEPTION, _R.COUNTER}),
    Right.RETURN_VISIT: frozenset({_R.RECEPTION, _R.KIOSK, _R.COUNTER}),
    Right.RUN_COUNTER: frozenset({_R.COUNTER}),
    Right.READ_JOURNAL: frozenset({_R.SUPERVISOR, _R.ADMINISTRATOR}),
    Right.MANAGE_WEBHOOKS: frozenset({_R.SUPERVISOR, _R.ADMINISTRATOR}),
    Right.READ_FIGURES: frozenset({_R.SUPERVISOR}),
    Right.READ_METRICS: frozenset({_R.ADMINISTRATOR}),
    Right.SEARCH_APPOINTMENTS: frozenset({_R.RECEPTION}),
    Right.SEE_STAFF: frozenset({_R.COUNTER, _R.RECEPTION, _R.SUPERVISOR}),
    Right.MANAGE_DEVICES: frozenset({_R.SUPERVISOR, _R.ADMINISTRATOR}),
    Right.HANDLE_CONTACT: frozenset({_R.RECEPTION, _R.SUPERVISOR, _R.INTEGRATOR}),
    Right.SEE_MESSAGES: frozenset({_R.RECEPTION, _R.SUPERVISOR, _R.ADMINISTRATOR}),
    Right.READ_MESSAGES: frozenset({_R.SUPERVISOR, _R.ADMINISTRATOR}),
    Right.TELL_FIRST_FREE: frozenset({_R.INTEGRATOR}),
    Right.READ_WORDS: frozenset({_R.SUPERVISOR}),
}
"""The table of rights: which roles have which."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and whether as a browser's session.

    ``token`` is the id of the token behind it, or of the account where that signed in: what idempotency
    keys are scoped to. ``account`` is set for people with a password, ``device`` for paired devices.
    """

    token: str
    site: str
    role: Role
    counter: str | None
    by_cookie: bool = False
    account: str | None = None
    device: str | None = None

    @property
    def session_s(self) -> int:
        """How long a session of theirs lasts, in real seconds."""
        if self.account is not None:
            return WORKDAY_S
        return SESSION_S if self.device is None else DEVICE_S

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
    device = db.device
    connection.execute(device.update().where(device.c.token == identity).values(revoked_at=real_now()))
    connection.execute(db.session.delete().where(db.session.c.token == identity))
    return connection.execute(db.token.delete().where(db.token.c.id == identity)).rowcount > 0


def create_session(connection: sa.Connection, principal: Principal) -> str:
    """A new session of a token's or account's holder; the value of its cookie, of which the hash is kept."""
    cookie = secrets.token_urlsafe(32)
    row = {
        "hash": token_hash(cookie),
        "token": principal.token if principal.account is None else None,
        "account": principal.account,
        "expires_at": real_now() + principal.session_s * SECOND,
    }
    connection.execute(db.session.insert(), row)
    return cookie


class Doorkeeper:
    """Finds out who asks. Answers of the database are believed for :data:`CACHE_S`.

    ``changed`` is called, in the loop, whenever somebody lost what let them in.
    """

    def __init__(self, database: Database, changed: Callable[[], None] = lambda: None) -> None:
        self.changed = changed
        self._database = database
        self._seen: dict[str, float] = {}
        self._cache: OrderedDict[bytes, tuple[float, Principal | None]] = OrderedDict()

    async def by_token(self, token: str) -> Principal | None:
        """Who holds a bearer token, or None."""
        return await self._cached(b"t" + token_hash(token), lambda connection: _by_token(connection, token))

    async def by_cookie(self, cookie: str) -> Principal | None:
        """Whose session a cookie is, or None."""
        hashed = token_hash(cookie)
        return await self._cached(b"c" + hashed, lambda connection: _by_session(connection, hashed))

    async def sign_in(self, principal: Principal) -> str:
        """A new session for who holds a token or an account; the value of its cookie."""
        return await self._database.write(lambda connection: create_session(connection, principal))

    async def renew(self, cookie: str, principal: Principal) -> None:
        """Count a session's time anew."""
        table, expires_at = db.session, real_now() + principal.session_s * SECOND
        change = table.update().where(table.c.hash == token_hash(cookie)).values(expires_at=expires_at)
        await self._database.write(lambda connection: connection.execute(change) and None)

    async def sign_out(self, cookie: str) -> None:
        """End a session at once."""
        hashed = token_hash(cookie)
        table = db.session
        await self._database.write(
            lambda connection: connection.execute(table.delete().where(table.c.hash == hashed)) and None
        )
        self._cache.pop(b"c" + hashed, None)
        self.changed()

    def forget(self) -> None:
        """Ask the database anew about everybody: somebody was let out."""
        self._cache.clear()
        self.changed()

    async def _cached(self, key: bytes, find: db.Work[Principal | None]) -> Principal | None:
        known = self._cache.get(key)
        now = time.monotonic()
        if known is not None and known[0] > now:
            return known[1]
        found = await self._database.read(find)
        if found is not None and found.device is not None:
            await self._note_seen(found.device)
        self._cache[key] = (now + CACHE_S, found)
        self._cache.move_to_end(key)
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)
        return found

    async def _note_seen(self, device: str) -> None:
        if self._seen.get(device, 0.0) > time.monotonic():
            return
        table = db.device
        change = table.update().where(table.c.id == device).values(last_seen_at=real_now())
        with contextlib.suppress(Unavailable):  # whoever is let in is so whether or not it can be noted
            await self._database.write(lambda connection: connection.execute(change) and None)
            self._seen[device] = time.monotonic() + SEEN_S


def _by_token(connection: sa.Connection, token: str) -> Principal | None:
    kind, _, rest = token.partition("_")
    identity, _, secret = rest.partition("_")
    if kind != "ont" or not secret:
        return None
    table, device = db.token, db.device
    whole = sa.select(table, device.c.id.label("device")).outerjoin(device, device.c.token == table.c.id)
    row = connection.execute(whole.where(table.c.id == identity)).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, token_hash(secret)):
        return None
    return Principal(row.id, row.site, Role(row.role), row.counter, device=row.device)


def _by_session(connection: sa.Connection, hashed: bytes) -> Principal | None:
    # The hash of a random secret is looked up, so its comparison leaks nothing of the secret.
    session, token, account, device = db.session, db.token, db.account, db.device
    enabled = sa.and_(account.c.id == session.c.account, account.c.disabled_at.is_(None))
    row = connection.execute(
        sa.select(
            sa.func.coalesce(token.c.id, account.c.id).label("id"),
            sa.func.coalesce(token.c.site, account.c.site).label("site"),
            sa.func.coalesce(token.c.role, account.c.role).label("role"),
            sa.func.coalesce(token.c.counter, account.c.counter).label("counter"),
            account.c.id.label("account"),
            device.c.id.label("device"),
        )
        .select_from(
            session.outerjoin(token, token.c.id == session.c.token)
            .outerjoin(account, enabled)
            .outerjoin(device, device.c.token == token.c.id)
        )
        .where(session.c.hash == hashed, session.c.expires_at > real_now())
    ).one_or_none()
    if row is None or row.id is None:
        return None
    return Principal(row.id, row.site, Role(row.role), row.counter, True, row.account, row.device)


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
