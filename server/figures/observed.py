"""Appointments that others recorded, reminded or not as it came: counted, and said why that proves nothing.

``onthaal report reminders --observed FILE`` reads a CSV, plain or packed by gzip, a row at a time; what is
kept are counts, and the ids by which appointments and persons are told apart.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, cast

from server.figures.report import BadQuestion, Column, Report, Table, Unit, Value

COLUMNS = ("ref", "person", "booked_at", "appointment_day", "reminded", "missed")
BINS: tuple[tuple[str, int], ...] = (
    ("booked after the day", -1),
    ("0", 0),
    ("1-3", 3),
    ("4-7", 7),
    ("8-14", 14),
    ("15-30", 30),
)
"""Days from booking to the appointment, each up to its number; what is longer is :data:`LONGER`."""
LONGER = ">30"
TIMES = (("1", 1), ("2", 2), ("3-5", 5))
"""How often the same person occurs, each up to its number; what is more is :data:`OFTENER`."""
OFTENER = ">5"

LINE_BYTES = 65_536
NAMED_LINES = 10
"""So many lines that cannot be read are named, with the reason; the others are counted."""
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


class BadFile(BadQuestion):
    """A file that is not such a table, or ends in the middle; the message says where. It repeats no value."""


@dataclass(slots=True)
class _Seen:
    """What has been read so far. ``bins`` counts by bin, reminded and missed."""

    bins: Counter[tuple[str, bool, bool]] = field(default_factory=Counter)
    refs: set[str] = field(default_factory=set)
    persons: Counter[str] = field(default_factory=Counter)
    first: date = date.max
    last: date = date.min
    bad: list[tuple[int, str]] = field(default_factory=list)
    bad_rows: int = 0


def observed(path: Path) -> Report:
    """The counts of a file with the columns :data:`COLUMNS`, in any order, and what they cannot say.

    ``booked_at`` is an ISO 8601 time, ``appointment_day`` a day, ``reminded`` and ``missed`` 0 or 1. A row
    that is none is left out, counted, and named by its line. Raises :class:`BadFile`, and ``OSError``.
    """
    seen = _Seen()
    where: dict[str, int] | None = None
    for number, line in _lines(path):
        try:
            values = next(csv.reader([line.decode()], strict=True), [])
        except (UnicodeDecodeError, csv.Error):
            values = []
        if where is None:
            where = _header(values)
            continue
        wrong = _take(seen, where, values)
        if wrong:
            seen.bad_rows += 1
            if len(seen.bad) < NAMED_LINES:
                seen.bad.append((number, wrong))
    if where is None:
        raise BadFile("line 1: there is no header; it has to name " + ", ".join(COLUMNS))
    return _report(seen)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file from 1; a longer one than :data:`LINE_BYTES` as nothing, which is no row."""
    with ExitStack() as opened:
        plain = opened.enter_context(path.open("rb"))
        packed = plain.peek(2)[:2] == _GZIP
        file = cast(BinaryIO, opened.enter_context(gzip.GzipFile(fileobj=plain)) if packed else plain)
        number = 0
        try:
            while raw := file.readline(LINE_BYTES + 1):
                number += 1
                if len(raw) > LINE_BYTES:
                    while raw and not raw.endswith(b"\n"):
                        raw = file.readline(LINE_BYTES)
                    yield number, b""
                    continue
                yield number, (raw.removeprefix(_BOM) if number == 1 else raw).rstrip(b"\r\n")
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadFile(
                f"after line {number}: the packed file is damaged, or ends in the middle"
            ) from error


def _header(values: list[str]) -> dict[str, int]:
    names = [value.strip() for value in values]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise BadFile(f"line 1: the header does not name {', '.join(missing)}")
    return {name: names.index(name) for name in COLUMNS} | {"": len(names)}


def _take(seen: _Seen, where: dict[str, int], values: list[str]) -> str:
    """Count a row, or answer why it cannot be."""
    if len(values) != where[""]:
        return f"has {len(values)} values for {where['']} columns"
    ref, person, booked, day, reminded, missed = (values[where[name]].strip() for name in COLUMNS)
    if not ref or not person:
        return "ref or person is missing"
    if reminded not in ("0", "1") or missed not in ("0", "1"):
        return "reminded and missed must be 0 or 1"
    try:
        booked_on, on = datetime.fromisoformat(booked).date(), date.fromisoformat(day)
    except ValueError:
        return (
            "booked_at must be a time and appointment_day a day, as 2026-11-23T09:15:00+01:00 and 2026-11-30"
        )
    if ref in seen.refs:
        return "ref: stands there twice"
    seen.refs.add(ref)
    seen.persons[person] += 1
    seen.first, seen.last = min(seen.first, on), max(seen.last, on)
    seen.bins[_bin((on - booked_on).days, BINS, LONGER), reminded == "1", missed == "1"] += 1
    return ""


def _bin(number: int, bins: tuple[tuple[str, int], ...], beyond: str) -> str:
    return next((name for name, until in bins if number <= until), beyond)


def _report(seen: _Seen) -> Report:
    named = "; ".join(f"line {number}: {why}" for number, why in seen.bad)
    if seen.bad_rows > len(seen.bad):
        named += f"; and {seen.bad_rows - len(seen.bad)} more"
    if not seen.refs:
        raise BadFile(f"there is no appointment in it; {named}" if named else "there is no appointment in it")
    tables = (_overall(seen), _reminded(seen), _lead(seen), _persons(seen))
    notes = _confounding(seen)
    if named:
        notes.append(f"{seen.bad_rows} rows were left out: {named}.")
    return Report("reminders", "", seen.first, seen.last, tables, tuple(notes))


