"""The digest of a day: its facts, stored when it has ended, so that a year is not read from the journal.

``digest`` is derived: ``onthaal rebuild`` makes it again. Its newest ``seq`` is the cursor, how far
the journal has been digested. Everything but :class:`Digester` is a plain function over a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator
from functools import partial

import msgspec
import sqlalchemy as sa

from server import database as db
from server import journal
from server.database import Database, Unavailable
from server.domain.day import Day
from server.domain.events import KINDS, AppointmentEvent, Entry
from server.figures.packing import FORMAT, Packed, pack
from server.figures.stints import facts

log = logging.getLogger("onthaal.digests")

EVERY_S = 600.0
"""How often ended days are looked for when nothing wakes the task, in real seconds."""

PAUSE_S = 0.05
"""Between two days that are caught up with: a day holds the reading thread for some milliseconds."""

_APART = tuple(kind for kind, event in KINDS.items() if issubclass(event, AppointmentEvent))
_DAY = (
    "SELECT seq, at, kind, event FROM journal WHERE site = :site AND seq > :after AND seq <= :upto "
    f"AND kind NOT IN ({', '.join(repr(kind) for kind in _APART)}) ORDER BY seq"
)
"""A day's entries. What is said of appointments is left out: figures of them come from their rows."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Packed)


def cursor(connection: sa.Connection, site: str) -> int:
    """The seq of the last entry that is digested, 0 where nothing is."""
    row = connection.exec_driver_sql(
        "SELECT max(seq) FROM digest WHERE site = ? AND format = ?", (site, FORMAT)
    ).one()
    return row[0] or 0


def next_day(connection: sa.Connection, site: str, after: int) -> tuple[int, Packed] | None:
    """The first day that ended after a seq, and the seq of its end; None where none has."""
    row = connection.exec_driver_sql(
        "SELECT seq FROM journal WHERE site = ? AND seq > ? AND kind = 'day-ended' ORDER BY seq LIMIT 1",
        (site, after),
    ).one_or_none()
    return None if row is None else (row[0], pack(facts(_entries(connection, site, after, row[0]))))


def put(connection: sa.Connection, site: str, seq: int, day: Packed) -> None:
    """Store a day's digest; the same again changes nothing."""
    connection.execute(
        sa.text(db.upsert(db.digest)),
        {"site": site, "day": day.date, "seq": seq, "format": FORMAT, "packed": _encoder.encode(day)},
    )


def forget_other_formats(connection: sa.Connection, site: str) -> None:
    """Take out what another version packed: it is made again."""
    table = db.digest
    connection.execute(table.delete().where(table.c.site == site, table.c.format != FORMAT))


def read(connection: sa.Connection, site: str, first: str, last: str) -> list[Packed]:
    """The days from ``first`` to ``last`` (ISO dates) in order, those not digested yet from the journal."""
    rows = connection.exec_driver_sql(
        "SELECT packed FROM digest WHERE site = ? AND format = ? AND day >= ? AND day <= ? ORDER BY day",
        (site, FORMAT, first, last),
    )
    days = [_decoder.decode(packed) for (packed,) in rows]
    after = cursor(connection, site)
    while (found := next_day(connection, site, after)) is not None:
        after, day = found
        days += [day] if first <= day.date <= last else []
    days += [day for day in _running(connection, site, after) if first <= day.date <= last]
    return days


def _running(connection: sa.Connection, site: str, after: int) -> list[Packed]:
    """The day that is under way, if there is one."""
    entries = _entries(connection, site, after, journal.head(connection, site))
    return [pack(facts(entries))] if entries else []


def _entries(connection: sa.Connection, site: str, after: int, upto: int) -> list[Entry]:
    rows = connection.execute(sa.text(_DAY), {"site": site, "after": after, "upto": upto})
    return [Entry(seq, at, journal.decode(kind, event)) for seq, at, kind, event in rows]


def catch_up(database: Database, site: str) -> int:
    """Digest every ended day, each in a transaction of its own, where no loop runs; how many there were."""
    database.write_now(partial(forget_other_formats, site=site))
    count = 0
    while database.write_now(partial(_digest_next, site=site)):
        count += 1
    return count


def _digest_next(connection: sa.Connection, site: str) -> bool:
    found = next_day(connection, site, cursor(connection, site))
    if found is not None:
        put(connection, site, *found)
    return found is not None


def ended_days(connection: sa.Connection, site: str) -> Iterator[tuple[int, Packed]]:
    """Every ended day of a site as its journal leads to it, oldest first, with the seq of its end."""
    after = 0
    while (found := next_day(connection, site, after)) is not None:
        after = found[0]
        yield found


def made_again(connection: sa.Connection, site: str) -> dict[str, tuple[int, bytes]]:
    """What is to be stored of every ended day, by date: its seq and its facts."""
    return {day.date: (seq, _encoder.encode(day)) for seq, day in ended_days(connection, site)}


class Digester:
    """Digests the days of these sites as they end, and those that ended unseen."""

    def __init__(self, database: Database, sites: Iterable[str]) -> None:
        self._database = database
        self._sites = tuple(sites)
        self._woken = asyncio.Event()
        self._seen: dict[str, tuple[str, bool]] = {}

    def changed(self, site: str, day: Day) -> None:
        """What a site's day is now: where another one begins or this one ends, one is to be digested."""
        # A day may end and the next begin in one commit: its end alone would not be seen.
        if self._seen.get(site) != (day.date, day.ended):
            self._seen[site] = (day.date, day.ended)
            self._woken.set()

    async def run(self) -> None:
        """One task, until cancelled. A day that cannot be digested holds up its own site only."""
        while True:
            self._woken.clear()
            for site in self._sites:
                try:
                    await self._catch_up(site)
                except Unavailable as error:
                    log.warning("%s: digests wait for the database: %s", site, error)
                except Exception:
                    log.exception("%s: a day could not be digested", site)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._woken.wait()

    async def _catch_up(self, site: str) -> None:
        await self._database.write(partial(forget_other_formats, site=site))
        while True:
            after = await self._database.read(partial(cursor, site=site))
            found = await self._database.read(partial(next_day, site=site, after=after))
            if found is None:
                return
            seq, day = found
            await self._database.write(partial(put, site=site, seq=seq, day=day))
            await asyncio.sleep(PAUSE_S)
