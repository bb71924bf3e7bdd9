"""Telephone calls out of a file: which hours are kept, what is told of bad rows, days of 23 and 25 hours."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
from pathlib import Path

import program
import pytest
from running import MECHELEN

HOUR = 3600
MONDAY = 1_795_420_800
"""2026-11-23T09:00:00+01:00 in seconds since 1970: 20,780 days and 8 hours."""


class Place:
    """A folder with a database that ``onthaal import calls`` works on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "onthaal.db"

    def take(self, text: str | bytes, *more: str) -> subprocess.CompletedProcess[str]:
        """Import a file with this text."""
        file = self.folder / "calls.csv"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        arguments = ("import", "calls", file, "--site", "mechelen", "--config", MECHELEN)
        return program.run(*arguments, "--database", f"sqlite:///{self.database}", *more, cwd=self.folder)

    def kept(self) -> list[tuple[int, int, int | None]]:
        """Each hour in seconds since 1970, with its calls and how many were answered."""
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            rows = database.execute("SELECT at / 1000000, calls, answered FROM phone_calls ORDER BY at")
            return rows.fetchall()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_hours_come_in_again_change_nothing_and_a_corrected_file_replaces_what_it_names(place: Place) -> None:
    first = (
        "at;calls;answered\n2026-11-23T09:00;31;28\n2026-11-23 10:00:00+01:00;40;\n\n2026-11-23T10:00Z;7;7\n"
    )
    dry = place.take(first, "--dry-run")
    assert (dry.returncode, dry.stdout) == (
        0,
        "would be: 3 new, 0 changed, 0 unchanged, 0 bad; nothing was written\n",
    )
    assert not place.database.exists()
    ran = place.take(first)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "3 new, 0 changed, 0 unchanged, 0 bad\n", "")
    kept = [(MONDAY, 31, 28), (MONDAY + HOUR, 40, None), (MONDAY + 2 * HOUR, 7, 7)]
    assert place.kept() == kept
    assert place.take(first).stdout == "0 new, 0 changed, 3 unchanged, 0 bad\n"
    corrected = "calls,at\n30,2026-11-23T09:00\n40,2026-11-23T10:00\n2,2026-11-23T12:00\n"
    assert place.take(corrected, "--dry-run").stdout.startswith("would be: 1 new, 1 changed, 1 unchanged")
    assert place.kept() == kept
    assert place.take(corrected).stdout == "1 new, 1 changed, 1 unchanged, 0 bad\n"
    # The hour is replaced whole; the one that is not named stays.
    assert place.kept() == [(MONDAY, 30, None), *kept[1:], (MONDAY + 3 * HOUR, 2, None)]


def test_every_bad_row_is_told_by_line_and_reason_and_stops_no_other(place: Place) -> None:
    rows = (
        *("2026-11-23T09:00,31,28", "2026-11-23T09:30,1,", "2026-11-23T10:00,-1,", "2026-11-23T11:00,3.5,"),
        *("2026-11-23T12:00,3,4", "2026-11-23T13:00,,", "2026-11-23,3,", "2026-11-31T09:00,3,", "x,3,"),
        *("2026-11-23T08:00Z,9,", "2026-11-23T14:00,3", '2026-11-23T15:00,"3,', "2026-11-23T16:00,5,0"),
    )
    ran = place.take("at,calls,answered\n" + "\n".join(rows) + "\n")
    shape = "at: must be a day and a time such as 2026-12-01T10:40 or 2026-12-01T10:40:00+01:00"
    assert ran.stderr.splitlines() == [
        "line 3: at: must be the beginning of an hour by the clock of the site",
        "line 4: calls: must be a whole number from 0",
        "line 5: calls: must be a whole number from 0",
        "line 6: answered: is more than calls",
        "line 7: calls: is missing",
        f"line 8: {shape}",
        "line 9: at: there is no such day or time",
        f"line 10: {shape}",
        "line 11: at: the hour stands in line 2 already",
        "line 12: has 2 values for 3 columns",
        "line 13: a quote is not closed",
    ]
    assert (ran.returncode, ran.stdout) == (1, "2 new, 0 changed, 0 unchanged, 11 bad\n")
    assert place.kept() == [(MONDAY, 31, 28), (MONDAY + 7 * HOUR, 5, 0)]


def test_the_hour_that_comes_twice_needs_an_offset_and_the_one_that_is_skipped_is_none(place: Place) -> None:
    # In Brussels the clock goes back at 2026-10-25T01:00Z, and forward at 2026-03-29T01:00Z.
    back = 1_792_890_000
    hours = ("00:00", "01:00", "02:00", "02:00+02:00", "02:00+01:00", "03:00")
    rows = [f"2026-10-25T{hour},{calls}" for calls, hour in enumerate(hours, 1)]
    ran = place.take("at,calls\n" + "\n".join([*rows, "2026-03-29T02:00,1"]) + "\n")
    assert ran.stderr.splitlines() == [
        "line 4: at: the clock shows this time twice on that day: give an offset such as +01:00",
        "line 8: at: the clock skips this time on that day",
    ]
    told = [(back - 3 * HOUR, 1), (back - 2 * HOUR, 2), (back - HOUR, 4), (back, 5), (back + HOUR, 6)]
    assert place.kept() == [(at, calls, None) for at, calls in told]


def test_a_file_that_is_no_such_table_is_refused_whole(place: Place) -> None:
    for text, why in (
        (b"", "is empty; its first line must name the columns (at, calls, answered)"),
        ("at,call\n", 'line 1: column 2, "call", is not known (nearest valid name: "calls")'),
        ("calls\n", 'line 1: there is no column "at"; the columns are at, calls, answered'),
        (b"at,\xff\n", "line 1: is not UTF-8"),
    ):
        ran = place.take(text)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert why in ran.stderr
    program.run("config", "import", MECHELEN, "--database", f"sqlite:///{place.database}")
    file = place.folder / "calls.csv"
    ran = program.run(
        "import", "calls", file, "--site", "elders", "--database", f"sqlite:///{place.database}"
    )
    assert (ran.returncode, ran.stderr) == (1, "onthaal: there is no site 'elders'; there is mechelen\n")
