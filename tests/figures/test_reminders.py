"""What the reminders' report tells of a record written by hand, and what it keeps back until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from booked import KEYS, PHONE, Town, at
from msgspec.structs import replace

from notify import assignment, contacts
from notify.delivery import State, reached
from server import app
from server.figures import reminders
from server.figures.experiments import withheld
from server.figures.report import BadQuestion, Report

HOUSE = """
[sites.town]
name = "Town"
time_zone = "Europe/Brussels"
[sites.town.opening]
mon = ["08:00-18:00"]
tue = ["08:00-18:00"]
wed = ["08:00-18:00"]
thu = ["08:00-18:00"]
fri = ["08:00-18:00"]
[[sites.town.services]]
id = "passport"
name = "Passports"
kind = "theme"
range = "A"
target_s = 300
[[sites.town.counters]]
id = "1"
services = ["passport"]
"""
ARMS = """
[sites.town.experiment]
id = "winter"
starts = "2026-12-01"
ends = "2026-12-31"
approved_by = "the council"
[[sites.town.experiment.arms]]
id = "long"
share = 500
ladder = ["1d", "2h"]
[[sites.town.experiment.arms]]
id = "none"
share = 500
ladder = []
"""
FIRST, LAST = date(2026, 12, 1), date(2027, 1, 31)
BOOKED, SLOT = "2026-12-10 09:00", "2027-01-07 10:00"
BEFORE, OVER = "2027-01-07 23:59", "2027-01-08 00:00"

MISSED = {"state": "never"}
CANCELLED = {"state": "cancelled", "cancelled_by": "citizen", "cancelled_at": at("2027-01-05 10:00")}
SHORTLY = {"state": "cancelled", "cancelled_by": "citizen", "cancelled_at": at("2027-01-07 09:00")}
LATE = {"reported": at("2027-01-07 10:06")}
SERVED = {"reported": at("2027-01-07 09:58")}
MOVED = {"state": "never", "at": at("2027-01-06 10:00"), "was_at": at(SLOT)}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path, HOUSE + ARMS)
    yield made
    made.store.close()


class Record:
    """Appointments that were drawn, as rows: what is not named is as it is for most."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.made = 0
        self.rows: list[str] = []

    def add(self, arm: str | None, count: int, what: dict[str, Any], **drawn: Any) -> None:
        """So many appointments of an arm that became what is said; ``drawn`` are columns of their draw."""
        for _ in range(count):
            self.made += 1
            name = f"a{self.made:05}"
            become = {"state": "reported", "at": at(SLOT), "booked_at": at(BOOKED), **what}
            arrived = become.pop("reported", None)
            if arrived is not None:
                become["visit"] = f"v{self.made:05}"
                self._insert(
                    "visit",
                    {
                        "id": become["visit"],
                        "site": "town",
                        "day": "2027-01-07",
                        "ticket": name,
                        "service": "passport",
                        "status": "served",
                        "appointment": name,
                        "announced_late": 0,
                        "reported_at": arrived,
                        "calls": 1,
                        "persons": 1,
                        "priority": 0,
                    },
                )
            row = {"id": name, "site": "town", "service": "passport", "persons": 1, "came": 0}
            self._insert("appointment", {**row, **become})
            ladder = {"none": "", "long": "1d 2h"}.get(arm or "", "2h")
            draw = {
                "subject": name,
                "site": "town",
                "experiment": "winter",
                "policy": "winter:1",
                "eligible": 1,
            }
            draw |= {"arm": arm, "ladder": ladder, "probability": 0.5, "place": 1 if arm == "none" else 0}
            draw |= {"slot_at": at(SLOT), "at": at(BOOKED), "ends": "2026-12-31", "again": 0, **drawn}
            self._insert("assignment", draw)
        self.town.store.write_now(lambda c: [c.exec_driver_sql(row) for row in self.rows])
        self.rows = []

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        values = ", ".join("NULL" if value is None else repr(value) for value in row.values())
        self.rows.append(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})")


@pytest.fixture
def record(town: Town) -> Record:
    return Record(town)


def told(town: Town, now: str = OVER, *by: str, first: date = FIRST, last: date = LAST) -> Report:
    """The report at a moment of house time."""
    return town.store.read_now(lambda c: reminders.report(c, town.house, first, last, by, at(now)))


