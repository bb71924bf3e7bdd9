"""The local days that a page of figures is of, and those that they are held against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from server.domain.schedule import Calendar, to_datetime

WEEKS_BEFORE = 4
"""So many weeks back a day is held against the same weekday."""


class Span(StrEnum):
    """How much one page is of."""

    DAY = "day"
    WEEK = "week"
    YEAR = "year"


class Kind(StrEnum):
    """What days are held against."""

    WEEKDAYS = "weekdays"
    WEEK_BEFORE = "week-before"
    SAME_WEEK = "same-week"
    YEAR_BEFORE = "year-before"


@dataclass(frozen=True, slots=True)
class Days:
    """Local days, both included; of the last only what happened up to ``until``, where that is an instant."""

    first: date
    last: date
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Against:
    """What a period is held against. Of several ``parts`` the mean counts."""

    kind: Kind
    parts: tuple[Days, ...]


def period(span: Span, on: date) -> Days:
    """The day, the week from Monday to Sunday, or the year that a day lies in."""
    if span is Span.DAY:
        return Days(on, on)
    if span is Span.WEEK:
        monday = on - timedelta(days=on.weekday())
        return Days(monday, monday + timedelta(days=6))
    return Days(date(on.year, 1, 1), date(on.year, 12, 31))


def against(span: Span, of: Days, calendar: Calendar, now: int) -> tuple[Against, ...]:
    """What a period is held against.

    One that is under way is held against as much of the others: up to the same day, and to what the clock on
    the wall shows.
    """
    today = calendar.local_date(now)
    running = of.first <= today <= of.last
    wall = to_datetime(now, calendar.zone).time()
    last = today if running else of.last

    def like(begin: date, end: date) -> Days:
        return Days(begin, end, calendar.at(end, wall) if running else None)

    if span is Span.DAY:
        days = [of.first - timedelta(weeks=back) for back in range(1, WEEKS_BEFORE + 1)]
        return (Against(Kind.WEEKDAYS, tuple(like(day, day) for day in days)),)
    if span is Span.WEEK:
        ahead = last - of.first
        found = []
        for kind, monday in (
            (Kind.WEEK_BEFORE, of.first - timedelta(weeks=1)),
            (Kind.SAME_WEEK, _a_year_before(of.first)),
        ):
            found.append(Against(kind, (like(monday, monday + ahead),)))
        return tuple(found)
    year = of.first.year - 1
    # The last day of February may have had no namesake.
    end = last.replace(year=year, day=28) if (last.month, last.day) == (2, 29) else last.replace(year=year)
    return (Against(Kind.YEAR_BEFORE, (like(date(year, 1, 1), end),)),)


def _a_year_before(monday: date) -> date:
    """The Monday of the ISO week with the same number; of the last one where a year had no 53rd."""
    year, week, _ = monday.isocalendar()
    weeks = date(year - 1, 12, 28).isocalendar().week
    return date.fromisocalendar(year - 1, min(week, weeks), 1)
