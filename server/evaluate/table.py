"""Recorded days as a file: who came when, was called, served where, or left.

CSV, or CSV packed with gzip, with a header that names the columns of ``COLUMNS`` in any order; further
columns are not read. What makes a file useless refuses it, by file and line. A row that contradicts itself is
left out and counted under its reason, with the line of the first; too many of them refuse the file too.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, NoReturn

from server.config_tables import nearest
from server.domain.schedule import SECOND, to_instant

COLUMNS = ("arrived_at", "called_at", "ended_at", "service", "counter", "left_at")

LONGEST_US = 86_400 * SECOND
"""Nobody waits or is served for longer than a day; a longer time is a slip of a clock."""

MOST_SERVICES = 60
"""No hall offers more; a file that names more has something else in that column."""

MOST_LEFT_OUT = 0.05
"""A file in which more than this share of the rows contradict themselves is refused ..."""

FEW = 10
"""... unless they are no more than so many."""


class TableError(Exception):
    """The file cannot be used; its text reads ``FILE:LINE: reason``."""


class _Contradiction(Exception):
    """A row that cannot be true; the text is the reason that it is counted under."""


@dataclass(frozen=True, slots=True)
class Row:
    """One person: instants in microseconds UTC, None where the column is empty.

    Either ``called_at``, ``ended_at`` and ``counter`` stand there, or ``left_at``. ``offset_s`` is what
    local time was ahead of UTC at the arrival, in seconds.
    """

    arrived_at: int
    called_at: int | None
    ended_at: int | None
    service: str
    counter: str
    left_at: int | None
    offset_s: int

    @property
    def day(self) -> int:
        """The local day of the arrival, in days since 1970."""
        return (self.arrived_at // SECOND + self.offset_s) // 86_400

    @property
    def waited_s(self) -> float | None:
        """Seconds from arrival to call; None for who left."""
        return None if self.called_at is None else (self.called_at - self.arrived_at) / SECOND


@dataclass(slots=True)
class Table:
    """The rows of a file, and what was found odd in it: how often, by reason, and on which line first."""

    rows: list[Row] = field(default_factory=list)
    left_out: dict[str, tuple[int, int]] = field(default_factory=dict)
    noted: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Kept, but worth knowing."""


def read(path: Path) -> Table:
    """All rows of a file, by the time of their arrival. Raises :class:`TableError`."""
    table = Table()
    line = _Line(str(path), 1)
    header: list[str] | None = None
    services: set[str] = set()
    before = 0
    try:
        with _opened(path) as text:
            reader = csv.reader(_whole(text, line), strict=True)
            while True:
                line.number = reader.line_num + 1
                fields = next(reader, None)
                if fields is None:
                    break
                if header is None:
                    header = _header([each.strip() for each in fields], line, table)
                    continue
                if not fields:
                    continue
                row = _counted(header, fields, line, table)
                if row is None:
                    continue
                if row.arrived_at < before:
                    _count(table.noted, "an arrival before that of the line above", line.number)
                before = row.arrived_at
                services.add(row.service)
                if len(services) > MOST_SERVICES:
                    line.fail(f'service: "{row.service}" is one more than {MOST_SERVICES}')
                table.rows.append(row)
    except csv.Error as error:
        line.fail(f"is not CSV: {error}")
    except UnicodeDecodeError:
        line.fail("is not UTF-8")
    except (EOFError, zlib.error, gzip.BadGzipFile):
        line.fail("the packed file ends or breaks here: it was not copied whole")
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror or error}") from None
    if header is None:
        raise TableError(f"{path}:1: is empty; its first line must name the columns {', '.join(COLUMNS)}")
    _refuse_if_many(path, table)
    table.rows.sort(key=lambda row: row.arrived_at)
    _note_gaps(table)
    return table


@dataclass(slots=True)
class _Line:
    name: str
    number: int

    def fail(self, what: str) -> NoReturn:
        raise TableError(f"{self.name}:{self.number}: {what}") from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if packed:
            with gzip.open(raw) as unpacked:
                yield io.TextIOWrapper(unpacked, "utf-8-sig", newline="")
        else:
            yield io.TextIOWrapper(raw, "utf-8-sig", newline="")