def table(report: Report, name: str) -> list[dict[str, Any]]:
    """The rows of one of its tables, by the columns' keys."""
    (found,) = [each for each in report.tables if each.id == name]
    keys = [column.key for column in found.columns]
    assert all(len(row) == len(keys) for row in found.rows)
    return [dict(zip(keys, row, strict=True)) for row in found.rows]


def events(report: Report) -> dict[tuple[str, str], tuple[int, int]]:
    """By outcome and arm: how many people, and to how many of them it happened."""
    return {(row["outcome"], row["arm"]): (row["n"], row["events"]) for row in table(report, "arms")}


def a_winter(record: Record) -> None:
    """Forty without reminders and fifty with, of whom ten missed and three."""
    record.add("none", 10, MISSED)
    record.add("none", 4, LATE)
    record.add("none", 1, CANCELLED)
    record.add("none", 25, SERVED)
    record.add("long", 2, MISSED)
    record.add("long", 1, MOVED)
    record.add("long", 5, LATE)
    record.add("long", 6, CANCELLED)
    record.add("long", 2, SHORTLY)
    record.add("long", 34, SERVED)


def test_everybody_is_told_by_the_arm_that_was_drawn(town: Town, record: Record) -> None:
    a_winter(record)
    report = told(town)
    assert events(report) == {
        ("missed", "long"): (50, 3),
        ("missed", "none"): (40, 10),
        ("late", "long"): (50, 5),
        ("late", "none"): (40, 4),
        ("cancelled-in-time", "long"): (50, 6),
        ("cancelled-in-time", "none"): (40, 1),
    }
    rows = {row["outcome"]: row for row in table(report, "comparisons")}
    missed = rows["missed"]
    assert (missed["arm"], missed["reference"]) == ("long", "none")
    # By hand, from Wilson's 0.02062 to 0.16218 of 3 in 50 and 0.14187 to 0.40194 of 10 in 40.
    assert missed["difference"] == pytest.approx(-0.19, abs=1e-6)
    assert missed["difference_low"] == pytest.approx(-0.19 - (0.03938**2 + 0.15194**2) ** 0.5, abs=2e-5)
    assert missed["difference_high"] == pytest.approx(-0.19 + (0.10218**2 + 0.10813**2) ** 0.5, abs=2e-5)
    assert missed["ratio"] == pytest.approx(0.24, abs=1e-6)
    assert missed["words"] == (
        "Of 100 people, 19.0 fewer missed it in long than in none (95 % interval: 4.1 to 34.7)."
    )
    assert rows["late"]["words"].startswith("Not known: of 100 people, between 1")


def test_what_was_sent_and_whom_it_reached_changes_nothing_of_what_an_arm_found(
    town: Town, record: Record
) -> None:
    a_winter(record)
    before = told(town)
    # Nobody of the arm with reminders got one, and somebody of the other did.
    for number in range(1, record.made + 1):
        deliver(town, f"a{number:05}", "1d", "sms", "failed" if number > 40 else "delivered")
    after = told(town)
    assert table(after, "arms") == table(before, "arms")
    assert table(after, "comparisons") == table(before, "comparisons")


def test_only_the_first_appointment_of_a_person_is_told(town: Town, record: Record) -> None:
    a_winter(record)
    before = events(told(town))
    record.add("none", 7, MISSED, again=1)
    record.add("long", 5, SERVED, again=1)
    report = told(town)
    assert events(report) == before
    drawn = {row["arm"]: (row["drawn"], row["people"]) for row in table(report, "drawn")}
    assert drawn == {"none": (47, 40), "long": (55, 50)}


def test_nothing_is_told_by_arm_until_all_of_it_is_over(town: Town, record: Record) -> None:
    a_winter(record)
    record.add(None, 3, SERVED, eligible=0, reason="contact")
    report = told(town, BEFORE)
    assert table(report, "arms") == []
    rows = table(report, "comparisons")
    assert len(rows) == 3
    for row in rows:
        figures = [row[key] for key in row if key.startswith(("difference", "ratio"))]
        assert figures == [None] * 6
        assert row["words"].startswith(
            "winter: not yet known. What became of whom is shown from 2027-01-08 on"
        )
    # What is there to see is who was drawn, and nothing that any outcome would change.
    drawn = [(row["arm"], row["drawn"], row["people"]) for row in table(report, "drawn")]
    assert drawn == [("long", 50, 50), ("none", 40, 40), ("not part of it: contact", 3, None)]
    town.write("UPDATE appointment SET state = 'never', visit = NULL")
    assert told(town, BEFORE) == report
    house = town.house
    assert town.store.read_now(lambda c: withheld(c, house, at(BEFORE))) == {"winter"}
    assert town.store.read_now(lambda c: withheld(c, house, at(OVER))) == set()


