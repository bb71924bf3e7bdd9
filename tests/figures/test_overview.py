"""The numbers and tables of the page of figures, of a small history that is worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from figures.history import Came, History, instant
from running import MECHELEN

from server import schema
from server.database import Database
from server.domain.day import Status
from server.figures import counted
from server.figures.overview import Figure, Overview, numbers_table, overview
from server.figures.periods import Span
from server.settings import load

HOUSE = load(MECHELEN)["mechelen"]
MONDAY = "2026-11-23"
AFTER = instant("2026-11-24", "7:00")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'history.db'}")
    database.write_now(schema.migrate)
    yield database
    database.close()


def told(store: Database, span: Span = Span.DAY, on: str = MONDAY, now: int = AFTER) -> Overview:
    return store.read_now(lambda connection: overview(connection, HOUSE, span, date.fromisoformat(on), now))


def rows(made: Overview, table: str) -> list[dict[str, Any]]:
    found = made.tables[table]
    return [dict(zip([column.key for column in found.columns], row, strict=True)) for row in found.rows]


def a_monday(history: History) -> None:
    """Three walk-ins, three appointments, and one that nobody came to.

    With appointment: 9:00 (reported 8:55, waits 60 s), 9:30 (9:36, late, 120 s), 10:00 (10:00, 240 s).
    Without: 8:10 (600 s), 10:20 (660 s), 12:58 (never called, not served by closing).
    """
    history.day(
        MONDAY,
        [
            Came("8:10", 600),
            Came("8:55", 60, "9:00", service="bevolking"),
            Came("9:36", 120, "9:30", service="bevolking"),
            Came("10:00", 240, "10:00", Status.LEFT, "wonen"),
            Came("10:20", 660),
            Came("12:58", None, None, Status.NOT_SERVED),
        ],
        missed=["11:00"],
    )


def mondays_before(history: History) -> None:
    """Two visits on the 16th, four on the 9th, none on the 2nd, and nothing known of 26 October."""
    history.day("2026-11-16", [Came("8:30", 60), Came("9:10", 100, "9:00", service="bevolking")])
    history.day(
        "2026-11-09",
        [
            Came("8:30", 120),
            Came("10:30", 300),
            Came("11:00", None, None, Status.LEFT),
            Came("9:00", 30, "9:00", service="bevolking"),
        ],
        missed=["10:00"],
    )
    history.day("2026-11-02")


def test_the_numbers_of_a_day(store: Database) -> None:
    a_monday(History(store))
    made = told(store)
    assert (made.days, made.running, made.appointments) == (1, False, date(2026, 11, 23))
    assert made.numbers == {
        Figure.VISITS: 6,
        Figure.APPOINTMENT_SHARE: 0.5,
        Figure.WITH_P50: 120,
        Figure.WITH_P90: 240,
        Figure.WITHOUT_P50: 600,
        Figure.WITHOUT_P90: 660,
        # Of five who were called only 660 s is over ten minutes.
        Figure.SERVICE_LEVEL: 0.8,
        # Of four appointments one was six minutes late and one never came.
        Figure.LATE_OR_MISSED: 0.5,
        Figure.MISSED: 0.25,
        Figure.LEFT: round(1 / 6, 6),
        Figure.NOT_SERVED: 1,
    }


def test_no_history_is_nothing_to_compare_with(store: Database) -> None:
    a_monday(History(store))
    (other,) = told(store).compared
    assert (other.days, set(other.numbers.values())) == (0, {None})
    for span in (Span.WEEK, Span.YEAR):
        assert [each.days for each in told(store, span).compared] == [0] * (2 if span is Span.WEEK else 1)


def test_counts_are_the_mean_of_the_days_on_which_anybody_came_and_waits_are_of_all(store: Database) -> None:
    history = History(store)
    a_monday(history)
    mondays_before(history)
    (other,) = told(store).compared
    assert other.days == 2
    assert other.numbers[Figure.VISITS] == 3  # 2 and 4; the Monday on which nobody came is not counted
    assert other.numbers[Figure.APPOINTMENT_SHARE] == round(2 / 6, 6)
    # With appointment 30 and 100 s; without 60, 120 and 300 s: all people of both days together.
    assert other.numbers[Figure.WITH_P50] == 30
    assert other.numbers[Figure.WITHOUT_P50] == 120
    assert other.numbers[Figure.WITHOUT_P90] == 300
    # Of three appointments one was ten minutes late and one never came.
    assert other.numbers[Figure.LATE_OR_MISSED] == round(2 / 3, 6)
    assert other.numbers[Figure.MISSED] == round(1 / 3, 6)
    assert other.numbers[Figure.LEFT] == round(1 / 6, 6)


def test_a_day_under_way_is_held_against_the_others_up_to_the_same_hour(store: Database) -> None:
    history = History(store)
    history.day(MONDAY, [Came("8:10", 600), Came("9:00", 30, "9:00")], ended=False)
    mondays_before(history)
    made = told(store, now=instant(MONDAY, "10:32"))
    assert (made.running, made.appointments) == (True, None)
    (other,) = made.compared
    # By 10:32 both of the 16th had come, and three of the 9th.
    assert other.numbers[Figure.VISITS] == 2.5
    # Who came at 10:30 and was called at 10:35 has not waited yet: 60 and 120 s are known.
    assert other.numbers[Figure.WITHOUT_P90] == 120
    assert other.numbers[Figure.LEFT] == 0
    # Who has not come may still come: nothing is told of today, nor held against it.
    for numbers in (made.numbers, other.numbers):
        assert numbers[Figure.LATE_OR_MISSED] is None
        assert numbers[Figure.MISSED] is None


def test_a_week_under_way_tells_of_appointments_of_the_days_that_are_over(store: Database) -> None:
    history = History(store)
    a_monday(history)
    history.day("2026-11-24", [Came("8:00", 30, "8:00")], missed=["9:00"], ended=False)
    history.day("2026-11-16", [Came("8:30", 60, "8:30")])
    history.day("2026-11-17", [Came("8:30", 60), Came("11:00", 60)], missed=["8:00"])
    made = told(store, Span.WEEK, now=instant("2026-11-24", "10:00"))
    assert made.appointments == date(2026, 11, 23)
    assert made.numbers[Figure.VISITS] == 7
    assert made.numbers[Figure.MISSED] == 0.25
    before, _ = made.compared
    assert before.numbers[Figure.VISITS] == 2  # of Tuesday only who came by ten
    assert before.numbers[Figure.MISSED] == 0  # who missed it on Tuesday is not held against a Monday


def test_a_week_with_a_day_of_25_hours_keeps_what_is_its_own(store: Database) -> None:
    """On 25 October 2026 two o'clock comes twice; the house is taken to be open on that Sunday."""
    history = History(store)
    history.day("2026-10-25", [Came("2:30", 60), Came("23:40", 60)], missed=["23:45"])
    history.day("2026-10-26", [Came("0:10", 60)], missed=["0:05"])
    made = told(store, Span.WEEK, "2026-10-19")
    assert (made.numbers[Figure.VISITS], made.numbers[Figure.MISSED]) == (2, 1)
    assert rows(made, "arrivals")[-1]["appointments"] == 1
    assert [(row["weekday"], row["hour"]) for row in rows(made, "busyness")] == [("sun", 2), ("sun", 23)]


