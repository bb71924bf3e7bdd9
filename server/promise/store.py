"""The model of each site as it is kept. What is inside, ``server.promise.fit`` makes."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from server import database as db
from server import journal
from server.domain.events import DayOpened, Entry

LEAST_WAITS = 2_000
LEAST_DAYS = 10
"""With fewer waits or days nothing is learned: the plain forecast is as good."""

_FIRST = "SELECT seq FROM journal WHERE site = ? AND seq > ? AND kind = ? ORDER BY seq LIMIT 1"
_LAST = "SELECT seq FROM journal WHERE site = ? AND seq < ? AND kind = ? ORDER BY seq DESC LIMIT 1"
_PUT = sa.text(db.upsert(db.forecast_model))


class Kept(NamedTuple):
    """A site's model. ``comes`` is the chance that somebody comes to an appointment."""

    id: str
    comes: float
    last_day: str
    model: bytes


def read(connection: sa.Connection, site: str) -> Kept | None:
    """A site's model; None where it has none yet."""
    table = db.forecast_model.c
    row = connection.execute(
        sa.select(table.id, table.comes, table.last_day, table.model).where(table.site == site)
    ).one_or_none()
    return None if row is None else Kept(row.id, row.comes, row.last_day, row.model)


def newest(connection: sa.Connection, site: str) -> str | None:
    """The last day that a site's model has learned from; None where there is no model."""
    table = db.forecast_model.c
    return connection.execute(sa.select(table.last_day).where(table.site == site)).scalar()


def worth_learning(connection: sa.Connection, site: str, date: str) -> bool:
    """Whether a day that has ended is newer than the model, and one of enough days."""
    table = db.digest.c
    days = connection.execute(
        sa.select(sa.func.count()).where(table.site == site, table.day < date)
    ).scalar_one()
    known = newest(connection, site)
    return days + 1 >= LEAST_DAYS and (known is None or known < date)


def put(
    connection: sa.Connection, site: str, kept: Kept, *, first_day: str, rows: int, fitted_at: int
) -> None:
    """Keep a site's model instead of the one before."""
    row = {"site": site, "first_day": first_day, "rows": rows, "fitted_at": fitted_at, **kept._asdict()}
    connection.execute(_PUT, row)


def last_ended(connection: sa.Connection, site: str) -> str | None:
    """The newest local day that has ended; None where none has."""
    end = connection.exec_driver_sql(_LAST, (site, 1 << 62, "day-ended")).scalar()
    if end is None:
        return None
    begin = connection.exec_driver_sql(_LAST, (site, end, "day-opened")).scalar_one()
    return _date(connection, site, begin)


def next_day(
    connection: sa.Connection, site: str, after: int, first: str, last: str
) -> tuple[int, list[Entry]] | None:
    """The next day from ``first`` to ``last`` that ended after a seq: the seq of its end, its entries."""
    while True:
        end = connection.exec_driver_sql(_FIRST, (site, after, "day-ended")).scalar()
        begin = connection.exec_driver_sql(_FIRST, (site, after, "day-opened")).scalar()
        if end is None or begin is None:
            return None
        date = _date(connection, site, begin)
        if date > last:
            return None
        if date >= first and begin < end:
            return end, list(journal.read(connection, site, begin - 1, end - begin + 1))
        after = end


def _date(connection: sa.Connection, site: str, opening: int) -> str:
    (entry,) = journal.read(connection, site, opening - 1, 1)
    assert isinstance(entry.event, DayOpened)
    return entry.event.date
