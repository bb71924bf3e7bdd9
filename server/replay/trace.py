"""A recorded day as a file: who arrived when, for what, and how long serving them took.

CSV with a header line that names at least the four columns of ``COLUMNS``, in any order; further
columns are not read. Rows need not be sorted. One bad row refuses the whole trace, because figures
over what is left would be of another day.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

from server.config_tables import nearest
from server.domain.house import House
from server.domain.schedule import SECOND, to_instant

COLUMNS = ("arrived_at", "service", "appointment_at", "service_seconds")
LONGEST_S = 86_400
"""No one is served for longer than a day; a longer time is a slip of the unit."""


class TraceError(Exception):
    """The trace cannot be used; its text reads ``FILE:LINE: reason``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One customer. Instants in microseconds UTC, ``service_us`` in microseconds.

    ``appointment_at`` is None for a walk-in. ``line`` is where the row begins, from 1.
    """

    arrived_at: int
    service: str
    appointment_at: int | None = None
    service_us: int
    line: int = 0


def read(path: Path, house: House) -> list[Row]:
    """All rows of a file in its order. Raises :class:`TraceError`, also where there is no row."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise TraceError(f"{path}:{line}: is not UTF-8") from None
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}") from None
    rows = list(parse(io.StringIO(text, newline=""), house, str(path)))
    if not rows:
        raise TraceError(f"{path}: has no rows")
    return rows


def parse(lines: Iterable[str], house: House, name: str) -> Iterator[Row]:
    """The rows of CSV lines, checked against the house; ``name`` is what errors call the file."""
    reader = csv.reader(lines, strict=True)
    header: list[str] | None = None
    line = 1
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise TraceError(f"{name}:{line}: is not CSV: {error}") from None
        if fields is None:
            break
        if header is None:
            header = _header([field.strip() for field in fields], _Line(name, line))
        elif fields:
            yield _row(header, fields, house, _Line(name, line))
    if header is None:
        raise TraceError(f"{name}: is empty")


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    number: int

    def fail(self, what: str) -> NoReturn:
        raise TraceError(f"{self.name}:{self.number}: {what}")


def _header(fields: list[str], line: _Line) -> list[str]:
    for column in COLUMNS:
        if column not in fields:
            meant = nearest(column, [field for field in fields if field and field not in COLUMNS])
            line.fail(f'no column "{column}"{meant.replace("valid name", "column there")}')
        if fields.count(column) > 1:
            line.fail(f'column "{column}" stands there twice')
    return fields


def _row(header: list[str], fields: list[str], house: House, line: _Line) -> Row:
    if len(fields) != len(header):
        line.fail(f"has {len(fields)} fields, the header has {len(header)}")
    row = {column: field.strip() for column, field in zip(header, fields, strict=True)}
    name = row["service"]
    service = house.services.get(name)
    if service is None:
        line.fail(f'service: unknown service "{name}"{nearest(name, house.services)}')
    arrived = _moment(row["arrived_at"], "arrived_at", line)
    slot = _moment(row["appointment_at"], "appointment_at", line) if row["appointment_at"] else None
    if slot is None and not service.walk_ins:
        line.fail(f'appointment_at: is empty, and service "{name}" takes no walk-ins')
    if slot is not None and not service.appointments:
        line.fail(f'appointment_at: service "{name}" takes no appointments')
    calendar = house.calendar
    if slot is not None and calendar.local_date(slot) != calendar.local_date(arrived):
        line.fail("appointment_at: is not on the local day of arrived_at")
    return Row(
        arrived_at=arrived,
        service=name,
        appointment_at=slot,
        service_us=_duration(row["service_seconds"], line),
        line=line.number,
    )


def _moment(text: str, column: str, line: _Line) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        line.fail(f'{column}: "{text}" is no ISO 8601 date and time')
    if moment.utcoffset() is None:
        line.fail(f'{column}: "{text}" has no offset from UTC, such as +02:00')
    if not 1900 <= moment.year <= 2200:
        line.fail(f'{column}: "{text}" is outside the years 1900 to 2200')
    return to_instant(moment)


def _duration(text: str, line: _Line) -> int:
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        seconds = Decimal("nan")
    # Python's underscores are no part of a number in a CSV file.
    if not seconds.is_finite() or "_" in text:
        line.fail(f'service_seconds: "{text}" is no number')
    if seconds < 0:
        line.fail(f'service_seconds: "{text}" is negative')
    if seconds > LONGEST_S:
        line.fail(f'service_seconds: "{text}" is more than a day')
    return int(seconds * SECOND)