_COUNTS = (
    Column("appointments", "Appointments", Unit.COUNT),
    Column("missed", "Missed", Unit.COUNT),
    Column("share", "Share missed", Unit.SHARE),
)


def _counted(seen: _Seen, reminded: bool | None = None, lead: str | None = None) -> tuple[int, int]:
    """Appointments and how many of them were missed."""
    chosen = [
        (missed, count)
        for (name, was, missed), count in seen.bins.items()
        if reminded in (None, was) and lead in (None, name)
    ]
    return sum(count for _, count in chosen), sum(count for missed, count in chosen if missed)


def _with_share(counted: tuple[int, int]) -> tuple[Value, ...]:
    every, missed = counted
    return every, missed, round(missed / every, 6) if every else None


def _overall(seen: _Seen) -> Table:
    rows = ((*_with_share(_counted(seen)), len(seen.persons)),) if seen.refs else ()
    columns = (*_COUNTS, Column("persons", "Persons", Unit.COUNT))
    return Table("observed", "All appointments", columns, rows, () if rows else ("There is no row in it.",))


def _reminded(seen: _Seen) -> Table:
    rows = tuple(
        (name, *_with_share(_counted(seen, was))) for name, was in (("without", False), ("with", True))
    )
    columns = (Column("reminded", "Reminder", Unit.TEXT), *_COUNTS)
    return Table("reminded", "Without and with a reminder, as it came", columns, rows, (NO_EFFECT,))


def _lead(seen: _Seen) -> Table:
    rows = tuple(
        (lead, *_with_share(_counted(seen, False, lead)), *_with_share(_counted(seen, True, lead)))
        for lead in _leads(seen)
    )
    columns = (
        Column("lead", "Days from booking", Unit.TEXT),
        *(Column(f"{each.key}_without", f"{each.name}, without", each.unit) for each in _COUNTS),
        *(Column(f"{each.key}_with", f"{each.name}, with", each.unit) for each in _COUNTS),
    )
    return Table("lead", "By the time from booking to the appointment", columns, rows, (NO_EFFECT,))


def _persons(seen: _Seen) -> Table:
    persons: Counter[str] = Counter()
    appointments: Counter[str] = Counter()
    for times in seen.persons.values():
        name = _bin(times, TIMES, OFTENER)
        persons[name] += 1
        appointments[name] += times
    rows = tuple(
        (name, persons[name], appointments[name])
        for name in (*(name for name, _ in TIMES), OFTENER)
        if persons[name]
    )
    columns = (
        Column("times", "Appointments of one person", Unit.TEXT),
        Column("persons", "Persons", Unit.COUNT),
        Column("appointments", "Appointments", Unit.COUNT),
    )
    return Table("persons", "How often the same persons occur", columns, rows)


def _leads(seen: _Seen) -> list[str]:
    occur = {name for name, _, _ in seen.bins}
    return [name for name in (*(name for name, _ in BINS), LONGER) if name in occur]


NO_EFFECT = (
    "These people were not drawn: who got a reminder was not left to chance. So no difference here is the "
    "effect of a reminder, and nothing is proven by it, one way or the other."
)


def _confounding(seen: _Seen) -> list[str]:
    """What can be seen in the counts of why those with a reminder are other people than those without."""
    notes = [NO_EFFECT]
    leads = _leads(seen)
    others = [lead for lead in leads if _counted(seen, True, lead)[0]]
    bare = [lead for lead in leads if lead not in others]
    if bare and others:
        one, other = _missed(seen, bare), _missed(seen, others)
        notes.append(
            f"By the days from booking, nobody was reminded of these: {', '.join(bare)}. There {one} "
            f"missed, of the others without a reminder {other}: those with one had booked at other times."
        )
    overall = _difference(seen)
    turned = [
        lead
        for lead in others
        if (inside := _difference(seen, lead)) is not None and overall is not None and inside * overall < 0
    ]
    if turned and overall is not None:
        outside, inside_too = ("more", "less") if overall > 0 else ("less", "more")
        notes.append(
            f"Those with a reminder missed {outside} over all, and {inside_too} among those with as many "
            f"days from booking ({', '.join(turned)}): over all it tells whom the reminders went to."
        )
    several = sum(1 for times in seen.persons.values() if times > 1)
    if several:
        notes.append(
            f"{several} of {len(seen.persons)} persons have more than one appointment: the rows are not "
            "independent of each other, and intervals that take them so would be too narrow."
        )
    return notes


def _difference(seen: _Seen, lead: str | None = None) -> float | None:
    """The share missed with a reminder less that without, where there are both."""
    (without, missed_without), (reminded, missed) = _counted(seen, False, lead), _counted(seen, True, lead)
    return missed / reminded - missed_without / without if without and reminded else None


def _missed(seen: _Seen, leads: list[str]) -> str:
    """Of those without a reminder in these bins: how many of a hundred missed."""
    counted = [_counted(seen, False, lead) for lead in leads]
    every = sum(count for count, _ in counted)
    return f"{100 * sum(missed for _, missed in counted) / every:.1f} %" if every else "nobody"