def test_the_tables_of_a_day(store: Database) -> None:
    a_monday(History(store))
    made = told(store)
    hours = {row["hour"]: row for row in rows(made, "hours")}
    assert list(hours) == [8, 9, 10, 11, 12]
    assert hours[8] == {
        "hour": 8,
        "visits": 2,
        "wait_with_p50_s": 60,
        "wait_without_p50_s": 600,
        "wait_longest_s": 600,
        "counters": 1,
    }
    assert [hours[hour]["counters"] for hour in (9, 11, 12)] == [2, 2, 1]
    assert (hours[11]["visits"], hours[11]["wait_longest_s"]) == (0, None)
    bars = {row["from_s"]: (row["arrival"], row["appointments"]) for row in rows(made, "arrivals")[1:-1]}
    assert bars[-300] == ("on-time", 1)
    assert bars[0] == ("grace", 1)
    assert bars[300] == ("late", 1)
    assert sum(count for _, count in bars.values()) == 3
    assert rows(made, "arrivals")[-1] == {
        "arrival": "never",
        "from_s": None,
        "to_s": None,
        "appointments": 1,
    }
    (bevolking,) = [row for row in rows(made, "services") if row["service"] == "bevolking"]
    assert (bevolking["visits"], bevolking["wait_p50_s"], bevolking["stood"]) == (2, 60, 3)
    assert (bevolking["late_share"], bevolking["missed_share"]) == (round(1 / 3, 6), round(1 / 3, 6))


