"""Accounts: people who sign in by login and password, and what is done against guessing.

A login names one account of a server, in any case of its letters. A password is kept as an Argon2id
hash with the library's parameters, and hashed anew at the next sign-in where these have changed.
Every attempt is counted before its password is looked at, so that many at once get no more tries than
one after the other; the right password takes the count back.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import argon2
import sqlalchemy as sa

from notify import recipients
from server import database as db
from server.access import RIGHTS, Principal, Right, Role
from server.clock import real_now
from server.database import Database
from server.domain.schedule import SECOND
from server.keys import Keys, fresh_id

SHORTEST = 12
"""Characters of a password at least: length is what protects (NIST SP 800-63B), whatever they are."""

LONGEST = 200

FREE_TRIES = 5
"""Failures in a row after which the next attempt has to wait."""

FIRST_WAIT_S = 1
LONGEST_WAIT_S = 900
"""The wait after the fifth failure, doubled by each further one, and the longest, in real seconds."""

FORGOTTEN_S = 86_400
"""Failures longer ago than this, in real seconds, no longer count."""

UNKNOWN_KEPT = 10_000
"""Logins that nobody has whose failures are remembered, at most: the oldest go first."""

HASHING = 2
"""Passwords that are hashed at the same time: each takes 64 MiB and a core for some 50 ms."""

ASKED = 32
"""Sign-ins that wait for their turn at most; one more is told to come back."""

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}\Z")
_ABSURD = frozenset(
    {"123456789012", "1234567890123", "012345678901", "password1234", "passwordpassword", "wachtwoord12"}
    | {"wachtwoord123", "wachtwoord1234", "motdepasse123", "passwort1234", "qwertyuiop12", "azertyuiop12"}
    | {"onthaalonthaal", "welkomwelkom", "letmeinletmein", "administrator"}
)
_hasher = argon2.PasswordHasher()


class BadAccount(Exception):
    """An account that cannot be made, or a password that cannot be its own; the message says why."""


class WrongPassword(Exception):
    """Nobody has this login with this password; who asks is not told which of the two is wrong."""


class Wait(Exception):
    """No attempt now: come back in so many real seconds; ``locked`` after failures, else all are busy."""

    def __init__(self, seconds: int, *, locked: bool) -> None:
        super().__init__(f"{seconds} s")
        self.seconds = seconds
        self.locked = locked


def normal(login: str) -> str:
    """A login as it is kept."""
    return login.strip().lower()


def hash_password(login: str, password: str) -> str:
    """What is kept of a password. Raises :class:`BadAccount` for one that is easily guessed."""
    plain = _spelled(password)
    if len(plain) < SHORTEST:
        raise BadAccount(f"a password has at least {SHORTEST} characters; a few words in a row do well")
    if len(plain) > LONGEST:
        raise BadAccount(f"a password has at most {LONGEST} characters")
    bare = plain.casefold()
    if bare in _ABSURD or len(set(bare)) < 3 or not bare.replace(normal(login) or "-", ""):
        raise BadAccount("this password would be among the first that anybody tries; choose another")
    return _hasher.hash(plain)


def create(
    connection: sa.Connection, site: str, role: Role, login: str, name: str, counter: str | None, hashed: str
) -> str:
    """A new account with a hash of :func:`hash_password`; its id. Raises :class:`BadAccount`."""
    if not _LOGIN.match(normal(login)):
        raise BadAccount(f"{login!r} is no login: up to 63 letters, digits and . _ @ -")
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise BadAccount("a name has 1 to 100 characters")
    row = {
        "id": fresh_id(),
        "site": site,
        "login": normal(login),
        "name": name.strip(),
        "role": role.value,
        "counter": counter,
        "hash": hashed,
        "created_at": real_now(),
        "failures": 0,
        "failed_at": 0,
    }
    try:
        connection.execute(db.account.insert(), row)
    except sa.exc.IntegrityError as error:
        if not db.is_conflict(error):
            raise
        raise BadAccount(f"the login {row['login']} is taken") from error
    return str(row["id"])


def set_password(connection: sa.Connection, login: str, hashed: str) -> bool:
    """Give an account another password: its sessions end and its failures are forgotten. False if unknown."""
    return _change(connection, login, hash=hashed, failures=0, failed_at=0)


def disable(connection: sa.Connection, login: str) -> bool:
    """Let an account in no longer, end its sessions, and tell it of no more alerts; False if unknown."""
    found = connection.execute(sa.select(db.account.c.id).where(db.account.c.login == normal(login))).scalar()
    if found is not None:
        recipients.forget(connection, found)
    return _change(connection, login, disabled_at=real_now())


def enable(connection: sa.Connection, login: str) -> bool:
    """Let an account in again, also one that waits after failures; False if unknown."""
    return _change(connection, login, disabled_at=None, failures=0, failed_at=0)


def _change(connection: sa.Connection, login: str, **values: Any) -> bool:
    table, session = db.account, db.session
    found = connection.execute(sa.select(table.c.id).where(table.c.login == normal(login))).scalar()
    if found is None:
        return False
    connection.execute(session.delete().where(session.c.account == found))
    connection.execute(table.update().where(table.c.id == found).values(**values))
    return True


def staff(connection: sa.Connection, site: str) -> list[tuple[str, str]]:
    """Id and name of everybody who may run a counter of a site, by name."""
    table = db.account
    roles = [role.value for role in RIGHTS[Right.RUN_COUNTER]]
    rows = connection.execute(
        sa.select(table.c.id, table.c.name)
        .where(table.c.site == site, table.c.role.in_(roles), table.c.disabled_at.is_(None))
        .order_by(sa.func.lower(table.c.name), table.c.id)
    )
    return [(row.id, row.name) for row in rows]


class Accounts:
    """Signing in by password. ``now`` is real time, in microseconds UTC."""

    def __init__(self, database: Database, keys: Keys, now: Callable[[], int] = real_now) -> None:
        self._database = database
        self._keys = keys
        self._now = now
        self._threads = ThreadPoolExecutor(HASHING, "onthaal-hash")
        self._turn = asyncio.Semaphore(HASHING)
        self._asked = 0

    async def sign_in(self, login: str, password: str) -> Principal:
        """Whose login and password these are. Raises :class:`WrongPassword` or :class:`Wait`."""
        tried = _Tried(normal(login), self._keys.login_mark(normal(login)))
        # Whoever has to wait costs a look at the database and nothing more.
        wait = await self._database.read(lambda connection: tried.wait_s(connection, self._now()))
        if wait:
            raise Wait(wait, locked=True)
        if self._asked >= ASKED:
            raise Wait(1, locked=False)
        self._asked += 1
        try:
            async with self._turn:
                return await self._try(tried, _spelled(password))
        finally:
            self._asked -= 1

    async def _try(self, tried: _Tried, password: str) -> Principal:
        row = await self._database.write(lambda connection: tried.count(connection, self._now()))
        loop = asyncio.get_running_loop()
        # A login that nobody has takes as long as one that somebody has.
        kept = _NOBODY if row is None else row.hash
        right = await loop.run_in_executor(self._threads, _verify, kept, password)
        if row is None or not right or row.disabled_at is not None:
            raise WrongPassword
        fresh = row.hash
        if _hasher.check_needs_rehash(row.hash):
            fresh = await loop.run_in_executor(self._threads, _hasher.hash, password)
        table = db.account
        # Unless the password was changed meanwhile.
        same = sa.and_(table.c.id == row.id, table.c.hash == row.hash, table.c.disabled_at.is_(None))
        change = table.update().where(same).values(hash=fresh, failures=0, failed_at=0)
        if await self._database.write(lambda connection: connection.execute(change).rowcount) == 0:
            raise WrongPassword
        return Principal(row.id, row.site, Role(row.role), row.counter, True, account=row.id)

    def close(self) -> None:
        """Wait for what is being hashed."""
        self._threads.shutdown()


@dataclass(frozen=True, slots=True)
class _Tried:
    """A login that somebody tries, which may be nobody's: its mark then stands for it."""

    login: str
    mark: bytes

    def wait_s(self, connection: sa.Connection, now: int) -> int:
        """Seconds until it may be tried again; 0 for now."""
        known = self._known(connection) or self._unknown(connection)
        return 0 if known is None else _left_s(known.failures, known.failed_at, now)

    def count(self, connection: sa.Connection, now: int) -> sa.Row[Any] | None:
        """Count an attempt as a failure; the account. Raises :class:`Wait` where it may not be tried."""
        account = self._known(connection)
        known = account or self._unknown(connection)
        failures = 0
        if known is not None:
            if left := _left_s(known.failures, known.failed_at, now):
                raise Wait(left, locked=True)
            failures = known.failures if now - known.failed_at < FORGOTTEN_S * SECOND else 0
        counted = {"failures": failures + 1, "failed_at": now}
        if account is not None:
            table = db.account
            connection.execute(table.update().where(table.c.id == account.id).values(**counted))
        else:
            connection.execute(_UNKNOWN, {"mark": self.mark, **counted})
            forget_unknown(connection, now)
        return account

    def _known(self, connection: sa.Connection) -> sa.Row[Any] | None:
        table = db.account
        return connection.execute(sa.select(table).where(table.c.login == self.login)).one_or_none()

    def _unknown(self, connection: sa.Connection) -> sa.Row[Any] | None:
        table = db.unknown_login
        return connection.execute(sa.select(table).where(table.c.mark == self.mark)).one_or_none()


