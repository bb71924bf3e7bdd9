"""Satisfaction, the digital wait and telephone calls, over days that are worked out by hand."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from office import at
from running import MECHELEN

from server import database as db
from server import schema
from server.database import Database
from server.figures import calls, digital_wait, outside, satisfaction
from server.figures.report import Table
from server.settings import load

HOUSE = load(MECHELEN)["mechelen"]
NAMES = {service.id: service.name for service in HOUSE.services.values()}
SAID_NOTHING = (None, None, None, None)


class Kept:
    """A database whose rows a test writes itself."""

    def __init__(self, store: Database) -> None:
        self.store = store
        self._ids = itertools.count(1)

    def insert(self, table: sa.Table, **row: Any) -> None:
        self.store.write_now(lambda connection: connection.execute(table.insert(), row))

    def visit(
        self,
        reported: str,
        service: str = "onthaal",
        status: str = "served",
        score: int | None = None,
        site: str = "mechelen",
    ) -> None:
        """A visit, with the score that it was given."""
        number = next(self._ids)
        row = {"id": f"v{number}", "ticket": f"A{number:03}", "site": site, "day": reported[:10]}
        row |= {"service": service, "status": status, "reported_at": at(reported)}
        flags = {"announced_late": False, "priority": False, "calls": 1, "persons": 1}
        self.insert(db.visit, **row, **flags)
        if score is not None:
            said = {"visit": row["id"], "site": site, "day": row["day"], "score": score, "at": at(reported)}
            self.insert(db.satisfaction, **said)

    def told(self, when: str, service: str, slot: str | None, site: str = "mechelen") -> None:
        """A first free slot, as the booking side told it."""
        free = None if slot is None else at(slot)
        self.insert(db.first_free, site=site, service=service, told_at=at(when), at=free)

    def called(self, hour: int, number: int, answered: int | None = None, site: str = "mechelen") -> None:
        """Calls within an hour that begins at an instant."""
        self.insert(db.phone_calls, site=site, at=hour, calls=number, answered=answered)

    def tables(self, of: Any, first: str, last: str, *more: Any) -> Any:
        days = date.fromisoformat(first), date.fromisoformat(last)
        return self.store.read_now(lambda connection: of(connection, HOUSE, *days, *more))


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with contextlib.closing(Database(f"sqlite:///{tmp_path / 'onthaal.db'}")) as store:
        store.write_now(schema.migrate)
        yield Kept(store)


def rows(table: Table) -> dict[Any, tuple[Any, ...]]:
    """The rows by their first cell; each has a cell for every column."""
    assert all(len(row) == len(table.columns) for row in table.rows)
    return {row[0]: row[1:] for row in table.rows}


# --- satisfaction -----------------------------------------------------------------------------------


def rated(kept: Kept) -> None:
    """Six visits to reception in November, five of them rated; in December six that ended, four rated."""
    kept.visit("2026-11-29 10:00", score=0)
    for score in (10, 9, 8, 6, 0, None):
        kept.visit("2026-11-30 10:00", score=score)
    kept.visit("2026-12-01 10:00", "afhalen", score=7)
    kept.visit("2026-12-01 10:00", "afhalen", "left", score=2)
    kept.visit("2026-12-01 10:00", "afhalen", "left")
    kept.visit("2026-12-01 10:00", "afhalen", "not-served", score=4)
    for status in ("waiting", "called", "serving", "parked", "not-present"):
        kept.visit("2026-12-01 10:00", "afhalen", status)
    kept.visit("2026-12-01 10:00", "gesprek", score=10)  # discreet
    kept.visit("2026-12-01 10:00", "afgeschaft")  # dropped from the configuration
    kept.visit("2026-12-01 10:00", score=0, site="elders")


def test_satisfaction_of_two_days_worked_out_by_hand(kept: Kept) -> None:
    rated(kept)
    ends, services, months = kept.tables(satisfaction.tables, "2026-11-30", "2026-12-01")
    november = (6, 5, 5 / 6, 6.6, 8.0, 2 / 5, 2 / 5)
    assert rows(ends) == {
        "all": (12, 9, 9 / 12, 56 / 9, 7.0, 3 / 9, 4 / 9),
        "left": (2, 1, 1 / 2, *SAID_NOTHING),
        "not-served": (1, 1, 1.0, *SAID_NOTHING),
        "served": (9, 7, 7 / 9, 50 / 7, 8.0, 3 / 7, 2 / 7),
    }
    collecting = (4, 3, 3 / 4, *SAID_NOTHING)
    assert rows(services) == {NAMES["onthaal"]: november, NAMES["afhalen"]: collecting}
    assert rows(months) == {"2026-11": november, "2026-12": (6, 4, 4 / 6, *SAID_NOTHING)}


def test_the_median_of_an_even_number_of_scores_is_between_the_two_in_the_middle(kept: Kept) -> None:
    rated(kept)
    ends, *_ = kept.tables(satisfaction.tables, "2026-11-29", "2026-12-01")
    assert rows(ends)["all"][1:5] == (10, 10 / 13, 5.6, 6.5)


def test_days_on_which_nobody_came_give_figures_of_nothing(kept: Kept) -> None:
    tables = kept.tables(outside.tables, "2026-11-22", "2026-11-22", at("2026-11-23 09:00"))
    assert [table.id for table in tables] == [
        *("satisfaction", "satisfaction-by-service", "satisfaction-by-month"),
        *("digital-wait", "calls-by-hour", "calls-by-weekday"),
    ]
    assert rows(tables[0]) == {"all": (0, 0, None, *SAID_NOTHING)}
    assert [len(table.rows) for table in tables if table.id != "digital-wait"] == [1, 0, 0, 0, 0]
    # 2026-11-22 is a Sunday: no day on which anybody could have been given a slot.
    assert set(rows(tables[3]).values()) == {(0, 0, 0, None, None)}
    assert "onthaal import calls" in tables[4].notes[0]


# --- the digital wait ---------------------------------------------------------------------------------


def test_the_digital_wait_over_christmas_worked_out_by_hand(kept: Kept) -> None:
    # Open on Wed 23 from 12:00, Thu 24, Mon 28 to Thu 31 and Mon 4 January; closed on the holidays 25 and 1,
    # the house's own days 26 and 2, and Sundays.
    kept.told("2026-12-23 11:00", "bevolking", "2026-12-23 14:00")  # on 23: the same day, 0
    kept.told("2026-12-23 15:00", "bevolking", "2026-12-28 09:00")  # on 24: one working day later, 1
    kept.told("2026-12-24 17:00", "bevolking", "2027-01-04 09:00")  # on 28: 29, 30, 31 and 4, 4
    kept.told("2026-12-23 09:00", "bouwen", None)
    kept.told("2026-12-16 10:00", "burgerzaken", "2026-12-24 09:00")  # seven days old on 23, eight on 24
    kept.told("2026-12-23 10:00", "wonen", "2026-12-23 13:00")  # past when the doors open on 24
    kept.told("2026-12-23 12:01", "sport", "2026-12-23 15:00")  # after the doors opened on 23
    kept.told("2026-12-23 10:00", "energie", "2026-12-24 09:00", site="elders")
    kept.told("2026-12-23 10:00", "gesprek", "2026-12-24 09:00")
    span = ("2026-12-23", "2026-12-28")
    found = rows(kept.tables(digital_wait.table, *span, at("2026-12-28 08:00")))
    assert found[NAMES["bevolking"]] == (3, 3, 0, 5 / 3, 1.0)
    assert found[NAMES["bouwen"]] == (3, 3, 3, None, None)
    assert found[NAMES["burgerzaken"]] == (3, 1, 0, 1.0, 1.0)
    assert found[NAMES["wonen"]] == (3, 1, 0, 0.0, 0.0)
    assert found[NAMES["sport"]] == (3, 0, 0, None, None)
    assert found[NAMES["energie"]] == (3, 0, 0, None, None)
    assert not {NAMES["gesprek"], NAMES["afhalen"]} & found.keys()
    # A day whose doors have not opened yet is still to come.
    early = rows(kept.tables(digital_wait.table, *span, at("2026-12-28 08:00") - 1))
    assert early[NAMES["bevolking"]] == (2, 2, 0, 0.5, 0.5)


# --- telephone calls -----------------------------------------------------------------------------------


def test_calls_beside_visits_over_a_day_of_25_hours_worked_out_by_hand(kept: Kept) -> None:
    back = 1_792_890_000_000_000  # 2026-10-25T01:00Z, when it is 02:00 in Brussels for the second time
    hour = 3_600_000_000
    kept.called(back - hour, 1)
    kept.called(back, 3)
    kept.called(at("2026-10-26 09:00"), 10, 8)
    kept.called(at("2026-10-26 10:00"), 20)
    kept.called(at("2026-10-26 10:00"), 500, site="elders")
    kept.called(at("2026-10-27 00:00"), 70)  # the day after the last
    for reported in ("2026-10-26 09:00", "2026-10-26 09:59:59", "2026-10-26 10:00"):
        kept.visit(reported)
    kept.visit("2026-10-24 09:00")  # a day of which no calls are known
    kept.visit("2026-10-26 09:00", site="elders")
    by_hour, by_weekday = (rows(table) for table in kept.tables(calls.tables, "2026-10-24", "2026-10-26"))
    assert len(by_hour) == 24
    assert by_hour["02:00"] == (2, 4, 2.0, None, 0, 0.0)
    assert by_hour["08:00"] == (2, 0, 0.0, None, 0, 0.0)
    assert by_hour["09:00"] == (2, 10, 5.0, 0.8, 2, 1.0)
    assert by_hour["10:00"] == (2, 20, 10.0, None, 1, 0.5)
    assert by_weekday["Monday"] == (1, 30, 30.0, 0.8, 3, 3.0)
    assert by_weekday["Sunday"] == (1, 4, 4.0, None, 0, 0.0)
    assert by_weekday["Saturday"] == (0, 0, None, None, 0, None)
