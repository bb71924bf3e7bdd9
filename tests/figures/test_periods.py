"""Which days a page of figures is of, and which it is held against: by the calendar on the wall."""

from __future__ import annotations

from datetime import date

import pytest
from figures.history import instant
from running import MECHELEN

from server.figures.periods import Days, Kind, Span, against, period
from server.settings import load

CALENDAR = load(MECHELEN)["mechelen"].calendar
LONG_AFTER = instant("2030-01-15", "10:00")


def held(span: Span, on: str, now: int = LONG_AFTER) -> list[tuple[Kind, list[Days]]]:
    of = period(span, date.fromisoformat(on))
    return [(each.kind, list(each.parts)) for each in against(span, of, CALENDAR, now)]


def days(first: str, last: str, until: int | None = None) -> Days:
    return Days(date.fromisoformat(first), date.fromisoformat(last), until)


@pytest.mark.parametrize(
    ("span", "on", "first", "last"),
    [
        (Span.DAY, "2026-11-26", "2026-11-26", "2026-11-26"),
        (Span.WEEK, "2026-11-26", "2026-11-23", "2026-11-29"),
        (Span.WEEK, "2026-11-23", "2026-11-23", "2026-11-29"),
        (Span.WEEK, "2026-11-29", "2026-11-23", "2026-11-29"),
        (Span.WEEK, "2027-01-01", "2026-12-28", "2027-01-03"),
        (Span.YEAR, "2026-11-26", "2026-01-01", "2026-12-31"),
    ],
)
def test_a_day_lies_in_its_week_and_year(span: Span, on: str, first: str, last: str) -> None:
    assert period(span, date.fromisoformat(on)) == days(first, last)


def test_a_day_is_held_against_the_four_weekdays_before_it() -> None:
    ((kind, parts),) = held(Span.DAY, "2026-11-23")
    assert kind is Kind.WEEKDAYS
    mondays = ("2026-11-16", "2026-11-09", "2026-11-02", "2026-10-26")
    assert parts == [days(day, day) for day in mondays]


@pytest.mark.parametrize(
    ("on", "before", "year"),
    [
        ("2026-11-26", ("2026-11-16", "2026-11-22"), ("2025-11-24", "2025-11-30")),
        # 2026 has 53 weeks, 2025 has 52: the last of the one stands beside the last of the other.
        ("2026-12-31", ("2026-12-21", "2026-12-27"), ("2025-12-22", "2025-12-28")),
        ("2027-01-05", ("2026-12-28", "2027-01-03"), ("2025-12-29", "2026-01-04")),
    ],
)
def test_a_week_is_held_against_the_one_before_and_its_number_a_year_before(
    on: str, before: tuple[str, str], year: tuple[str, str]
) -> None:
    assert held(Span.WEEK, on) == [
        (Kind.WEEK_BEFORE, [days(*before)]),
        (Kind.SAME_WEEK, [days(*year)]),
    ]


def test_a_year_is_held_against_the_one_before() -> None:
    assert held(Span.YEAR, "2026-05-05") == [(Kind.YEAR_BEFORE, [days("2025-01-01", "2025-12-31")])]
    leap = against(Span.YEAR, days("2028-01-01", "2028-02-29"), CALENDAR, LONG_AFTER)
    assert leap[0].parts == (days("2027-01-01", "2027-02-28"),)


def test_what_is_under_way_is_held_against_as_much_of_the_others_by_the_clock_on_the_wall() -> None:
    """The last Sunday of October has 25 hours: a week later by the wall is an hour more than seven days."""
    now = instant("2026-10-26", "10:15")
    ((_, parts),) = held(Span.DAY, "2026-10-26", now)
    assert parts[0] == days("2026-10-19", "2026-10-19", instant("2026-10-19", "10:15"))
    assert now - parts[0].until == (7 * 24 + 1) * 3600 * 1_000_000  # type: ignore[operator]
    (_, (before,)), (_, (year,)) = held(Span.WEEK, "2026-10-31", instant("2026-10-28", "9:00"))
    assert before == days("2026-10-19", "2026-10-21", instant("2026-10-21", "9:00"))
    assert year == days("2025-10-27", "2025-10-29", instant("2025-10-29", "9:00"))


def test_what_is_to_come_is_held_against_whole_days() -> None:
    ((_, parts),) = held(Span.DAY, "2026-11-30", instant("2026-11-23", "10:00"))
    assert {part.until for part in parts} == {None}
