"""Telephone calls an hour beside visits an hour (``docs/outside-figures.md``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime

import sqlalchemy as sa

from server import database as db
from server.domain.house import House
from server.domain.schedule import SECOND, to_datetime
from server.figures.report import Column, Table, Unit, Value

_QUARTER = 900 * SECOND
"""Every zone is whole quarters of an hour apart from UTC: within one the local hour stays the same."""

_FIGURE = "Phone calls"
_COLUMNS = (
    Column("days", "Days counted", Unit.COUNT, _FIGURE),
    Column("calls", "Calls", Unit.COUNT, _FIGURE),
    Column("calls_a_day", "Calls a day", Unit.NUMBER, _FIGURE),
    Column("answered", "Calls answered", Unit.SHARE, _FIGURE),
    Column("visits", "Visits", Unit.COUNT, _FIGURE),
    Column("visits_a_day", "Visits a day", Unit.NUMBER, _FIGURE),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Counted:
    """Calls and visits by something that a local hour has, such as its weekday."""

    def __init__(self, of: Callable[[datetime], int]) -> None:
        self._of = of
        self.calls: Counter[int] = Counter()
        self.told: Counter[int] = Counter()
        """The calls of hours that tell how many were answered: the denominator of the share."""
        self.answered: Counter[int] = Counter()
        self.visits: Counter[int] = Counter()

    def add_calls(self, hour: datetime, calls: int, answered: int | None) -> None:
        """Count the calls of an hour."""
        place = self._of(hour)
        self.calls[place] += calls
        if answered is not None:
            self.told[place] += calls
            self.answered[place] += answered

    def add_visits(self, hour: datetime, visits: int) -> None:
        """Count those who reported within an hour, or a part of it."""
        self.visits[self._of(hour)] += visits

    def cells(self, place: int, days: int) -> tuple[Value, ...]:
        """The figures of one place, in the order of the columns."""
        calls, visits, told = self.calls[place], self.visits[place], self.told[place]
        answered = self.answered[place] / told if told else None
        if not days:
            return (0, 0, None, None, 0, None)
        return (days, calls, calls / days, answered, visits, visits / days)


def tables(connection: sa.Connection, house: House, first: date, last: date) -> tuple[Table, ...]:
    """Calls beside visits on the local days from ``first`` to ``last`` whose calls are known: by the hour of
    the clock, and by weekday.
    """
    calendar = house.calendar
    begin, until = calendar.midnight_before(first), calendar.midnight_after(last)
    by_hour, by_weekday = Counted(lambda hour: hour.hour), Counted(lambda hour: hour.weekday())
    days = set()
    for at, calls, answered in _calls(connection, house.site, begin, until):
        hour = to_datetime(at, calendar.zone)
        days.add(hour.date())
        for counted in (by_hour, by_weekday):
            counted.add_calls(hour, calls, answered)
    for at, visits in _visits(connection, house.site, first, last):
        hour = to_datetime(at, calendar.zone)
        if hour.date() not in days:
            continue
        for counted in (by_hour, by_weekday):
            counted.add_visits(hour, visits)
    weekdays = Counter(day.weekday() for day in days)
    hours = [(f"{hour:02}:00", by_hour.cells(hour, len(days))) for hour in range(24)]
    week = [(name, by_weekday.cells(place, weekdays[place])) for place, name in enumerate(WEEKDAYS)]
    return (
        _table("calls-by-hour", "Phone calls and visits by hour", "hour", "Hour", hours, days),
        _table("calls-by-weekday", "Phone calls and visits by weekday", "weekday", "Weekday", week, days),
    )


def _table(
    name: str,
    title: str,
    key: str,
    heading: str,
    rows: Iterable[tuple[str, tuple[Value, ...]]],
    days: set[date],
) -> Table:
    if not days:
        notes: tuple[str, ...] = ("No telephone calls are known of these days: see `onthaal import calls`.",)
    else:
        notes = ("Only days of which telephone calls are known, for calls and visits alike.",)
    told = tuple((label, *cells) for label, cells in rows) if days else ()
    return Table(name, title, (Column(key, heading, Unit.TEXT), *_COLUMNS), told, notes)


def _calls(
    connection: sa.Connection, site: str, begin: int, until: int
) -> Iterable[tuple[int, int, int | None]]:
    table = db.phone_calls
    rows = connection.execute(
        sa.select(table.c.at, table.c.calls, table.c.answered).where(
            table.c.site == site, table.c.at >= begin, table.c.at < until
        )
    )
    return [(row.at, row.calls, row.answered) for row in rows]


def _visits(connection: sa.Connection, site: str, first: date, last: date) -> Iterable[tuple[int, int]]:
    """How many reported within each quarter of an hour of these local days, by when that begins."""
    table = db.visit
    quarter = (table.c.reported_at - table.c.reported_at % _QUARTER).label("quarter")
    rows = connection.execute(
        sa.select(quarter, sa.func.count())
        .where(table.c.site == site, table.c.day >= first.isoformat(), table.c.day <= last.isoformat())
        .group_by(quarter)
    )
    return [(row[0], row[1]) for row in rows]
