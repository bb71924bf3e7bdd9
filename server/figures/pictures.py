"""The pictures of a page of figures: which figures each draws. ``server.figures.charts`` draws them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa

from server.domain.day import CounterMode
from server.domain.house import House
from server.domain.schedule import SECOND, to_datetime
from server.figures import charts, counted, slots
from server.figures.axes import BIN_S, BINS
from server.figures.grouping import WEEKDAYS
from server.figures.overview import Picture
from server.figures.packing import MODES
from server.figures.periods import Span, period
from server.figures.record import Record, read
from server.figures.report import Table
from server.figures.waits import waited

WIDTH_MIN = BIN_S // 60
AROUND_MIN = 20
"""So far from the slot a picture reaches even where nobody came."""

_VALUES = {Picture.BUSYNESS: ("visits_a_day", 1), Picture.BUSY_WAITS: ("wait_p50_s", 60)}
"""Which column a heat map shows, and what it is divided by."""


def picture(
    connection: sa.Connection,
    house: House,
    span: Span,
    on: date,
    now: int,
    which: Picture,
    names: dict[str, str],
) -> bytes:
    """A picture of the day, week or year that ``on`` lies in, as SVG; ``names`` are its words."""
    if span is Span.YEAR:
        # It is kept, and has the tables already.
        tables = counted.overview(connection, house, span, on, now).tables
    else:
        of = period(span, on)
        record = read(connection, house.site, of.first, of.last, now)
        if which is Picture.DAY_WAITS:
            return charts.day_waits(_day_waits(record, house, names))
        if which is Picture.ARRIVALS:
            table = counted.arrivals(slots.read(connection, house, of.first, of.last), house)
        else:
            table = counted.busyness(record, house)
        tables = {table.id: table}
    if which is Picture.ARRIVALS:
        return charts.arrivals(_arrivals(tables["arrivals"], names))
    column, unit = _VALUES[which]
    return charts.heat(_heat(tables["busyness"], column, unit, names, names[which]))


def _arrivals(table: Table, names: dict[str, str]) -> charts.Arrivals:
    bars, never = [], 0
    for kind, from_s, _to_s, count in table.rows:
        assert isinstance(count, int)
        if kind == "never":
            never = count
        else:
            # Whoever came further off than the other bars reach stands in one more beside them.
            begins = from_s // 60 if isinstance(from_s, int) else -(BINS + 1) * WIDTH_MIN
            if count or abs(begins) <= AROUND_MIN:
                bars.append(charts.Bar(begins, count, str(kind)))
    return charts.Arrivals(bars, never, WIDTH_MIN, names | {"minutes": names["after"]})


def _heat(table: Table, column: str, unit: int, names: dict[str, str], label: str) -> charts.Heat:
    place = [each.key for each in table.columns].index(column)
    found = {(row[0], row[1]): row[place] for row in table.rows}
    hours = [row[1] for row in table.rows if isinstance(row[1], int)]
    shown = range(min(hours, default=9), max(hours, default=16) + 1)
    days = [day for day in WEEKDAYS if any(row[0] == day for row in table.rows)] or list(WEEKDAYS[:5])

    def value(day: str, hour: int) -> float | None:
        told = found.get((day, hour))
        return told / unit if isinstance(told, int | float) else None

    return charts.Heat(
        rows=[names[day] for day in days],
        columns=[str(hour) for hour in shown],
        values=[[value(day, hour) for hour in shown] for day in days],
        label=label,
    )


def _day_waits(record: Record, house: House, names: dict[str, str]) -> charts.DayWaits:
    zone, visits = house.calendar.zone, record.visits
    took, called = waited(record)
    waits = [
        charts.Waited(to_datetime(at, zone), wait / SECOND, bool(booked))
        for at, wait, booked in zip(
            visits["reported_at"][called].tolist(),
            took[called].tolist(),
            visits["appointment"][called].tolist(),
            strict=True,
        )
    ]
    return charts.DayWaits(waits, _opened(record, zone), names)


def _opened(record: Record, zone: ZoneInfo) -> list[tuple[datetime, int]]:
    """The moments from which so many counters were open."""
    is_open = record.shifts["mode"] == MODES.index(CounterMode.OPEN)
    begins, ends = record.shifts["begin"][is_open], record.shifts["until"][is_open]
    moments = np.unique(np.concatenate([begins, ends]))
    open_at = np.searchsorted(np.sort(begins), moments, side="right")
    open_at -= np.searchsorted(np.sort(ends), moments, side="right")
    return [
        (to_datetime(at, zone), count) for at, count in zip(moments.tolist(), open_at.tolist(), strict=True)
    ]