def _whole(text: IO[str], line: _Line) -> Iterator[str]:
    """The lines. A last one without its end may be a piece of a longer one, also where it can be read."""
    for each in text:
        if not each.endswith(("\n", "\r")) and each.count(",") < len(COLUMNS) - 1:
            line.fail("the file ends in the middle of this line: it was not copied whole")
        yield each


def _header(fields: list[str], line: _Line, table: Table) -> list[str]:
    others = [name for name in fields if name not in COLUMNS]
    for column in COLUMNS:
        if column not in fields:
            meant = nearest(column, [name for name in others if name])
            line.fail(f'no column "{column}"{meant.replace("valid name", "column there")}')
        if fields.count(column) > 1:
            line.fail(f'column "{column}" stands there twice')
    for name in others:
        _count(table.noted, f'column "{name}" is not read', line.number)
    return fields


def _count(counts: dict[str, tuple[int, int]], reason: str, line: int) -> None:
    number, first = counts.get(reason, (0, line))
    counts[reason] = number + 1, first


def _counted(header: list[str], fields: list[str], line: _Line, table: Table) -> Row | None:
    if len(fields) != len(header):
        line.fail(f"has {len(fields)} fields, the header has {len(header)}")
    try:
        return _row(dict(zip(header, (each.strip() for each in fields), strict=True)), line)
    except _Contradiction as reason:
        _count(table.left_out, str(reason), line.number)
        return None


def _row(given: dict[str, str], line: _Line) -> Row:
    if not given["arrived_at"]:
        raise _Contradiction("no arrival")
    arrived, offset_s = _moment(given["arrived_at"], "arrived_at", line)
    called, ended, left = (
        _moment(given[name], name, line)[0] if given[name] else None
        for name in ("called_at", "ended_at", "left_at")
    )
    if not given["service"]:
        raise _Contradiction("no service")
    if called is None and left is None:
        raise _Contradiction("neither called nor left")
    if called is not None and left is not None:
        raise _Contradiction("both called and left")
    if called is None and ended is not None:
        raise _Contradiction("ended without a call")
    if called is not None and ended is None:
        raise _Contradiction("called without an end")
    if called is not None and not given["counter"]:
        raise _Contradiction("called to no counter")
    _check_order(arrived, called, ended, left)
    return Row(arrived, called, ended, given["service"], given["counter"], left, offset_s)


def _check_order(arrived: int, called: int | None, ended: int | None, left: int | None) -> None:
    steps = (
        (arrived, called, "called before the arrival", "waited for longer than a day"),
        (called, ended, "ended before the call", "served for longer than a day"),
        (arrived, left, "left before the arrival", "waited for longer than a day"),
    )
    for begin, end, backwards, long in steps:
        if begin is not None and end is not None and end < begin:
            raise _Contradiction(backwards)
        if begin is not None and end is not None and end - begin > LONGEST_US:
            raise _Contradiction(long)


def _moment(text: str, column: str, line: _Line) -> tuple[int, int]:
    """Microseconds UTC, and what the clock there is ahead of UTC in seconds."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        line.fail(f'{column}: "{text}" is no ISO 8601 date and time')
    offset = moment.utcoffset()
    if offset is None:
        line.fail(f'{column}: "{text}" has no offset from UTC, such as +02:00')
    if not 1900 <= moment.year <= 2200:
        line.fail(f'{column}: "{text}" is outside the years 1900 to 2200')
    return to_instant(moment), int(offset.total_seconds())


def _refuse_if_many(path: Path, table: Table) -> None:
    bad = sum(number for number, _first in table.left_out.values())
    if bad > max(FEW, MOST_LEFT_OUT * (bad + len(table.rows))):
        reason, (_number, first) = max(table.left_out.items(), key=lambda item: item[1][0])
        raise TableError(
            f"{path}:{first}: {reason}; {bad} of {bad + len(table.rows)} rows contradict themselves,"
            " too many to leave out"
        )


def _note_gaps(table: Table) -> None:
    days = sorted({row.day for row in table.rows})
    if days and (missing := days[-1] - days[0] + 1 - len(days)):
        table.noted["a day between the first and the last on which nobody came"] = missing, 0
