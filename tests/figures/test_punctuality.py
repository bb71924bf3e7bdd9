"""Punctuality over local days: days worked out by hand, and random slots told by the domain row by row."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from program import ROOT
from running import MECHELEN

from server import database as db
from server import policies, schema
from server import settings as configuration
from server.domain.appointment import Booking
from server.domain.day import Status
from server.domain.house import House
from server.domain.punctuality import Arrival, Facts, Outcome, Policy, arrival, outcome, tabulate
from server.figures import axes
from server.figures import punctuality as figures
from server.figures.dimensions import DIMENSIONS, LEADS, NOT_DRAWN
from server.figures.punctuality import report
from server.figures.report import BadQuestion, Report
from server.figures.slots import NONE, STATES, STATUSES, Slots, read
from server.web import punctuality as api

S = 1_000_000
MINUTE = 60 * S
DAY = 86_400 * S
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
STRICT = Policy(version="strict", early_s=3600, grace_s=0, cancel_in_time_s=3600)
HOUSE = replace(configuration.load(MECHELEN)["mechelen"], punctuality=(STRICT, Policy()))
LATER = int(datetime(2027, 6, 1, tzinfo=ZoneInfo("UTC")).timestamp()) * S


def at(text: str, fold: int = 0) -> int:
    """The instant of a time by the clock of Brussels."""
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Brussels"), fold=fold)
    return round(moment.timestamp()) * S


class Rows:
    """Rows of appointments and visits in a database of their own."""

    def __init__(self, path: Path) -> None:
        self.store = db.Database(f"sqlite:///{path}")
        self.store.write_now(schema.migrate)
        self._count = 0
        self._made: list[tuple[Any, dict[str, Any]]] = []

    def slot(self, service: str, slot_at: int, **more: Any) -> str:
        """An appointment, with a visit where it was ``reported_at``; its id."""
        self._count += 1
        identity = f"a{self._count}"
        visit = {
            name: more.pop(name) for name in ("reported_at", "first_called_at", "status") if name in more
        }
        row = {"id": identity, "site": "mechelen", "service": service, "at": slot_at, "state": "never"}
        row |= {"booked_at": slot_at - DAY, "persons": 1, "came": False}
        if visit:
            row |= {"state": "reported", "visit": f"v{self._count}"}
            self.visit(f"v{self._count}", service, slot_at, appointment=identity, slot_at=slot_at, **visit)
        self._made.append((db.appointment, row | more))
        return identity

    def visit(self, identity: str, service: str, day_of: int, **more: Any) -> None:
        """A visit of the day of an instant."""
        row = {"id": identity, "site": "mechelen", "service": service, "ticket": identity, "calls": 1}
        row |= {"day": HOUSE.calendar.local_date(day_of).isoformat(), "persons": 1}
        row |= {"announced_late": False, "priority": False}
        self._made.append((db.visit, row | more))

    def draw(self, subject: str, arm: str | None) -> None:
        """The arm of an appointment, None where it is not eligible."""
        row = {"subject": subject, "site": "mechelen", "experiment": "winter", "policy": "p", "arm": arm}
        self._made.append((db.assignment, row | {"eligible": arm is not None, "slot_at": 0, "at": 0}))

    def read(self, work: db.Work[db.T]) -> db.T:
        """Write what was made, all at once, and read."""

        def write(connection: sa.Connection) -> None:
            for made, row in self._made:
                connection.execute(made.insert(), row)

        self.store.write_now(write)
        self._made = []
        return self.store.read_now(work)

    def report(
        self, by: Sequence[str] = (), first: date = MONDAY, last: date = MONDAY, **more: Any
    ) -> Report:
        house, now = more.pop("house", HOUSE), more.pop("now", LATER)
        return self.read(lambda connection: report(connection, house, first, last, by, now, **more))


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Rows]:
    made = Rows(tmp_path / "onthaal.db")
    yield made
    made.store.close()


def table(told: Report, name: str) -> list[dict[str, Any]]:
    (found,) = [each for each in told.tables if each.id == name]
    keys = [column.key for column in found.columns]
    return [dict(zip(keys, row, strict=True)) for row in found.rows]


def a_monday(rows: Rows) -> None:
    """Fourteen slots of a Monday, and what is none of them."""
    nine = at("2026-11-23 09:00")
    rows.slot(
        *("bevolking", nine),
        reported_at=nine - 20 * MINUTE,
        first_called_at=nine + 2 * MINUTE,
        status="served",
        booked_at=at("2026-11-23 08:00"),
        channel="online",
        language="nl",
    )
    rows.slot(
        *("bevolking", nine + 10 * MINUTE),
        reported_at=nine + 12 * MINUTE,
        first_called_at=nine + 12 * MINUTE,
        status="served",
        booked_at=at("2026-11-20 23:59"),
        channel="phone",
        language="fr",
    )
    rows.slot(
        *("bouwen", nine + 20 * MINUTE),
        reported_at=nine + 26 * MINUTE,
        first_called_at=nine + 30 * MINUTE,
        status="left",
        booked_at=at("2026-11-16 00:00"),
        channel="online",
    )
    # The house named 9:50 to this one, who came at 9:55 exactly.
    rows.slot(
        *("bouwen", nine + 30 * MINUTE),
        told_at=nine + 50 * MINUTE,
        reported_at=nine + 55 * MINUTE,
        first_called_at=nine + 60 * MINUTE,
        status="served",
    )
    # Who announces to be late is late: the hall keeps the place, the figures keep the truth.
    rows.slot(
        *("bevolking", nine + 60 * MINUTE),
        late_s=900,
        reported_at=nine + 75 * MINUTE,
        first_called_at=nine + 80 * MINUTE,
        status="not-present",
    )
    rows.slot("bevolking", nine)
    rows.slot("bouwen", nine, came=True)
    cancelled = {"state": "cancelled", "cancelled_by": "citizen"}
    rows.slot("wonen", nine, **cancelled, cancelled_at=nine - DAY)
    rows.slot("wonen", nine, **cancelled, cancelled_at=nine - DAY + 1)
    rows.slot("wonen", nine, state="cancelled", cancelled_by="city", cancelled_at=nine - DAY)
    rows.slot("sport", at("2026-11-24 11:00"), was_at=at("2026-11-23 11:00"), rebooked_at=nine - DAY)
    rows.slot("sport", at("2026-11-23 12:45"), state="confirmed")
    rows.slot(
        *("gesprek", nine + 90 * MINUTE),
        reported_at=nine + 90 * MINUTE,
        first_called_at=nine + 91 * MINUTE,
        status="served",
    )
    rows.slot("bevolking", at("2026-11-23 12:30"), reported_at=at("2026-11-23 12:30"), status="not-served")
    # None of these: a walk-in, the days before and after by the clock of the house, another house.
    rows.visit("w1", "onthaal", nine, reported_at=nine, first_called_at=nine + MINUTE, status="served")
    rows.slot("bevolking", at("2026-11-22 23:59"))
    rows.slot("bevolking", at("2026-11-24 00:00"))
    rows.slot("bevolking", nine, site="elsewhere")


def test_a_day_by_hand(rows: Rows) -> None:
    a_monday(rows)
    told = rows.report()
    (whole,) = table(told, "all")
    expected = {"slots": 14, "stood": 9, "early": 1, "on_time": 2, "grace": 2, "late": 2, "missed": 2}
    expected |= {"came": 1, "served": 4, "left": 2, "not_present": 1, "not_served": 1, "pending": 1}
    expected |= {"cancelled_in_time": 1, "cancelled_too_late": 1, "cancelled_by_city": 1, "rebooked": 1}
    expected |= {"share_early": 0.1111, "share_late": 0.2222, "share_missed": 0.2222}
    expected |= {"share_late_or_missed": 0.4444}
    # 0, 60, 120, 240, 300, 300 from the later of slot and report; raw 60, 120, 120, 600, 1200, 1800.
    for name in ("wait", "city_lateness"):
        expected |= {f"{name}_appointments": 6, f"{name}_mean_s": 170, f"{name}_p50_s": 120}
        expected |= {f"{name}_p90_s": 300, f"{name}_p95_s": 300}
    expected |= {"call_minus_slot_appointments": 6, "call_minus_slot_mean_s": 650}
    expected |= {"call_minus_slot_p50_s": 120, "call_minus_slot_p90_s": 1800, "call_minus_slot_p95_s": 1800}
    assert whole == expected
    assert {(row["arrival"], row["outcome"]): row["slots"] for row in table(told, "pairs")} == {
        ("early", "served"): 1,
        ("on-time", "served"): 1,
        ("on-time", "not-served"): 1,
        ("grace", "served"): 2,
        ("late", "left"): 2,
        ("never", "missed"): 1,
        ("never", "came"): 1,
        ("never", "cancelled-in-time"): 1,
        ("never", "cancelled-too-late"): 1,
        ("never", "cancelled-by-city"): 1,
        ("never", "rebooked"): 1,
    }
    bins = table(told, "arrivals")
    assert {(row["from_s"], row["to_s"]): row["slots"] for row in bins if row["slots"]} == {
        (-1200, -900): 1,
        (0, 300): 3,
        (300, 600): 1,
        (900, 1200): 1,
        (1500, 1800): 1,
    }
    assert (len(bins), bins[0]["from_s"], bins[0]["to_s"], bins[-1]["to_s"]) == (26, None, -3600, None)
    assert told.notes[0].startswith("Policy 2026-1: early is more than 900 s")


def test_another_policy_reads_the_same_day_again(rows: Rows) -> None:
    a_monday(rows)
    (whole,) = table(rows.report(policy="strict"), "all")
    expected = {"stood": 9, "early": 0, "on_time": 3, "grace": 0, "late": 4, "missed": 2}
    expected |= {"cancelled_in_time": 2, "cancelled_too_late": 0, "share_late_or_missed": 0.6667}
    assert whole.items() >= expected.items()
    assert rows.report(policy="strict").notes[0].startswith("Policy strict: ")
    assert rows.report(policy="2026-1") == rows.report()


def test_a_policy_that_the_file_no_longer_has_can_still_be_asked_for(rows: Rows) -> None:
    a_monday(rows)
    rows.store.write_now(lambda connection: policies.keep(connection, [HOUSE], "x"))
    house = replace(HOUSE, punctuality=(Policy(version="2027-1", grace_s=600),))
    assert table(rows.report(house=house), "all")[0]["late"] == 1
    assert rows.report(house=house, policy="strict") == rows.report(policy="strict")
    with pytest.raises(BadQuestion, match=r'^policy: the house has no "9"; it has 2026-1, strict$'):
        rows.report(house=house, policy="9")


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("service", {"bevolking": 5, "bouwen": 3, "wonen": 0, "sport": 0}),
        ("range", {"C": 6, "D": 3, "E": 0}),
        ("weekday", {"mon": 9}),
        ("hour", {9: 6, 10: 2, 11: 0, 12: 1}),
        ("day", {"2026-11-23": 9}),
        ("week", {"2026-W48": 9}),
        ("month", {"2026-11": 9}),
        ("lead", {"same day": 1, "1-3": 7, "4-7": 1}),
        ("channel", {"online": 2, "phone": 1, None: 6}),
        ("language", {"fr": 1, "nl": 1, None: 7}),
        ("arm", {"winter/none": 1, "winter/short": 1, "not drawn": 7}),
    ],
)
def test_the_day_divided(rows: Rows, by: str, expected: dict[Any, int]) -> None:
    a_monday(rows)
    for subject, arm in (("a1", "short"), ("a2", "none"), ("a3", None)):
        rows.draw(subject, arm)
    told = rows.report((by,))
    groups = table(told, "groups")
    assert {row[by]: row["stood"] for row in groups} == expected
    assert [row[by] for row in groups] == list(expected) or by == "service"
    (whole,) = table(told, "all")
    for key in ("slots", "stood", "late", "missed", "pending", "rebooked", "wait_appointments"):
        assert sum(row[key] for row in groups) == whole[key], key


def test_the_day_divided_by_two(rows: Rows) -> None:
    a_monday(rows)
    groups = table(rows.report(("service", "hour")), "groups")
    assert {(row["service"], row["hour"]): row["stood"] for row in groups if row["stood"]} == {
        ("bevolking", 9): 3,
        ("bevolking", 10): 1,
        ("bevolking", 12): 1,
        ("bouwen", 9): 3,
    }


def test_nobody_finds_a_discreet_service_in_a_table_or_by_subtracting(rows: Rows) -> None:
    a_monday(rows)
    rows.slot("gone", at("2026-11-23 09:00"))
    told = rows.report(("service",))
    assert "gesprek" not in {row["service"] for row in table(told, "groups")}
    assert table(told, "all")[0]["stood"] == sum(row["stood"] for row in table(told, "groups")) == 8
    assert any("Discreet services" in note for note in told.notes)
    # Its people stand among those of the range that it shares; a service that is gone has no range.
    assert {row["range"]: row["stood"] for row in table(rows.report(("range",)), "groups")}["C"] == 6
    assert table(rows.report(), "all")[0]["stood"] == 10


def test_an_empty_day_has_an_empty_report(rows: Rows) -> None:
    for by in ((), ("service", "hour")):
        told = rows.report(by)
        (whole,) = table(told, "all")
        assert {value for key, value in whole.items() if key.startswith("share")} == {None}
        assert (whole["slots"], whole["wait_mean_s"], whole["wait_appointments"]) == (0, None, 0)
        assert table(told, "pairs") == []
        assert sum(row["slots"] for row in table(told, "arrivals")) == 0
        assert "There was no appointment on these days." in told.notes
    assert table(told, "groups") == []


def test_days_with_23_and_25_hours_lose_nobody_and_the_clock_says_the_hour(rows: Rows) -> None:
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    for moment in ("00:00", "01:59", "03:00", "23:59"):
        rows.slot("bevolking", at(f"2026-03-29 {moment}"))
    for moment, fold in (("01:30", 0), ("02:30", 0), ("02:30", 1), ("03:00", 0), ("23:59", 0)):
        rows.slot("bevolking", at(f"2026-10-25 {moment}", fold))
    rows.slot("bevolking", at("2026-03-30 00:00"))
    rows.slot("bevolking", at("2026-10-24 23:59"))

    def hours(day: date) -> dict[int, int]:
        groups = table(rows.report(("hour",), first=day, last=day), "groups")
        return {row["hour"]: row["missed"] for row in groups}

    assert hours(spring) == {0: 1, 1: 1, 3: 1, 23: 1}
    assert hours(autumn) == {1: 1, 2: 2, 3: 1, 23: 1}
    year = table(rows.report(("day",), first=date(2026, 1, 1), last=date(2026, 12, 31)), "groups")
    assert {row["day"]: row["missed"] for row in year} == {
        "2026-03-29": 4,
        "2026-03-30": 1,
        "2026-10-24": 1,
        "2026-10-25": 5,
    }


def test_lead_is_counted_in_local_days(rows: Rows) -> None:
    slot = at("2026-03-31 09:00")
    for booked in ("2026-03-31 00:00", "2026-03-30 23:59", "2026-03-28 00:00", "2026-03-27 23:59"):
        rows.slot("bevolking", slot, booked_at=at(booked))
    for booked in ("2026-03-23 23:59", "2026-03-16 23:59", "2026-02-28 12:00", "2025-05-01 12:00"):
        rows.slot("bevolking", slot, booked_at=at(booked))
    # A booking system that told of it afterwards.
    rows.slot("bevolking", slot, booked_at=slot + DAY)
    day = date(2026, 3, 31)
    groups = table(rows.report(("lead",), first=day, last=day), "groups")
    assert {row["lead"]: row["missed"] for row in groups} == {
        "same day": 2,
        "1-3": 2,
        "4-7": 1,
        "8-14": 1,
        "15-30": 1,
        "over 30": 2,
    }


def test_a_moved_appointment_has_two_slots_and_reports_at_one(rows: Rows) -> None:
    slot = at("2026-11-23 10:00")
    rows.slot("sport", slot, was_at=at("2026-11-23 09:00"), reported_at=slot, status="served")
    (whole,) = table(rows.report(), "all")
    assert whole.items() >= {"slots": 2, "stood": 1, "rebooked": 1, "served": 1}.items()
    assert whole["wait_appointments"] == 0
    # Of the slot on Monday alone only the moving is known, whatever came of the appointment.
    rows.slot("sport", at("2026-11-24 10:00"), was_at=slot, reported_at=at("2026-11-24 10:20"), status="left")
    assert table(rows.report(), "all")[0].items() >= {"slots": 3, "stood": 1, "rebooked": 2}.items()
    tuesday = table(rows.report(first=TUESDAY, last=TUESDAY), "all")
    assert tuesday[0].items() >= {"slots": 1, "late": 1, "rebooked": 0}.items()


def test_a_day_that_is_not_over_says_so(rows: Rows) -> None:
    a_monday(rows)
    said = "These days are not over: what is still to be seen is only counted as pending."
    assert said in rows.report(now=at("2026-11-23 11:00")).notes
    assert said not in rows.report(now=at("2026-11-24 00:00")).notes


@pytest.mark.parametrize(
    ("by", "first", "last", "said"),
    [
        (("counter",), MONDAY, MONDAY, 'by: there is no "counter"; there are service, range, weekday,'),
        (("day", "hour", "day"), MONDAY, MONDAY, 'by: "day" stands there twice'),
        ((), TUESDAY, MONDAY, "to: lies before from"),
        ((), date(2026, 1, 1), date(2027, 2, 5), "to: at most 400 days after from"),
    ],
)
def test_what_cannot_be_asked(rows: Rows, by: tuple[str, ...], first: date, last: date, said: str) -> None:
    with pytest.raises(BadQuestion) as caught:
        rows.report(by, first=first, last=last)
    assert str(caught.value).startswith(said)


def test_the_documentation_names_every_group_class_and_figure(rows: Rows) -> None:
    text = (ROOT / "docs/punctuality.md").read_text()
    named = set(re.findall(r"`([^`\n]+)`", text))
    assert {*DIMENSIONS, *(each.value for each in (*Arrival, *Outcome))} <= named
    keys = {column.key for each in rows.report().tables for column in each.columns}
    shares = {key for key in keys if key.startswith("share")}
    assert {"slots", "stood", "wait", "city_lateness", "call_minus_slot", "arrivals", *shares} <= named
    assert {name for _, name in LEADS} | {NOT_DRAWN} <= named


# --- against the domain -------------------------------------------------------------------------

SERVICES = ("bevolking", "bouwen", "gesprek")
NINE = at("2026-11-23 09:00")
# Near the lines of the policy, on both sides, to the microsecond.
near = st.sampled_from([-DAY, -901 * S, -900 * S - 1, -900 * S, -1, 0, 1, 300 * S, 300 * S + 1, 1800 * S])
moment = st.integers(0, 3 * 3600).map(lambda second: NINE + second * S)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    slot_at = draw(moment)
    found = Facts(
        service=draw(st.sampled_from(SERVICES)),
        slot_at=slot_at,
        state=draw(st.sampled_from(Booking)),
        came=draw(st.booleans()),
        cancelled_at=draw(st.none() | near.map(lambda off: slot_at + off)),
        cancelled_by=draw(st.sampled_from([None, "citizen", "city"])),
        told_at=draw(st.none() | near.map(lambda off: slot_at + off)),
    )
    if not draw(st.booleans()):
        return replace(found, rebooked=draw(st.booleans()))
    reported_at = slot_at + draw(near)
    return replace(
        found,
        reported_at=reported_at,
        first_called_at=draw(st.none() | near.map(lambda off: reported_at + off)),
        outcome_status=draw(st.sampled_from(Status)),
    )


def columns(rows: Sequence[Facts], house: House) -> Slots:
    """The same rows as columns."""
    services = list(house.services)

    def instants(name: str) -> Any:
        given = [getattr(row, name) for row in rows]
        return np.array([NONE if value is None else value for value in given], np.int64)

    def codes(places: list[int]) -> Any:
        return np.array(places, np.int64)

    return Slots(
        service=codes([services.index(row.service) for row in rows]),
        slot_at=instants("slot_at"),
        booked_at=instants("slot_at"),
        state=codes([STATES.index(row.state) for row in rows]),
        cancelled_at=instants("cancelled_at"),
        by_city=codes([row.cancelled_by == "city" for row in rows]),
        came=codes([row.came for row in rows]),
        told_at=instants("told_at"),
        channel=codes([NONE for _ in rows]),
        rebooked=codes([row.rebooked for row in rows]),
        reported_at=instants("reported_at"),
        first_called_at=instants("first_called_at"),
        status=codes(
            [NONE if row.outcome_status is None else STATUSES.index(row.outcome_status) for row in rows]
        ),
        languages=[],
        arms=[],
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(facts(), max_size=60), st.sampled_from([Policy(), STRICT]))
def test_columns_are_told_as_the_domain_tells_rows(rows: list[Facts], policy: Policy) -> None:
    found = columns(rows, HOUSE)
    assert [list(Outcome)[code] for code in axes.outcomes(found, policy)] == [
        outcome(row, policy) for row in rows
    ]
    assert [list(Arrival)[code] for code in axes.arrivals(found, policy)] == [
        arrival(row.slot_at, row.reported_at, policy, row.told_at) for row in rows
    ]
    groups = axes.told(found, HOUSE, policy, ("service",), MONDAY, MONDAY)
    assert {group.of[0] for group in groups} == {row.service for row in rows}
    for group in groups:
        expected = tabulate([row for row in rows if row.service == group.of[0]], policy)
        assert group.table == replace(expected, waits_s=(), city_lateness_s=(), call_minus_slot_s=())
        for spread, seconds in (
            (group.wait, expected.waits_s),
            (group.city_lateness, expected.city_lateness_s),
            (group.call_minus_slot, expected.call_minus_slot_s),
        ):
            assert spread.appointments == len(seconds)
            if seconds:
                assert spread.mean_s == pytest.approx(math.fsum(seconds) / len(seconds), abs=0.051)
                # By nearest rank: as few as possible lie at or below it that are the share at least.
                for percent, value in ((50, spread.p50_s), (90, spread.p90_s), (95, spread.p95_s)):
                    least = next(
                        each for place, each in enumerate(seconds, 1) if 100 * place >= percent * len(seconds)
                    )
                    assert value == round(least, 1)


def test_more_groups_than_anybody_reads_are_refused(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    a_monday(rows)
    monkeypatch.setattr(axes, "GROUPS", 3)
    with pytest.raises(BadQuestion, match=r"^by: 4 groups, at most 3: ask for less at once$"):
        rows.report(("hour",))


def test_months_read_apart_are_the_days_read_together(rows: Rows) -> None:
    a_monday(rows)
    first, last = date(2026, 11, 1), date(2026, 11, 30)

    def sizes(connection: Any) -> tuple[int, int]:
        apart = [read(connection, HOUSE, *days) for days in ((first, date(2026, 11, 22)), (MONDAY, last))]
        return len(read(connection, HOUSE, first, last)), sum(map(len, apart))

    assert rows.read(sizes) == (17, 17)


def test_the_api_and_the_report_take_as_many_days() -> None:
    assert api.DAYS == figures.DAYS