def forget_unknown(connection: sa.Connection, now: int) -> None:
    """Drop failures at unknown logins that no longer count, and the oldest beyond :data:`UNKNOWN_KEPT`."""
    table = db.unknown_login
    connection.execute(table.delete().where(table.c.failed_at <= now - FORGOTTEN_S * SECOND))
    newest = sa.select(table.c.mark).order_by(table.c.failed_at.desc()).limit(UNKNOWN_KEPT)
    count = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    if count > UNKNOWN_KEPT:
        connection.execute(table.delete().where(table.c.mark.not_in(newest)))


def _left_s(failures: int, failed_at: int, now: int) -> int:
    """Whole seconds until the next attempt. A failure in the future comes of a wrong clock: it counts not."""
    if failures < FREE_TRIES or failed_at > now:
        return 0
    doublings = min(failures - FREE_TRIES, 16)
    wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S << doublings)
    return max(0, -((now - failed_at - wait_s * SECOND) // SECOND))


def _spelled(password: str) -> str:
    """A password in the one spelling of its characters, whatever keyboard it comes from."""
    return unicodedata.normalize("NFKC", password)


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except argon2.exceptions.VerifyMismatchError:
        return False


def _of_nobody() -> str:
    """A hash that no password has, and that takes as long to compare with as a real one."""
    salt, hashed = (
        base64.b64encode(os.urandom(size)).rstrip(b"=").decode()
        for size in (_hasher.salt_len, _hasher.hash_len)
    )
    costs = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${hashed}"


_NOBODY = _of_nobody()
_UNKNOWN = sa.text(db.upsert(db.unknown_login))
