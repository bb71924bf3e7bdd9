"""The journal: append at an expected seq, read. One gap-free sequence a site; the only truth.

Everything here is a plain function over a connection, to be run inside ``Database.write`` or ``read``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import sqlalchemy as sa

from server.domain.day import Day
from server.domain.events import KINDS, Entry, Event
from server.domain.fold import fold

_APPEND = "INSERT INTO journal (site, seq, at, kind, event) VALUES (?, ?, ?, ?, ?)"
_DECODERS = {kind: msgspec.json.Decoder(event) for kind, event in KINDS.items()}
_encoder = msgspec.json.Encoder()


def encode(event: Event) -> str:
    """An event as the journal stores it."""
    return _encoder.encode(event).decode()


def decode(kind: str, event: str | bytes) -> Event:
    """An event as it was stored. Raises ``KeyError`` on a kind of a newer version."""
    return _DECODERS[kind].decode(event)


def head(connection: sa.Connection, site: str) -> int:
    """The newest seq of a site, 0 where nothing ever happened."""
    row = connection.exec_driver_sql("SELECT max(seq) FROM journal WHERE site = ?", (site,)).one()
    return row[0] or 0


def append(connection: sa.Connection, site: str, entries: Iterable[Entry]) -> None:
    """Add entries; the caller has checked in this transaction that they follow ``head``."""
    rows = [(site, entry.seq, entry.at, entry.kind, encode(entry.event)) for entry in entries]
    if rows:
        connection.exec_driver_sql(_APPEND, rows)


def read(connection: sa.Connection, site: str, after: int, limit: int | None = None) -> Iterator[Entry]:
    """The entries after a seq, in order."""
    rows = connection.exec_driver_sql(
        "SELECT seq, at, kind, event FROM journal WHERE site = ? AND seq > ? ORDER BY seq LIMIT ?",
        (site, after, -1 if limit is None else limit),
    )
    for seq, at, kind, event in rows:
        yield Entry(seq, at, decode(kind, event))


def today(connection: sa.Connection, site: str) -> Day:
    """The site's newest day, folded from its opening: a fold that does not grow with the years."""
    # Walks the primary key backwards and stops at the newest opening, at most a day's entries away.
    row = connection.exec_driver_sql(
        "SELECT seq FROM journal WHERE site = ? AND kind = 'day-opened' ORDER BY seq DESC LIMIT 1", (site,)
    ).one_or_none()
    if row is None:
        # Appointments may be booked before the first day ever opens.
        return fold(Day(), read(connection, site, 0))
    return fold(Day(seq=row[0] - 1), read(connection, site, row[0] - 1))