def test_who_moves_far_ahead_is_waited_for_and_who_cancels_is_not(town: Town, record: Record) -> None:
    a_winter(record)
    record.add("none", 1, {**CANCELLED, "at": at("2027-06-01 10:00")})
    assert table(told(town), "arms") != []
    record.add("none", 1, {"state": "booked", "at": at("2027-03-01 10:00"), "was_at": at(SLOT)})
    report = told(town)
    assert table(report, "arms") == []
    assert "from 2027-03-02 on" in table(report, "comparisons")[0]["words"]


@pytest.mark.parametrize("ends", ["2026-12-15", "2027-02-28"])
def test_a_last_day_that_is_moved_lets_nobody_look_earlier(town: Town, record: Record, ends: str) -> None:
    record.add("none", 3, {**MISSED, "at": at("2026-12-14 10:00")})
    record.add("long", 3, {**MISSED, "at": at("2026-12-14 10:00")})
    town.read(HOUSE + ARMS.replace("2026-12-31", ends))
    report = told(town, "2026-12-20 09:00")
    assert table(report, "arms") == []
    assert any("its last day was changed on the way" in note for note in report.notes)
    known = max("2027-01-01", "2027-03-01" if ends == "2027-02-28" else "")
    assert f"from {known} on" in table(report, "comparisons")[0]["words"]


def test_taking_an_experiment_out_of_the_configuration_lets_nobody_look_earlier(
    town: Town, record: Record
) -> None:
    record.add("none", 3, {**MISSED, "at": at("2026-12-14 10:00")})
    record.add("long", 3, {**MISSED, "at": at("2026-12-14 10:00")})
    town.read(HOUSE)
    assert table(told(town, "2026-12-20 09:00"), "arms") == []
    assert len(table(told(town, "2027-01-01 00:00"), "arms")) == 6


def test_days_that_are_asked_for_choose_experiments_and_no_part_of_one(town: Town, record: Record) -> None:
    a_winter(record)
    one = told(town, first=date(2027, 1, 6), last=date(2027, 1, 6))
    assert events(one) == events(told(town))
    other = told(town, first=date(2027, 1, 8), last=date(2027, 1, 31))
    assert table(other, "drawn") == []
    assert "No experiment ran on these days" in other.notes[0]
    with pytest.raises(BadQuestion, match="service"):
        told(town, OVER, "service")
    with pytest.raises(BadQuestion, match="before the first"):
        told(town, first=LAST, last=FIRST)


def test_without_an_arm_that_reminds_nobody_the_first_one_is_compared_with(
    town: Town, record: Record
) -> None:
    record.add("short", 10, MISSED, ladder="2h", place=0)
    record.add("long", 10, SERVED, ladder="3d 1d 2h", place=1)
    record.add("cost", 10, SERVED, ladder="3d 1d 2h", place=2)
    compared = {(row["arm"], row["reference"]) for row in table(told(town), "comparisons")}
    assert compared == {("long", "short"), ("cost", "short")}


def test_policies_are_told_apart_and_together_kept_back(town: Town, record: Record) -> None:
    record.add("none", 4, MISSED)
    record.add("long", 4, SERVED)
    record.add("none", 5, SERVED, policy="winter:2", probability=0.1)
    record.add("long", 5, SERVED, policy="winter:2", probability=0.9)
    report = told(town)
    counts = {(row["policy"], row["arm"]): row["n"] for row in table(report, "arms")}
    assert counts == {
        ("winter:1", "none"): 4,
        ("winter:1", "long"): 4,
        ("winter:2", "none"): 5,
        ("winter:2", "long"): 5,
    }
    assert any("each of its 2 policies is told by itself" in note for note in report.notes)


