"""The record's columns: words and instants of several days together, and time cut into hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from domain.days import THURSDAY_HALL, Played, house_of, utc
from figures.days_by_hand import SITE, stored

from server.domain import commands as co
from server.figures import digests
from server.figures.packing import NEVER
from server.figures.record import by_hour, local_hours, read

QUARTER = 900_000_000
HOUSE = house_of(THURSDAY_HALL)


def test_each_day_has_words_of_its_own(tmp_path: Path) -> None:
    day = Played(HOUSE, utc("2026-11-26 06:50"))
    day.at(utc("2026-11-26 07:00")).walk_in("burger", language="fr")
    day.at(utc("2026-11-26 19:00")).do(co.EndDay())
    day.at(utc("2026-11-27 06:50")).do(co.OpenDay(appointments=()))
    day.at(utc("2026-11-27 07:00")).walk_in("onthaal", language="nl")
    day.do(co.OpenCounter(counter="1"))
    day.at(utc("2026-11-27 07:02")).call("1")
    database = stored(tmp_path, day.journal)
    try:
        digests.catch_up(database, SITE)
        record = database.read_now(lambda c: read(c, SITE, date(2026, 11, 26), date(2026, 11, 27)))
        words = [
            [record.texts[place] for place in record.visits[field]]
            for field in ("service", "language", "counter")
        ]
        assert words == [["burger", "onthaal"], ["fr", "nl"], ["", "1"]]
        assert record.visits["first_called_at"].tolist() == [NEVER, utc("2026-11-27 07:02")]
        assert record.stints["visit"].tolist() == [1]
        assert record.days == (date(2026, 11, 26), date(2026, 11, 27))
        assert record.running == (date(2026, 11, 27),)
        second = database.read_now(lambda c: read(c, SITE, date(2026, 11, 27), date(2026, 11, 27)))
        assert [second.texts[place] for place in second.visits["service"]] == ["onthaal"]
        assert second.stints["visit"].tolist() == [0]
    finally:
        database.close()


@pytest.mark.parametrize(("zone", "unit"), [("Europe/Brussels", 4 * QUARTER), ("Asia/Kathmandu", QUARTER)])
def test_intervals_are_cut_where_an_hour_begins_somewhere(zone: str, unit: int) -> None:
    calendar = replace(HOUSE.calendar, zone=ZoneInfo(zone))
    begins = np.array([0, 10, unit - 1, unit, 5])
    ends = np.array([unit, 20, unit + 1, 3 * unit, 5])
    which, begin, end = by_hour(begins, ends, (date(2026, 11, 26),), calendar)
    assert list(zip(which.tolist(), begin.tolist(), end.tolist(), strict=True)) == [
        (0, 0, unit),
        (1, 10, 20),
        (2, unit - 1, unit),
        (2, unit, unit + 1),
        (3, unit, 2 * unit),
        (3, 2 * unit, 3 * unit),
        (4, 5, 5),
    ]


@pytest.mark.parametrize(
    ("day", "begin", "hours"),
    [
        ("2026-11-26", "2026-11-25 23:00", list(range(24))),
        ("2026-03-29", "2026-03-28 23:00", [0, 1, *range(3, 24)]),
        ("2026-10-25", "2026-10-24 22:00", [0, 1, 2, 2, *range(3, 24)]),
    ],
)
def test_hours_on_the_wall(day: str, begin: str, hours: list[int]) -> None:
    instants = utc(begin) + np.arange(len(hours)) * 4 * QUARTER
    days = np.full(len(hours), date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal())
    assert local_hours(instants, days, HOUSE.calendar).tolist() == hours
    assert all(later - earlier == 4 * QUARTER for earlier, later in pairwise(instants.tolist()))
