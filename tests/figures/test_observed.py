"""What others recorded: counted by hand here, and named by line where it cannot be read."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from server.figures.observed import NO_EFFECT, BadFile, observed
from server.figures.report import Report

HEADER = "ref,person,booked_at,appointment_day,reminded,missed"
ROWS = [
    # Same day, nobody is reminded and nobody misses: three.
    *(f"a{n},p{n},2016-05-02T08:00:00Z,2016-05-02,0,0" for n in range(3)),
    # Five days ahead, without: two of four.
    *(f"b{n},p{n},2016-05-02T08:00:00Z,2016-05-07,0,{int(n < 2)}" for n in range(4)),
    # Five days ahead, with: two of five.
    *(f"c{n},q{n},2016-05-02T08:00:00Z,2016-05-07,1,{int(n < 2)}" for n in range(5)),
    # Forty days ahead, with: one of one.
    "d0,q0,2016-04-01T23:59:59Z,2016-05-11,1,1",
]


def written(folder: Path, *lines: str, packed: bool = False) -> Path:
    """A file of these lines."""
    path = folder / "observed.csv"
    data = "".join(line + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def table(report: Report, name: str) -> list[tuple[Any, ...]]:
    (found,) = [each for each in report.tables if each.id == name]
    return list(found.rows)


@pytest.mark.parametrize("packed", [False, True])
def test_the_counts_are_those_of_the_rows(tmp_path: Path, packed: bool) -> None:
    report = observed(written(tmp_path, HEADER, *ROWS, packed=packed))
    assert (report.first, report.last) == (date(2016, 5, 2), date(2016, 5, 11))
    assert table(report, "observed") == [(13, 5, round(5 / 13, 6), 9)]
    assert table(report, "reminded") == [("without", 7, 2, round(2 / 7, 6)), ("with", 6, 3, 0.5)]
    assert table(report, "lead") == [
        ("0", 3, 0, 0.0, 0, 0, None),
        ("4-7", 4, 2, 0.5, 5, 2, 0.4),
        (">30", 0, 0, None, 1, 1, 1.0),
    ]
    assert table(report, "persons") == [("1", 5, 5), ("2", 4, 8)]


def test_it_is_said_that_it_proves_nothing_and_what_can_be_seen_of_why(tmp_path: Path) -> None:
    report = observed(written(tmp_path, HEADER, *ROWS))
    first, unreminded, turns, persons = report.notes
    assert first == NO_EFFECT
    assert "nobody was reminded of these: 0. There 0.0 % missed, of the others" in unreminded
    assert "without a reminder 50.0 %" in unreminded
    assert turns.startswith(
        "Those with a reminder missed more over all, and less among those with as many days"
    )
    assert "(4-7)" in turns
    assert persons.startswith("4 of 9 persons")
    for name in ("reminded", "lead"):
        (found,) = [each for each in report.tables if each.id == name]
        assert NO_EFFECT in found.notes


def test_columns_may_stand_in_any_order_and_others_beside_them(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "\ufeffmissed,age,person,ref,reminded,appointment_day,booked_at",
        '1,40,"Doe, J.",a,0,2016-05-03,2016-05-02 08:00',
    )
    assert table(observed(path), "lead") == [("1-3", 1, 1, 1.0, 0, 0, None)]


def test_rows_that_cannot_be_read_are_named_by_their_lines_and_nothing_of_them_is_repeated(
    tmp_path: Path,
) -> None:
    bad = {
        3: "a1,p1,2016-05-02T08:00:00Z,2016-05-02,0",
        4: "a2,p2,2016-05-02T08:00:00Z,2016-02-30,0,0",
        5: "a3,p3,yesterday,2016-05-02,0,0",
        6: "a4,p4,2016-05-02T08:00:00Z,2016-05-02,2,0",
        7: "a5,,2016-05-02T08:00:00Z,2016-05-02,0,0",
        8: "a0,p9,2016-05-02T08:00:00Z,2016-05-02,0,0",
        9: 'a6,"p6,2016-05-02T08:00:00Z,2016-05-02,0,0',
        10: "a7," + "x" * 70_000 + ",2016-05-02T08:00:00Z,2016-05-02,0,0",
        11: "",
    }
    report = observed(written(tmp_path, HEADER, ROWS[0], *bad.values(), ROWS[1]))
    assert table(report, "observed") == [(2, 0, 0.0, 2)]
    note = report.notes[-1]
    assert note.startswith(
        "9 rows were left out: line 3: has 5 values for 6 columns; line 4: booked_at must be"
    )
    assert all(f"line {number}: " in note for number in bad)
    assert "line 8: ref: stands there twice" in note
    assert not any(value in note for value in ("p1", "p2", "yesterday", "2016-02-30", "xxx"))


def test_of_many_bad_rows_the_first_are_named_and_all_are_counted(tmp_path: Path) -> None:
    report = observed(written(tmp_path, HEADER, ROWS[0], *["bad"] * 25))
    assert "25 rows were left out" in report.notes[-1]
    assert report.notes[-1].endswith("; and 15 more.")


def test_an_appointment_before_its_booking_is_counted_and_named(tmp_path: Path) -> None:
    report = observed(written(tmp_path, HEADER, "a,p,2016-05-10T10:00:00Z,2016-05-09,0,1", ROWS[1]))
    assert table(report, "observed") == [(2, 1, 0.5, 2)]
    assert table(report, "lead")[0] == ("booked after the day", 1, 1, 1.0, 0, 0, None)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "line 1: there is no header"),
        (["ref,person,booked_at,appointment_day,reminded"], "line 1: the header does not name missed"),
        ([HEADER], "there is no appointment in it"),
        ([HEADER, "a,b"], "there is no appointment in it; line 2: has 2 values"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(BadFile, match=said):
        observed(written(tmp_path, *lines))


def test_a_packed_file_that_ends_in_the_middle_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, *(f"r{n},p,2016-05-02T08:00:00Z,2016-05-07,0,1" for n in range(9000)))
    whole = gzip.compress(path.read_bytes())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFile, match=r"after line [1-9]\d*: the packed file is damaged"):
        observed(path)
    path.write_bytes(whole[:-20] + bytes(20))
    with pytest.raises(BadFile, match="the packed file is damaged"):
        observed(path)
