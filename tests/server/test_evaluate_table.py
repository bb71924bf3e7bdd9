"""Reading recorded days: what a row means, what is left out and counted, what refuses the file."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from recorded import HEADER, hall, line, text

from server.evaluate.table import TableError, read

GOOD = [line(10 * number, 10 * number + 5, 10 * number + 60) for number in range(100)]


def written(folder: Path, content: str | bytes, name: str = "days.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_file_and_its_packed_twin_read_alike(tmp_path: Path) -> None:
    content = text(hall(1))
    plain = read(written(tmp_path, content))
    packed = read(written(tmp_path, gzip.compress(content.encode()), "days.csv.gz"))
    assert plain == packed
    assert len(plain.rows) == 200
    assert not plain.left_out


def test_a_row_is_what_it_says(tmp_path: Path) -> None:
    row, left = read(
        written(
            tmp_path,
            f"{HEADER},note\n"
            "2026-03-02T08:00:00+01:00,2026-03-02T08:01:30+01:00,2026-03-02T08:05:00+01:00,A,1,,x\n"
            "2026-03-02T23:30:00-05:00,,,B,,2026-03-02T23:31:00-05:00,\n",
        )
    ).rows
    assert (row.waited_s, row.counter, row.offset_s) == (90.0, "1", 3600)
    assert left.waited_s is None
    assert left.day == row.day, "the local day, though it is the next one in UTC"


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    found = read(written(tmp_path, f"{HEADER},mood\n{GOOD[0]},fine\n"))
    assert found.noted == {'column "mood" is not read': (1, 1)}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (line(100, 90, 200), "called before the arrival"),
        (line(100, 110, 105), "ended before the call"),
        (line(100, None, 50), "left before the arrival"),
        (line(100, 100 + 90_000, 100 + 90_060), "waited for longer than a day"),
        (line(100, 110, 110 + 90_000), "served for longer than a day"),
        (line(100, 110, None), "called without an end"),
        (line(100, 110, 120, counter=""), "called to no counter"),
        (line(100, 110, 120, service=""), "no service"),
        (line(100, None, None), "neither called nor left"),
        (line(100, 110, 120) + "2026-03-02T09:00:00+00:00", "both called and left"),
    ],
)
def test_a_row_that_contradicts_itself_is_left_out_and_counted(tmp_path: Path, row: str, reason: str) -> None:
    found = read(written(tmp_path, text([*GOOD[:50], row, *GOOD[50:], row])))
    assert found.left_out == {reason: (2, 52)}
    assert len(found.rows) == 100


def test_too_many_of_them_refuse_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, text([*GOOD, *[line(100, 90, 200)] * 11]))
    with pytest.raises(TableError, match=rf"^{path}:102: called before the arrival; 11 of 111 rows"):
        read(path)


def test_a_clock_that_runs_backwards_is_noted_and_the_rows_put_in_order(tmp_path: Path) -> None:
    found = read(written(tmp_path, text([GOOD[1], GOOD[0], *GOOD[2:]])))
    assert found.noted == {"an arrival before that of the line above": (1, 3)}
    assert [row.arrived_at for row in found.rows] == sorted(row.arrived_at for row in found.rows)


def test_days_without_anybody_are_noted(tmp_path: Path) -> None:
    found = read(written(tmp_path, text([*hall(1), *hall(1, first_day=3)])))
    assert found.noted == {"a day between the first and the last on which nobody came": (2, 0)}


def test_a_header_alone_is_an_empty_file_with_no_rows(tmp_path: Path) -> None:
    assert read(written(tmp_path, HEADER + "\n")).rows == []


@pytest.mark.parametrize(
    ("content", "number", "reason"),
    [
        ("", 1, "is empty"),
        (text(GOOD).replace("called_at", "caled_at"), 1, 'no column "called_at"'),
        (text(GOOD).replace("left_at", "service"), 1, 'column "service" stands there twice'),
        (text([*GOOD[:3], "2026-03-02T08:00:00Z,,,A"]), 5, "has 4 fields"),
        (text([*GOOD[:3], line(1, 2, 3).replace("2026-03-02T08:00:01", "yesterday")]), 5, "arrived_at"),
        (text([*GOOD[:3], line(1, 2, 3).replace("+00:00", "", 1)]), 5, "has no offset"),
        (text([*GOOD[:3], line(1, 2, 3).replace("2026", "0026", 1)]), 5, "outside the years"),
        (text(GOOD)[:-60], 101, "in the middle of this line"),
        (text([line(n, n + 1, n + 2, service=f"S{n}") for n in range(99)]), 62, "one more than 60"),
        (text(GOOD).encode() + b"\xff\xfe\n", 102, "is not UTF-8"),
        (text([*GOOD[:3], '"2026-03-02T08:00:00+00:00']), 5, "is not CSV"),
        (gzip.compress(text(GOOD).encode())[:-20], 1, "packed file"),
    ],
)
def test_a_file_of_no_use_is_refused_by_line(
    tmp_path: Path, content: str | bytes, number: int, reason: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(TableError) as raised:
        read(path)
    told = str(raised.value)
    assert told.startswith(f"{path}:")
    assert reason in told
    if "packed" not in reason and "UTF-8" not in reason:
        assert told.startswith(f"{path}:{number}: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read"):
        read(tmp_path / "none.csv")
