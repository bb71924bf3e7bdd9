"""Reading traces: what a row means, and that every bad one is refused with its line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from server import settings
from server.domain.schedule import to_instant
from server.replay.trace import Row, TraceError, parse, read

HOUSE = settings.load_text(
    """
[sites.town]
name = "Town"
time_zone = "Europe/Brussels"
[sites.town.opening]
mon = ["09:00-12:00"]
[[sites.town.services]]
id = "passport"
name = "Passports"
kind = "theme"
range = "A"
target_s = 300
[[sites.town.services]]
id = "by-appointment"
name = "By appointment"
kind = "theme"
range = "A"
target_s = 300
walk_ins = false
[[sites.town.services]]
id = "walk-in"
name = "Walk in"
kind = "express"
range = "B"
target_s = 120
appointments = false
[[sites.town.counters]]
id = "1"
services = ["passport", "by-appointment", "walk-in"]
""",
    "town.toml",
)["town"]
HEADER = "arrived_at,service,appointment_at,service_seconds\n"
GOOD = "2026-11-23T09:00:00+01:00,passport,,70\n"
MORNING = to_instant(datetime(2026, 11, 23, 8, tzinfo=UTC))


def rows(text: str) -> list[Row]:
    return list(parse(text.splitlines(keepends=True), HOUSE, "t.csv"))


def test_a_walk_in_and_an_appointment() -> None:
    slot = "2026-11-23T09:15:00+01:00"
    assert rows(HEADER + GOOD + f"2026-11-23T08:00:00Z,passport,{slot},0\n") == [
        Row(arrived_at=MORNING, service="passport", service_us=70_000_000, line=2),
        Row(
            arrived_at=MORNING,
            service="passport",
            appointment_at=MORNING + 900_000_000,
            service_us=0,
            line=3,
        ),
    ]


def test_columns_in_any_order_and_more_of_them() -> None:
    text = "counter,service_seconds,appointment_at, service ,arrived_at\n7,0.25,,passport,2026-11-23T08:00Z\n"
    assert rows(text) == [Row(arrived_at=MORNING, service="passport", service_us=250_000, line=2)]


def test_blank_lines_spaces_quotes_and_no_last_line_end() -> None:
    text = HEADER + '\n"2026-11-23T08:00:00Z", passport ,, 1e1 \n\n' + GOOD.strip()
    assert [(row.line, row.service_us) for row in rows(text)] == [(3, 10_000_000), (5, 70_000_000)]


def test_rows_keep_their_order() -> None:
    later = GOOD.replace("09:00", "10:00")
    assert [row.line for row in rows(HEADER + later + GOOD)] == [2, 3]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2026-11-23T09:00:00,passport,,70", 'arrived_at: "2026-11-23T09:00:00" has no offset from UTC'),
        ("2026-11-23,passport,,70", "arrived_at: "),
        ("nine o'clock,passport,,70", 'arrived_at: "nine o\'clock" is no ISO 8601 date and time'),
        ("2026-02-30T09:00:00Z,passport,,70", 'arrived_at: "2026-02-30T09:00:00Z" is no ISO 8601'),
        (",passport,,70", 'arrived_at: "" is no ISO 8601'),
        ("0001-01-01T00:00:00+14:00,passport,,70", "is outside the years 1900 to 2200"),
        ("9999-12-31T23:59:59-14:00,passport,,70", "is outside the years 1900 to 2200"),
        ("2026-11-23T09:00:00Z,pasport,,70", 'unknown service "pasport" (nearest valid name: "passport")'),
        ("2026-11-23T09:00:00Z,,,70", 'service: unknown service ""'),
        ("2026-11-23T09:00:00Z,passport,2026-11-23T09:00:00,70", "appointment_at: "),
        ("2026-11-23T09:00:00Z,passport,soon,70", 'appointment_at: "soon" is no ISO 8601'),
        ("2026-11-23T09:00:00Z,passport,2026-11-24T09:00:00Z,70", "is not on the local day of arrived_at"),
        ("2026-11-23T09:00:00Z,by-appointment,,70", 'service "by-appointment" takes no walk-ins'),
        ("2026-11-23T09:00:00Z,walk-in,2026-11-23T09:00:00Z,70", 'service "walk-in" takes no appointments'),
        ("2026-11-23T09:00:00Z,passport,,-1", 'service_seconds: "-1" is negative'),
        ("2026-11-23T09:00:00Z,passport,,-0.001", "is negative"),
        ("2026-11-23T09:00:00Z,passport,,", 'service_seconds: "" is no number'),
        ("2026-11-23T09:00:00Z,passport,,long", 'service_seconds: "long" is no number'),
        ("2026-11-23T09:00:00Z,passport,,NaN", 'service_seconds: "NaN" is no number'),
        ("2026-11-23T09:00:00Z,passport,,sNaN", "is no number"),
        ("2026-11-23T09:00:00Z,passport,,inf", 'service_seconds: "inf" is no number'),
        ("2026-11-23T09:00:00Z,passport,,-inf", "is no number"),
        ("2026-11-23T09:00:00Z,passport,,1_000", "is no number"),
        ("2026-11-23T09:00:00Z,passport,,86401", "is more than a day"),
        ("2026-11-23T09:00:00Z,passport,,1e999999", "is more than a day"),
        ("2026-11-23T09:00:00Z,passport,", "has 3 fields, the header has 4"),
        ("2026-11-23T09:0", "has 1 fields, the header has 4"),
        ("2026-11-23T09:00:00Z,passport,,70,extra", "has 5 fields, the header has 4"),
        ('2026-11-23T09:00:00Z,"passport,,70', "is not CSV"),
        ('2026-11-23T09:00:00Z,"pass"port,,70', "is not CSV"),
        ("x" * 200_000, "is not CSV"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(row: str, said: str) -> None:
    with pytest.raises(TraceError) as caught:
        rows(HEADER + GOOD + row + "\n")
    message = str(caught.value)
    assert message.startswith("t.csv:3: ")
    assert said in message


def test_a_line_is_counted_where_its_row_begins() -> None:
    two_lines = GOOD.replace("passport", '"pass\nport"')
    with pytest.raises(TraceError, match=r"^t\.csv:3: service: unknown service"):
        rows(HEADER + GOOD + two_lines)
    with pytest.raises(TraceError, match=r"^t\.csv:4: has 1 fields"):
        rows(HEADER.replace("service,", '"service",') + GOOD + "\n" + "truncated\n")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("arrived_at,service,service_seconds", 't.csv:1: no column "appointment_at"'),
        (
            "arived_at,service,appointment_at,service_seconds",
            't.csv:1: no column "arrived_at" (nearest column there: "arived_at")',
        ),
        (
            "arrived_at,service,service,appointment_at,service_seconds",
            't.csv:1: column "service" stands there',
        ),
        (GOOD.strip(), 't.csv:1: no column "arrived_at"'),
    ],
)
def test_a_bad_header_is_refused(header: str, said: str) -> None:
    with pytest.raises(TraceError) as caught:
        rows(header + "\n" + GOOD)
    assert str(caught.value).startswith(said)


def test_a_file_without_rows_or_that_cannot_be_read(tmp_path: Path) -> None:
    def said(content: bytes) -> str:
        path = tmp_path / "trace.csv"
        path.write_bytes(content)
        with pytest.raises(TraceError) as caught:
            read(path, HOUSE)
        return str(caught.value).removeprefix(f"{path}")

    assert said(b"") == ": is empty"
    assert said(HEADER.encode()) == ": has no rows"
    assert said((HEADER + GOOD).encode() + b"\xff\xfe,,,\n") == ":3: is not UTF-8"
    with pytest.raises(TraceError, match="cannot be read: No such file"):
        read(tmp_path / "none.csv", HOUSE)
    with pytest.raises(TraceError, match="cannot be read: Is a directory"):
        read(tmp_path, HOUSE)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADER + GOOD).replace("\n", "\r\n").encode())
    assert len(read(path, HOUSE)) == 1
