"""The reports of visits and waits, against days worked out by hand; the arithmetic stands beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from domain.days import THURSDAY_HALL, Played, house_of, utc
from figures.days_by_hand import ALWAYS, SITE, stored, thursday

from server import database as db
from server.database import Database
from server.domain import commands as co
from server.domain.appointment import Appointment, BookedBy
from server.domain.house import Norm
from server.figures import digests, kinds
from server.figures.report import BadQuestion, Report
from server.ledger import appointment_row

THURSDAY = date(2026, 11, 26)
HOUSE = house_of(THURSDAY_HALL)
NOW = utc("2026-11-27 09:00")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = stored(tmp_path_factory.mktemp("thursday"), thursday().journal)
    yield database
    database.close()


def ask(
    database: Database, kind: str, *by: str, first: date = THURSDAY, last: date = THURSDAY, **more: Any
) -> Report:
    house = replace(HOUSE, **more)
    return database.read_now(lambda connection: kinds.report(connection, kind, house, first, last, by, NOW))


def rows(report: Report, table: str) -> Rows:
    """The rows of a table, each by the keys of its columns."""
    (found,) = (each for each in report.tables if each.id == table)
    return [dict(zip((column.key for column in found.columns), row, strict=True)) for row in found.rows]


def test_visits_and_what_became_of_them(told: Database) -> None:
    (row,) = rows(ask(told, "visits"), "visits")
    assert row == {
        "visits": 8,
        "persons": 8,
        "days": 1,
        "visits_a_day": 8.0,
        "by_appointment": 3,  # v2, v4, v7
        "appointment_share": 0.375,  # 3 / 8
        "served": 5,  # v1, v2, v3, v6, v7
        "left": 1,  # v4
        "not_present": 1,  # v5
        "not_served": 1,  # v8
        "left_share": 0.25,  # (v4, v5) of 8
        "not_served_share": 0.125,  # 1 / 8
        "here": 0,
    }


def test_waits_with_and_without_an_appointment(told: Database) -> None:
    everybody, booked, walked_in = rows(ask(told, "waits"), "waits")
    # v1 7:00 to 7:02, 120 s; v2 called a minute before its slot, 0; v3 7:16 to 7:20, 240: the call of 7:17
    # was undone; v5 7:41 to 7:43, 120; v6 7:46 to 7:47, 60; v7 from its slot at 8:00 to 8:12, 720.
    assert everybody == {
        "who": "all",
        "visits": 8,
        "called": 6,
        "wait_mean_s": 210.0,  # (120 + 0 + 240 + 120 + 60 + 720) / 6
        "wait_p50_s": 120.0,  # the 3rd of 0 60 120 120 240 720
        "wait_p90_s": 720.0,  # the 6th: 5.4 rounded up
        "wait_p95_s": 720.0,
        "wait_longest_s": 720.0,
        "within": 5,  # all but v7
        "within_share": 0.833333,  # 5 / 6, of those who were called
        "left_uncalled": 1,  # v4
        "not_served_uncalled": 1,  # v8
        "waiting": 0,
    }
    assert (booked["who"], booked["visits"], booked["called"]) == ("with appointment", 3, 2)
    assert (booked["wait_mean_s"], booked["wait_p50_s"], booked["wait_p90_s"]) == (360.0, 0.0, 720.0)
    assert (booked["within"], booked["within_share"], booked["left_uncalled"]) == (1, 0.5, 1)
    assert (walked_in["who"], walked_in["visits"], walked_in["called"]) == ("without appointment", 5, 4)
    # 60 120 120 240: (60 + 120 + 120 + 240) / 4, the 2nd, the 4th
    assert (walked_in["wait_mean_s"], walked_in["wait_p50_s"], walked_in["wait_p90_s"]) == (
        135.0,
        120.0,
        240.0,
    )
    assert (walked_in["within_share"], walked_in["not_served_uncalled"]) == (1.0, 1)


def test_calls_recalls_and_the_walk_to_the_counter(told: Database) -> None:
    (row,) = rows(ask(told, "waits"), "calls")
    assert row == {
        "calls": 9,  # v1, v2 and v3 twice, v5, v6, v7; not the undone one
        "recalls": 2,  # v2, v5
        "recalled": 2,
        "recalled_share": 0.222222,  # 2 / 9
        "in_vain": 1,  # v5
        "started": 7,  # not v5, and not the second of v3
        "walk_mean_s": 68.571,  # (60 + 30 + 180 + 60 + 30 + 60 + 60) / 7
        "walk_p50_s": 60.0,  # the 4th of 30 30 60 60 60 60 180
        "walk_p90_s": 180.0,
        "walk_p95_s": 180.0,
        "walk_longest_s": 180.0,
    }


def test_handling_times(told: Database) -> None:
    (row,) = rows(ask(told, "visits"), "handling")
    assert row == {
        "handled": 6,  # v1 twice, v2 twice, v3 once, v6; v7 was cut off by the end of the day
        "handling_mean_s": 280.0,  # 1680 / 6
        "handling_p50_s": 180.0,  # the 3rd of 90 90 180 300 420 600
        "handling_p90_s": 600.0,
        "handling_p95_s": 600.0,
        "handling_longest_s": 600.0,
        "handling_total_s": 1680.0,  # 300 + 90 + 180 + 600 + 90 + 420
        "not_measured": 1,  # the second of v3 was finished without a start
    }


def test_handling_times_are_those_of_the_service_that_was_given(told: Database) -> None:
    found = {
        row["service"]: row["handling_total_s"] for row in rows(ask(told, "visits", "service"), "handling")
    }
    # v1 7:03 to 7:08; its second service 7:10:30 to 7:12; v2, v3 until it was sent on, v6; v7 has none.
    assert found == {"onthaal": 300.0, "snel": 90.0, "burger": 180.0 + 600 + 90 + 420, "wonen": 0.0}


def test_the_time_of_the_counters(told: Database) -> None:
    (row,) = rows(ask(told, "visits"), "counters")
    assert row == {
        "counters": 3,
        # 1: 7:00 to 12:00; 2: the same but 7:50 to 8:05; 3: 8:00 to the end of the day at 19:00
        "open_s": 74_700.0,  # 18000 + 17100 + 39600
        "paused_s": 900.0,
        # v1 360 and 120, v2 360 and 660, v3 120 and 60, v5 120, v6 480, v7 38880
        "busy_s": 41_160.0,
        "occupancy": 0.5488,  # 41160 / (74700 + the 300 of v6 at the paused counter)
    }
    each = {line["counter"]: line for line in rows(ask(told, "visits", "counter"), "counters")}
    assert each["1"]["occupancy"] == 0.03  # (360 + 120 + 60) / 18000
    assert each["2"]["occupancy"] == 0.1  # (360 + 660 + 120 + 120 + 480) / (17100 + 300)
    assert each["3"]["occupancy"] == 0.981818  # 38880 / 39600


def test_the_time_of_the_counters_by_the_hour(told: Database) -> None:
    found = {row["hour"]: row for row in rows(ask(told, "visits", "hour"), "counters")}
    assert list(found) == list(range(8, 20))  # 7:00 to 19:00 in UTC
    # Two counters from 7 to 8, less ten minutes of pause; all but v7, whose 2280 s to 9 begin at 8:12.
    assert (found[8]["counters"], found[8]["open_s"], found[8]["busy_s"]) == (2, 6600.0, 2280.0)
    # Counters 1 and 3 all the hour, 2 from 8:05; v7 from 8:12.
    assert (found[9]["open_s"], found[9]["paused_s"], found[9]["busy_s"]) == (10_500.0, 300.0, 2880.0)
    assert sum(row["open_s"] for row in found.values()) == 74_700.0
    assert sum(row["busy_s"] for row in found.values()) == 41_160.0


def test_a_visit_counts_where_it_reported_for(told: Database) -> None:
    found = {row["service"]: row for row in rows(ask(told, "visits", "service"), "visits")}
    assert {name: row["visits"] for name, row in found.items()} == {
        "onthaal": 1,  # v1, which went on to snel
        "snel": 1,  # v8
        "burger": 5,  # v2, v3, v4, v5, v6; v3 was sent on
        "wonen": 1,
    }
    assert found["burger"]["left_share"] == 0.4  # v4 and v5 of 5
    by_hour = {row["hour"]: row["visits"] for row in rows(ask(told, "visits", "hour"), "visits")}
    assert by_hour == {8: 7, 18: 1}  # local hours: one ahead of UTC


def test_two_dimensions_and_the_order_of_the_rows(told: Database) -> None:
    report = ask(told, "visits", "appointment", "range")
    assert [(row["appointment"], row["range"], row["visits"]) for row in rows(report, "visits")] == [
        ("with", "B", 3),
        ("without", "A", 2),
        ("without", "B", 3),
    ]
    (counted,) = (table for table in report.tables if table.id == "counters")
    assert "not told by appointment or range" in counted.notes[0]


def test_another_norm_re_reads_the_same_day(told: Database) -> None:
    everybody = rows(ask(told, "waits", norm=Norm(within_s=119, percent=50)), "waits")[0]
    assert (everybody["within"], everybody["within_share"]) == (2, 0.333333)  # v2 and v6 of 6
    everybody = rows(ask(told, "waits", norm=Norm(within_s=120)), "waits")[0]
    assert everybody["within"] == 4  # v1 and v5 waited just so long


def test_digested_or_not_the_figures_are_the_same(tmp_path: Path) -> None:
    database = stored(tmp_path, thursday().journal)
    try:
        before = [ask(database, kind, "service", "hour") for kind in kinds.DIVIDED]
        assert digests.catch_up(database, SITE) == 1
        assert digests.catch_up(database, SITE) == 0
        assert [ask(database, kind, "service", "hour") for kind in kinds.DIVIDED] == before
    finally:
        database.close()


def test_a_day_under_way_is_told_up_to_now(tmp_path: Path) -> None:
    day = Played(HOUSE, utc("2026-11-26 06:50"))
    day.at(utc("2026-11-26 07:00")).do(co.OpenCounter(counter="1"))
    day.walk_in("onthaal")
    day.walk_in("onthaal")
    day.at(utc("2026-11-26 07:05")).call("1")
    database = stored(tmp_path, day.journal)
    try:
        now = utc("2026-11-26 07:15")
        made = [
            database.read_now(
                lambda connection, kind=kind: kinds.report(
                    connection, kind, HOUSE, THURSDAY, THURSDAY, (), now
                )  # type: ignore[misc]
            )
            for kind in ("visits", "waits")
        ]
        (row,) = rows(made[0], "visits")
        assert (row["visits"], row["here"], row["left_share"]) == (2, 2, None)
        (row,) = rows(made[0], "counters")
        assert (row["open_s"], row["busy_s"], row["occupancy"]) == (900.0, 600.0, 0.666667)
        everybody = rows(made[1], "waits")[0]
        assert (everybody["called"], everybody["wait_mean_s"], everybody["waiting"]) == (1, 300.0, 1)
        # By the clock of the house, an hour ahead of UTC.
        until = "2026-11-26 is not over: its figures are those of 2026-11-26 08:15."
        assert until in made[0].notes
    finally:
        database.close()


def test_a_day_of_25_hours_loses_nobody(tmp_path: Path) -> None:
    house = house_of(replace(THURSDAY_HALL, start=0, stop=0), ALWAYS)
    sunday = date(2026, 10, 25)
    day = Played(house, utc("2026-10-24 22:00"))  # midnight in Brussels, two hours ahead
    day.at(utc("2026-10-24 22:10")).walk_in("onthaal")  # 0:10, on the day before in UTC
    day.do(co.OpenCounter(counter="1"))
    day.at(utc("2026-10-25 00:30")).walk_in("onthaal")  # 2:30
    day.at(utc("2026-10-25 01:30")).walk_in("onthaal")  # 2:30 again
    day.at(utc("2026-10-25 22:50")).walk_in("onthaal")  # 23:50
    day.do(co.CloseCounter(counter="1"))
    day.at(utc("2026-10-25 23:00")).do(co.EndDay())
    database = stored(tmp_path, day.journal)
    try:
        (row,) = rows(ask(database, "visits", "day", first=sunday, last=sunday), "visits")
        assert (row["day"], row["visits"]) == ("2026-10-25", 4)
        made = ask(database, "visits", "hour", first=sunday, last=sunday)
        assert {row["hour"]: row["visits"] for row in rows(made, "visits")} == {0: 1, 2: 2, 23: 1}
        opened = {row["hour"]: row["open_s"] for row in rows(made, "counters")}
        assert opened == {0: 3000.0, 1: 3600.0, 2: 7200.0, **dict.fromkeys(range(3, 23), 3600.0), 23: 3000.0}
        assert (
            rows(ask(database, "visits", "day", first=date(2026, 10, 24), last=date(2026, 10, 24)), "visits")
            == []
        )
    finally:
        database.close()


@pytest.mark.parametrize("kind", ["visits", "waits"])
@pytest.mark.parametrize("by", [(), ("service", "hour"), ("counter",)])
def test_nothing_happened(tmp_path: Path, kind: str, by: tuple[str, ...]) -> None:
    database = stored(tmp_path)
    try:
        made = ask(database, kind, *by)
        assert "nothing to count" in made.notes[0]
        for table in made.tables:
            assert len(table.rows) in ((0,) if by or table.id == "bookings" else (1, 3))
            for row in table.rows:
                assert all(
                    value in (0, None, "all", "with appointment", "without appointment") for value in row
                )
    finally:
        database.close()


def test_a_house_that_opened_and_nobody_came(tmp_path: Path) -> None:
    day = Played(HOUSE, utc("2026-11-26 06:50"))
    day.at(utc("2026-11-26 19:00")).do(co.EndDay())
    database = stored(tmp_path, day.journal)
    try:
        (row,) = rows(ask(database, "visits"), "visits")
        assert (row["visits"], row["days"], row["visits_a_day"], row["left_share"]) == (0, 0, None, None)
        assert ask(database, "visits").notes == ()
    finally:
        database.close()


def test_discreet_services_are_in_totals_alone(tmp_path: Path) -> None:
    day = Played(HOUSE, utc("2026-11-26 06:50"))
    day.at(utc("2026-11-26 07:00")).walk_in("fjc")
    day.walk_in("burger")
    day.at(utc("2026-11-26 19:00")).do(co.EndDay())
    database = stored(tmp_path, day.journal)
    try:
        assert rows(ask(database, "visits"), "visits")[0]["visits"] == 2
        report = ask(database, "visits", "service")
        assert [(row["service"], row["visits"]) for row in rows(report, "visits")] == [("burger", 1)]
        assert "Discreet services form no group" in report.notes[0]
    finally:
        database.close()


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (lambda told: ask(told, "visits", "colour"), 'unknown dimension "colour"'),
        (lambda told: ask(told, "visits", "day", "day"), "asked by twice"),
        (lambda told: ask(told, "nothing"), 'unknown kind "nothing"'),
        (lambda told: ask(told, "waits", last=date(2026, 11, 25)), "lies before the first"),
        (lambda told: ask(told, "waits", first=date(2020, 1, 1)), "at most 1100 days"),
    ],
)
def test_questions_that_cannot_be_asked(
    told: Database, question: Callable[[Database], Report], said: str
) -> None:
    with pytest.raises(BadQuestion, match=said):
        question(told)


def test_share_booked_online_is_of_those_whose_channel_is_known(tmp_path: Path) -> None:
    """Four on the day: two online, one by phone, one of which nobody knows; one on the next day."""
    slots = [
        ("a", "10:00", "online"),
        ("b", "10:05", "online"),
        ("c", "10:10", "phone"),
        ("d", "10:15", None),
    ]
    database = stored(tmp_path, [])
    try:
        for name, wall, channel in [*slots, ("e", None, "online")]:
            known = Appointment(
                id=name,
                service="bevolking",
                at=utc(f"2026-11-26 {wall}" if wall else "2026-11-27 10:00"),
                booked_at=utc("2026-11-20 10:00"),
                channel=channel and BookedBy(channel),
            )
            database.write_now(
                lambda connection, known=known: connection.execute(
                    db.appointment.insert(), appointment_row(SITE, known)
                )
            )
        report = ask(database, "visits")
        (table,) = [each for each in report.tables if each.id == "bookings"]
        assert table.rows == (("online", 2, 0.6667), ("phone", 1, 0.3333))  # of the three that are known
        assert table.notes[0].startswith("1 appointments")
    finally:
        database.close()