def test_an_outcome_that_nobody_wrote_down_is_counted_and_in_no_share(town: Town, record: Record) -> None:
    a_winter(record)
    record.add("none", 2, {"state": "booked"})
    record.add("none", 1, {"state": "never", "came": 1})
    rows = {(row["outcome"], row["arm"]): row for row in table(told(town), "arms")}
    none = rows["missed", "none"]
    # Whom a counter saw has not missed it, though they never reported.
    assert (none["people"], none["unknown"], none["n"], none["events"]) == (43, 2, 41, 10)


def test_an_experiment_that_has_drawn_nobody_says_how_many_it_needs(town: Town) -> None:
    report = told(town, "2026-11-20 09:00")
    assert [(row["arm"], row["drawn"]) for row in table(report, "drawn")] == [("long", 0), ("none", 0)]
    needed = {row["ratio"]: row for row in table(report, "needed")}
    assert (needed[0.75]["base"], needed[0.75]["source"]) == (0.07, "stated")
    assert needed[0.75]["needed"] == 5893
    assert needed[0.75]["people"] == 0
    assert "not yet known" in table(report, "comparisons")[0]["words"]


def test_how_many_are_missed_is_known_from_the_year_before(town: Town, record: Record) -> None:
    a_winter(record)
    rows = ", ".join(
        f"('b{number}', 'town', 'passport', {at('2026-05-04 10:00') + number}, 0, "
        f"'{'never' if number % 5 == 0 else 'reported'}', 1, 0)"
        for number in range(1000)
    )
    town.write(
        "INSERT INTO appointment (id, site, service, at, booked_at, state, persons, came) VALUES " + rows
    )
    (row, _) = table(told(town, BEFORE), "needed")
    assert (row["base"], row["source"], row["people"]) == (0.2, "this house", 90)


def test_a_house_that_never_drew_anybody_has_an_empty_report(tmp_path: Path) -> None:
    town = Town(tmp_path, HOUSE)
    report = told(town)
    assert all(each.rows == () for each in report.tables)
    assert report.tables[0].notes == ("No reminder was due in these days.",)
    town.store.close()


# --- what was sent --------------------------------------------------------------------------------


def deliver(town: Town, subject: str, step: str, channel: str, state: str, **more: Any) -> None:
    row = {"id": f"{subject}-{step}-{channel}", "site": "town", "subject": subject, "kind": "reminder"}
    row |= {"step": step, "slot_at": at(SLOT), "rank": 0, "channel": channel, "state": state, "about": ""}
    row |= {
        "planned_at": at(BOOKED),
        "due_at": at("2027-01-06 10:00"),
        "until": 0,
        "retry_at": 0,
        "attempt": 1,
    }
    row |= more
    values = ", ".join(repr(value) for value in row.values())
    town.write(f"INSERT INTO delivery ({', '.join(row)}) VALUES ({values})")


def test_reminders_are_counted_by_step_and_channel_with_what_they_cost(town: Town) -> None:
    deliver(town, "a1", "1d", "sms", "delivered", parts=2, cost=70_000)
    deliver(town, "a2", "1d", "sms", "accepted", parts=1, cost=35_000)
    deliver(town, "a3", "1d", "sms", "failed")
    deliver(town, "a3", "1d", "mail", "accepted", rank=1)
    deliver(town, "a4", "1d", "", "failed", attempt=0)
    deliver(town, "a5", "1d", "", "withdrawn", attempt=0)
    deliver(town, "a6", "2h", "push", "delivered")
    deliver(town, "a7", "2h", "push", "shown")
    deliver(town, "a8", "2h", "", "planned", attempt=0)
    deliver(town, "a9", "2h", "sms", "delivered", kind="go")
    deliver(town, "b1", "2h", "sms", "delivered", due_at=at("2027-02-01 00:00"))
    deliver(town, "b2", "2h", "sms", "delivered", due_at=at("2026-12-01 00:00") - 1)
    rows = table(told(town), "reminders")
    keys = ("step", "channel", "deliveries", "reminders", "sent", "reached", "failed", "withdrawn", "waiting")
    assert [tuple(row[key] for key in keys) for row in rows] == [
        ("1d", "none yet", 2, 2, 0, 0, 1, 1, 0),
        ("1d", "mail", 1, 0, 1, 1, 0, 0, 0),
        ("1d", "sms", 3, 3, 3, 1, 1, 0, 0),
        ("2h", "none yet", 1, 1, 0, 0, 0, 0, 1),
        ("2h", "push", 2, 2, 2, 1, 0, 0, 0),
    ]
    assert [(row["parts"], row["cost"]) for row in rows][2] == (3, pytest.approx(0.105))
    by_step = table(told(town, OVER, "step"), "reminders")
    assert [(row["step"], row["reminders"], row["reached"]) for row in by_step] == [
        ("1d", 5, 2),
        ("2h", 3, 1),
    ]