def test_busy_hours_are_a_mean_over_the_days_of_that_weekday(store: Database) -> None:
    history = History(store)
    history.day("2026-11-16", [Came("9:05", 60), Came("9:15", 180), Came("9:25", 240)])
    history.day("2026-11-23", [Came("8:05", 60)])
    history.day("2026-11-24", [Came("9:05", 60)])
    made = told(store, Span.YEAR, now=instant("2026-12-01", "9:00"))
    found = {(row["weekday"], row["hour"]): row for row in rows(made, "busyness")}
    assert {place: row["visits_a_day"] for place, row in found.items()} == {
        ("mon", 8): 0.5,
        ("mon", 9): 1.5,
        ("tue", 9): 1,
    }
    assert found["mon", 9]["wait_p50_s"] == 180


def test_discreet_services_have_no_row(store: Database) -> None:
    (discreet,) = [service.id for service in HOUSE.services.values() if service.discreet]
    History(store).day(MONDAY, [Came("9:00", 60, "9:00", service=discreet), Came("9:30", 60)])
    made = told(store)
    assert made.numbers[Figure.VISITS] == 2
    assert [row["service"] for row in rows(made, "services")] == ["onthaal"]
    assert discreet not in repr([table.rows for table in made.tables.values()])


def test_a_year_is_told_up_to_yesterday_and_kept_for_a_while(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counted, "_kept", {})
    history = History(store)
    a_monday(history)
    history.day("2026-11-24", [Came("8:00")], ended=False)
    history.day("2025-11-23", [Came("8:00"), Came("9:00")])
    history.day("2025-11-24", [Came("8:00")])
    now = instant("2026-11-24", "10:00")
    made = told(store, Span.YEAR, now=now)
    assert (made.of.last, made.running, made.numbers[Figure.VISITS]) == (date(2026, 11, 23), False, 6)
    assert made.compared[0].numbers[Figure.VISITS] == 2  # up to the same date
    history.day("2026-11-20", [Came("8:00")])
    assert told(store, Span.YEAR, now=now).numbers[Figure.VISITS] == 6
    # Another day is another question, and so is a later one.
    assert told(store, Span.YEAR, now=instant("2026-11-25", "7:00")).numbers[Figure.VISITS] == 8
    monkeypatch.setattr(counted, "KEPT_S", -1.0)
    assert told(store, Span.YEAR, now=now).numbers[Figure.VISITS] == 7


@pytest.mark.parametrize("span", list(Span))
def test_nothing_at_all_divides_by_nothing(store: Database, span: Span) -> None:
    for on in (MONDAY, "2026-01-01", "2027-02-02"):
        made = told(store, span, on, instant("2026-01-01", "9:00"))
        assert made.days == 0
        assert set(made.numbers.values()) == {None}


def test_programs_get_each_number_beside_each_of_the_others(store: Database) -> None:
    history = History(store)
    a_monday(history)
    mondays_before(history)
    table = numbers_table(told(store))
    first = dict(zip([column.key for column in table.columns], table.rows[0], strict=True))
    assert first == {
        "figure": "visits",
        "unit": "count",
        "value": 6,
        "against": "weekdays",
        "against_from": "2026-10-26",
        "against_to": "2026-11-16",
        "against_days": 2,
        "against_value": 3,
    }
    assert len(table.rows) == len(Figure)
