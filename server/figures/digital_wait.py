"""The digital wait: working days until the first slot that is free (``docs/outside-figures.md``)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import fmean, median

import sqlalchemy as sa

from server import database as db
from server.domain.house import House
from server.domain.schedule import Calendar
from server.figures.report import Column, Table, Unit

STALE_DAYS = 7
"""For how many local days after it was told something counts; later nothing is known any more."""

_FIGURE = "Digital wait"
_COLUMNS = (
    Column("service", "Service", Unit.TEXT),
    Column("days", "Working days", Unit.COUNT, _FIGURE),
    Column("told", "of which told", Unit.COUNT, _FIGURE),
    Column("none_free", "of which without a free slot", Unit.COUNT, _FIGURE),
    Column("mean", "Mean digital wait", Unit.DAYS, _FIGURE),
    Column("median", "Median digital wait", Unit.DAYS, _FIGURE),
)

Told = tuple[int, int | None]
"""When a first free slot was told, and which it was; None where there was none."""


class WorkingDays:
    """The days on which a house opens, in order; holidays and closing days are none."""

    def __init__(self, calendar: Calendar, first: date, last: date) -> None:
        self._calendar = calendar
        self._last = first - timedelta(days=1)
        self.days: list[date] = []
        self._reach(last)

    def after(self, day: date, until: date) -> int:
        """How many lie after one day up to another, this one included; none where it comes before."""
        self._reach(until)
        return max(0, bisect_right(self.days, until) - bisect_right(self.days, day))

    def _reach(self, until: date) -> None:
        while self._last < until:
            self._last += timedelta(days=1)
            if self._calendar.openings(self._last):
                self.days.append(self._last)


def table(connection: sa.Connection, house: House, first: date, last: date, now: int) -> Table:
    """Each service's digital wait on the local days from ``first`` to ``last``.

    Only days on which the doors have opened by ``now``, an instant of house time.
    """
    calendar = house.calendar
    working = WorkingDays(calendar, first, last)
    days = [day for day in working.days if calendar.openings(day)[0][0] <= now]
    told = _told(connection, calendar, house.site, first, last)
    rows = []
    for service in house.services.values():
        # A service that is told to nobody is in no list either.
        if not service.appointments or service.discreet:
            continue
        standing = [_standing(calendar, told.get(service.id, ()), day) for day in days]
        known = [(day, found) for day, found in zip(days, standing, strict=True) if found is not None]
        waits = [working.after(day, calendar.local_date(at)) for day, (_, at) in known if at is not None]
        mean, middle = (fmean(waits), float(median(waits))) if waits else (None, None)
        rows.append((service.name, len(days), len(known), len(known) - len(waits), mean, middle))
    notes = (
        "Counted at each working day's first opening; 0 is a slot on that very day.",
        f"What was told counts for {STALE_DAYS} days more; a later day is not told, and in no mean.",
    )
    return Table("digital-wait", "Digital wait", _COLUMNS, tuple(rows), notes)


def _told(
    connection: sa.Connection, calendar: Calendar, site: str, first: date, last: date
) -> dict[str, list[Told]]:
    """What was told of each service that may count on these days, in order."""
    begin = calendar.midnight_before(first - timedelta(days=STALE_DAYS))
    free = db.first_free
    rows = connection.execute(
        sa.select(free.c.service, free.c.told_at, free.c.at)
        .where(free.c.site == site, free.c.told_at >= begin, free.c.told_at < calendar.midnight_after(last))
        .order_by(free.c.told_at)
    )
    found: dict[str, list[Told]] = {}
    for row in rows:
        found.setdefault(row.service, []).append((row.told_at, row.at))
    return found


def _standing(calendar: Calendar, told: Sequence[Told], day: date) -> Told | None:
    """What stands when the doors open on a day; None where nothing was told, or too long ago, or is past."""
    opens = calendar.openings(day)[0][0]
    place = bisect_right(told, opens, key=lambda one: one[0])
    if not place:
        return None
    told_at, at = told[place - 1]
    if (day - calendar.local_date(told_at)).days > STALE_DAYS:
        return None
    return None if at is not None and at < opens else (told_at, at)