def test_what_counts_as_reached_is_what_the_ledger_takes_for_it() -> None:
    for channel, states in reminders._REACHED.items():
        assert {state for state in State if reached(channel, state)} == set(states)


# --- the same person ------------------------------------------------------------------------------


def drawn_again(town: Town) -> dict[str, bool]:
    """By reference: whether the person had been drawn before."""
    sql = "SELECT ref, again FROM assignment JOIN reference ON appointment = subject"
    return {ref: bool(again) for ref, again in town.rows(sql)}


def test_a_person_is_known_again_by_where_they_are_reached(town: Town) -> None:
    mail = contacts.Contact(email="Jan@example.org")
    both = replace(PHONE, email="jan@example.org")
    slot = "2026-12-17 10:00"
    town.book(("A", "passport", slot, PHONE), ("B", "passport", slot, mail), now=BOOKED)
    town.plan(BOOKED)
    town.book(
        ("C", "passport", slot, both),
        ("D", "passport", slot, replace(mail, email="jan@Example.org")),
        now=BOOKED,
    )
    town.plan(BOOKED)
    assert drawn_again(town) == {"A": False, "B": False, "C": True, "D": True}


def test_of_two_that_are_drawn_at_once_one_is_the_first(town: Town) -> None:
    slot = "2026-12-17 10:00"
    town.book(("A", "passport", slot, PHONE), ("B", "passport", slot, PHONE), now=BOOKED)
    town.plan(BOOKED)
    assert sorted(drawn_again(town).values()) == [False, True]


def test_a_person_is_known_again_when_their_data_are_erased_and_not_when_they_are_to_be_forgotten(
    town: Town,
) -> None:
    slot = "2026-12-17 10:00"
    town.book(("A", "passport", slot, PHONE), now=BOOKED)
    town.plan(BOOKED)
    town.write("DELETE FROM contact")
    town.book(("B", "passport", slot, PHONE), now=BOOKED)
    town.plan(BOOKED)
    assert drawn_again(town) == {"A": False, "B": True}
    ((subject,),) = town.rows("SELECT appointment FROM reference WHERE ref = 'B'")
    town.store.write_now(lambda connection: assignment.forget(connection, [subject]))
    assert town.rows("SELECT count(*) FROM assignment WHERE person IS NOT NULL") == [(0,)]
    assert drawn_again(town) == {"A": False, "B": True}


def test_a_mark_is_of_one_experiment_alone_and_goes_when_it_is_over(town: Town) -> None:
    slot = "2026-12-17 10:00"
    town.book(("A", "passport", slot, PHONE), now=BOOKED)
    town.plan(BOOKED)
    town.read(HOUSE + ARMS.replace("winter", "spring"))
    town.plan(BOOKED)
    town.book(("B", "passport", slot, PHONE), now=BOOKED)
    town.plan(BOOKED)
    assert drawn_again(town) == {"A": False, "B": False}
    marks = {mark for (mark,) in town.rows("SELECT person FROM assignment")}
    assert len(marks) == 2
    assert KEYS.address_mark(str(PHONE.phone)) not in marks
    for today, left in ((date(2027, 1, 1), 2), (date(2027, 1, 2), 0)):
        town.store.write_now(lambda connection, today=today: assignment.sweep(connection, today))  # type: ignore[misc]
        assert town.rows("SELECT count(*) FROM assignment WHERE person IS NOT NULL") == [(left,)]


def test_what_a_server_sweeps_away_are_such_marks_too(town: Town) -> None:
    town.book(("A", "passport", "2026-12-17 10:00", PHONE), now=BOOKED)
    town.plan(BOOKED)
    town.write("UPDATE assignment SET ends = '2020-12-31'")
    town.store.write_now(app._sweep)
    assert town.rows("SELECT person, again FROM assignment") == [(None, 0)]
