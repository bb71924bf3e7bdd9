"""The alerts of a hand-made morning: each kind begins and ends when the rule in docs/alerts.md says."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from domain.days import MINUTE, S, appointment, utc

from displays import management
from displays.alerts import quiet
from displays.day import DayModel
from displays.protocol import view_bytes
from server.domain import commands as co
from server.domain.alerts import Alerts, Failing, chance, is_wave

EIGHT = utc("2026-11-26 08:00")


def of_kind(day: Any, kind: str, **told: Any) -> list[Any]:
    model = DayModel(day.house, day.day, day.now, 1.0, **told)
    view = json.loads(view_bytes(management.overview(model)))
    return [alert for alert in view["alerts"] if alert["kind"] == kind]


def booked(told: Any, many: int, **house: Any) -> Any:
    """A morning with so many appointments at 08:00 UTC; five minutes of grace."""
    return told(*(appointment(f"a{n}", "burger", EIGHT) for n in range(many)), **house)


def test_a_late_wave_comes_and_goes(told: Any) -> None:
    day = booked(told, 12)
    for n in range(4):
        day.at(EIGHT - 60 * S).report(f"a{n}")
    assert of_kind(day.at(EIGHT + 5 * MINUTE), "late-wave") == []
    (alert,) = of_kind(day.at(EIGHT + 5 * MINUTE + 1), "late-wave")
    assert (alert["count"], alert["of"], alert["since"]) == (8, 12, "2026-11-26T08:05:00.000Z")
    assert [alert[name] for name in ("service", "screen", "counter", "channel")] == [None] * 4
    # Late is who came late as well: what has been is not taken back by their coming.
    day.report("a4")
    assert [each["count"] for each in of_kind(day, "late-wave")] == [8]
    # Half an hour after the last moment at which they were in time they no longer count.
    assert of_kind(day.at(EIGHT + 35 * MINUTE - 1), "late-wave") != []
    assert of_kind(day.at(EIGHT + 35 * MINUTE), "late-wave") == []


def test_a_few_who_are_late_are_no_wave(told: Any) -> None:
    """Seven of twelve may be chance: where 16 in 100 are late it comes once in 996 half hours."""
    day = booked(told, 12)
    for n in range(5):
        day.at(EIGHT - 60 * S).report(f"a{n}")
    assert of_kind(day.at(EIGHT + 6 * MINUTE), "late-wave") == []
    few = booked(told, 4)
    assert of_kind(few.at(EIGHT + 6 * MINUTE), "late-wave") == []


def test_who_cancelled_is_not_late(told: Any) -> None:
    day = booked(told, 12)
    for n in range(5):
        day.do(co.Cancel(known=day.day.appointments[f"a{n}"], by="citizen"))
    (alert,) = of_kind(day.at(EIGHT + 6 * MINUTE), "late-wave")
    assert (alert["count"], alert["of"]) == (7, 7)


def test_where_more_are_usually_late_it_takes_more(told: Any) -> None:
    day = booked(told, 12, alerts=Alerts(late_usual_percent=60))
    for n in range(3):
        day.at(EIGHT - 60 * S).report(f"a{n}")
    assert of_kind(day.at(EIGHT + 6 * MINUTE), "late-wave") == []


@pytest.mark.parametrize("percent", [16, 50])
def test_chance_is_that_of_all_outcomes_counted_one_by_one(percent: int) -> None:
    share = percent / 100
    for late in range(9):
        counted = 0.0
        for outcome in product((0, 1), repeat=8):
            if sum(outcome) >= late:
                counted += share ** sum(outcome) * (1 - share) ** (8 - sum(outcome))
        assert chance(late, 8, percent) == pytest.approx(counted)


@pytest.mark.parametrize(("of", "least"), [(5, 5), (8, 6), (12, 8), (20, 10), (23, 11), (40, 15)])
def test_the_least_of_a_wave_as_docs_alerts_has_it(of: int, least: int) -> None:
    assert next(late for late in range(of + 1) if is_wave(late, of, Alerts())) == least


def test_reminders_that_fail(day: Any) -> None:
    failing = Failing(channel="sms", count=4, of=5, since=utc("2026-11-26 07:12"))
    (alert,) = of_kind(day, "reminders-failing", failing=(failing,))
    assert (alert["channel"], alert["count"], alert["of"]) == ("sms", 4, 5)
    assert alert["since"] == "2026-11-26T07:12:00.000Z"
    assert of_kind(day, "reminders-failing") == []


def test_nobody_is_told_of_the_hall_before_the_doors_open_and_after_the_day(day: Any) -> None:
    def asleep() -> bool:
        return quiet(DayModel(day.house, day.day, day.now))

    assert not asleep()
    day.at(utc("2026-11-26 12:30"))  # between two openings
    assert not asleep()
    day.at(utc("2026-11-26 19:00")).do(co.EndDay())
    assert asleep()
