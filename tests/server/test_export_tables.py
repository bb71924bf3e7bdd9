"""Visits as tables: for the city's own tools a row each, for everybody counts of whole months."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import program
import pytest
from booked import Town, at
from running import ROOT

from server import configuration
from server.figures import open_data
from server.figures import visit_rows as visits

HOUSE = """
[sites.town]
name = "Town"
time_zone = "Europe/Brussels"
[sites.town.opening]
thu = ["08:00-18:00"]
[[sites.town.services]]
id = "passport"
name = "Passports"
kind = "theme"
range = "A"
target_s = 300
[[sites.town.services]]
id = "talk"
name = "Talk"
kind = "theme"
range = "A"
target_s = 300
discreet = true
[[sites.town.counters]]
id = "1"
services = ["passport", "talk"]
"""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path, HOUSE)
    made.store.write_now(lambda connection: configuration.put(connection, "town.toml", HOUSE))
    yield made
    made.store.close()


def visit(
    town: Town,
    ticket: str,
    reported: str,
    *,
    slot: str = "",
    called: str = "",
    service: str = "passport",
    status: str = "left",
) -> None:
    """A visit as a row; times are local. Who was called is served for four minutes, half a minute later."""

    def instant(text: str) -> str:
        return str(at(text)) if text else "NULL"

    started, ended = (f"{at(called) + s * 1_000_000}" if called else "NULL" for s in (30, 270))
    booked = repr("booked" + ticket) if slot else "NULL"
    town.write(
        "INSERT INTO visit (id, site, day, ticket, service, status, appointment, slot_at, announced_late, "
        "reported_at, first_called_at, started_at, ended_at, counter, calls, persons, language, priority) "
        "VALUES "
        f"('secret{ticket}', 'town', '{reported[:10]}', '{ticket}', '{service}', "
        f"'{'served' if called else status}', {booked}, {instant(slot)}, "
        f"0, {instant(reported)}, {instant(called)}, {started}, {ended}, {repr('1') if called else 'NULL'}, "
        f"{1 if called else 0}, 4, 'uk', 1)"
    )


def export(town: Town, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    url = f"sqlite:///{town.store.path}"
    return program.run("export", *arguments, "--site", "town", "--database", url, cwd=folder)


def rows(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    return list(csv.reader(io.StringIO(done.stdout)))


def test_a_visit_is_a_row_of_times_and_nothing_of_who_it_was(town: Town, tmp_path: Path) -> None:
    visit(town, "A002", "2026-10-22 09:10", slot="2026-10-22 09:20", called="2026-10-22 09:25")
    visit(town, "A001", "2026-10-22 09:00", called="2026-10-22 09:12")
    visit(town, "A003", "2026-10-29 09:00")
    visit(town, "A004", "2026-10-29 09:30", service="talk", called="2026-10-29 09:40")
    visit(town, "A005", "2026-10-30 09:00")
    done = export(town, tmp_path, "visits", "--from", "2026-10-22", "--to", "2026-10-29")
    # The clock goes back an hour between the two days.
    assert rows(done) == [
        list(visits.COLUMNS),
        [
            *("town", "2026-10-22", "passport", "", "2026-10-22T09:00:00+02:00", "2026-10-22T09:12:00+02:00"),
            *("2026-10-22T09:12:30+02:00", "2026-10-22T09:16:30+02:00", "served", "1", "1", "720", "240"),
        ],
        [
            *("town", "2026-10-22", "passport", "2026-10-22T09:20:00+02:00", "2026-10-22T09:10:00+02:00"),
            *("2026-10-22T09:25:00+02:00", "2026-10-22T09:25:30+02:00", "2026-10-22T09:29:30+02:00"),
            *("served", "1", "1", "300", "240"),
        ],
        [
            "town",
            "2026-10-29",
            "passport",
            "",
            "2026-10-29T09:00:00+01:00",
            "",
            "",
            "",
            "left",
            "",
            "0",
            "",
            "",
        ],
    ]
    for own in ("secret", "booked", "A00", "talk", "uk"):
        assert own not in done.stdout


def test_open_data_are_counts_by_local_hours_and_the_rest_of_the_month(town: Town, tmp_path: Path) -> None:
    # Five between eight and ten on Thursdays, of whom four were called; 9.59 is 7.59 in UTC.
    for day, number in (("01", 1), ("08", 2), ("15", 3), ("22", 4)):
        visit(town, f"A{number}", f"2026-10-{day} 09:59", called=f"2026-10-{day} 10:09")
    visit(town, "A5", "2026-10-22 08:00")
    # Six from ten on, all called after twenty minutes.
    for number in range(6):
        visit(town, f"B{number}", f"2026-10-22 10:0{number}", called=f"2026-10-22 10:2{number}")
    # Two cells under five, and one whom nobody must find.
    visit(town, "C1", "2026-10-22 14:00")
    visit(town, "C2", "2026-10-22 14:01")
    for number in range(3):
        visit(town, f"D{number}", f"2026-10-22 16:0{number}")
    visit(town, "E1", "2026-10-22 16:05", service="talk")
    visit(town, "F1", "2026-11-05 09:00")
    done = export(town, tmp_path, "open-data", "--from", "2026-09", "--to", "2026-10", "--config", "none")
    assert rows(done) == [
        list(open_data.COLUMNS),
        ["town", "2026-10", "passport", "4", "08-10", "5", ""],
        ["town", "2026-10", "passport", "4", "10-12", "6", "20"],
        ["town", "2026-10", "", "", "", "6", ""],
    ]


def test_a_month_that_goes_on_is_not_published(town: Town, tmp_path: Path) -> None:
    town.write(f"INSERT INTO house_time VALUES (1, {at('2026-10-31 23:59')})")
    done = export(town, tmp_path, "open-data", "--from", "2026-09", "--to", "2026-10")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "onthaal: --to: 2026-10 is not over; only whole months are published\n"
    town.write(f"UPDATE house_time SET set_to = {at('2026-11-01 00:00')}")
    done = export(town, tmp_path, "open-data", "--from", "2026-09", "--to", "2026-10")
    assert rows(done) == [list(open_data.COLUMNS)]


def test_days_in_the_wrong_order_are_a_misuse(town: Town, tmp_path: Path) -> None:
    done = export(town, tmp_path, "visits", "--from", "2026-10-22", "--to", "2026-10-21")
    assert done.returncode == 2
    assert "lies before --from" in done.stderr


def test_the_documentation_has_every_column() -> None:
    text = (ROOT / "docs" / "exports.md").read_text("utf-8")
    for name in (*visits.COLUMNS, *open_data.COLUMNS):
        assert f"| `{name}` |" in text, name
