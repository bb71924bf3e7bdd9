"""What citizens say of a visit that is over: a score, and perhaps a word, which lies sealed.

It decides nothing in the hall, so it is in no journal. Everything here runs inside ``Database.write`` or
``read``.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import sqlalchemy as sa

from server import database as db
from server.clock import real_now
from server.domain.schedule import SECOND
from server.keys import BadKey, Keys

CHANGE_S = 900
"""How long after it was given first an answer may be changed, in house seconds."""

_PUT = sa.text(db.upsert(db.satisfaction))


class NoLonger(Exception):
    """The answer stands: the time to change it is over."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it stands. ``at`` is when it was given first, an instant of house time."""

    score: int
    at: int

    @property
    def until(self) -> int:
        """Until when it may be changed."""
        return self.at + CHANGE_S * SECOND


@dataclass(frozen=True, slots=True)
class Said:
    """A word with its score; ``day`` is the local day of its visit, ``service`` what it ended with."""

    day: str
    service: str
    score: int
    word: str


def get(connection: sa.Connection, visit: str) -> Given | None:
    """What was said of a visit, or None."""
    table = db.satisfaction
    row = connection.execute(sa.select(table.c.score, table.c.at).where(table.c.visit == visit)).one_or_none()
    return None if row is None else Given(row.score, row.at)


def give(
    connection: sa.Connection,
    keys: Keys,
    *,
    site: str,
    day: str,
    visit: str,
    score: int,
    now: int,
    kept_s: int,
    word: str | None = None,
) -> Given:
    """Keep an answer, in place of the one before, and give it as it stands.

    ``word`` is None where nothing is said of it, which leaves one that was given before, and "" takes that
    away. It is kept for ``kept_s`` real seconds. Raises :class:`NoLonger`.
    """
    table = db.satisfaction
    before = connection.execute(sa.select(table).where(table.c.visit == visit)).one_or_none()
    given = Given(score, now if before is None else before.at)
    if now > given.until:
        raise NoLonger
    sealed, erase_at = (None, None) if before is None else (before.word, before.erase_at)
    if word is not None:
        sealed = keys.seal(word.encode(), _subject(visit)) if word else None
        erase_at = real_now() + kept_s * SECOND if word else None
    row = {"visit": visit, "site": site, "day": day, "score": score, "at": given.at}
    connection.execute(_PUT, {**row, "word": sealed, "erase_at": erase_at})
    return given


def words(
    connection: sa.Connection,
    keys: Keys,
    site: str,
    first: str,
    last: str,
    hidden: frozenset[str],
    limit: int,
) -> list[Said]:
    """The words about visits of the local days from ``first`` to ``last``, the newest day first.

    Those of a visit that ended with one of the services ``hidden`` are left out. Within a day the lowest
    score comes first: an order of time would lead from a word to whom was just served.
    """
    table, visit = db.satisfaction, db.visit
    rows = connection.execute(
        sa.select(table.c.visit, table.c.day, table.c.score, table.c.word, visit.c.service)
        .join_from(table, visit, visit.c.id == table.c.visit)
        .where(table.c.site == site, table.c.day >= first, table.c.day <= last)
        .where(table.c.word.is_not(None), visit.c.service.not_in(hidden))
        .order_by(table.c.day.desc(), table.c.score, table.c.visit)
        .limit(limit)
    )
    found = []
    for row in rows:
        # What an older key sealed can be forgotten, but not read.
        with contextlib.suppress(BadKey):
            word = keys.open(row.word, _subject(row.visit)).decode()
            found.append(Said(row.day, row.service, row.score, word))
    return found


def erase(connection: sa.Connection, visit: str) -> bool:
    """Forget the word about a visit, now; its score stays. Whether there was one."""
    table = db.satisfaction
    change = table.update().where(table.c.visit == visit, table.c.word.is_not(None))
    return connection.execute(change.values(word=None, erase_at=None)).rowcount > 0


def sweep(connection: sa.Connection) -> int:
    """Forget all words whose time has come; how many they were."""
    table = db.satisfaction
    change = table.update().where(table.c.erase_at <= real_now())
    return connection.execute(change.values(word=None, erase_at=None)).rowcount


def _subject(visit: str) -> str:
    """What a word's seal is bound to: no seal of the visit's contact data opens in its place."""
    return f"word of {visit}"
