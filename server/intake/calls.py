"""Telephone calls an hour, out of a table of the exchange: one hour a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Annotated

import msgspec
import sqlalchemy as sa

from server import database as db
from server.domain.schedule import to_instant
from server.intake.lines import Line
from server.intake.rows import BadRow, moment
from server.intake.table import Fields, fields

NEEDED = ("at", "calls")
COLUMNS = (*NEEDED, "answered")

PIECE = 500
"""Hours in one transaction."""

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]

_PUT = sa.text(db.upsert(db.phone_calls))


@dataclass(frozen=True, slots=True)
class Hour:
    """The calls within the hour that begins at ``at``; ``answered`` is None where it is not told."""

    line: int
    at: int
    calls: int
    answered: int | None


@dataclass(slots=True)
class Tally:
    """What became of the hours of a file."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: int = 0


def read(lines: Iterator[Line], zone: tzinfo) -> Iterator[Hour | BadRow]:
    """Each hour of a table, or what is wrong with its line. Raises ``BadFile`` for a header of no use.

    An hour without an offset is by the clock of ``zone``.
    """
    seen: dict[int, int] = {}
    for found in fields(lines, COLUMNS, NEEDED):
        if isinstance(found, BadRow):
            yield found
            continue
        try:
            hour = _hour(found, zone)
        except BadRow as bad:
            yield bad
            continue
        first = seen.setdefault(hour.at, hour.line)
        if first != hour.line:
            # Which of the two would count?
            yield BadRow(hour.line, f"at: the hour stands in line {first} already")
            continue
        yield hour


def keep(
    connection: sa.Connection, site: str, hours: Sequence[Hour], tally: Tally, *, dry: bool = False
) -> None:
    """Put these hours in place of what was kept of them, and count what became of them; ``dry`` only counts.

    Hours that are not named stay as they are.
    """
    table = db.phone_calls
    rows = connection.execute(
        sa.select(table).where(table.c.site == site, table.c.at.in_([hour.at for hour in hours]))
    )
    known = {row.at: (row.calls, row.answered) for row in rows}
    fresh = [hour for hour in hours if known.get(hour.at) != (hour.calls, hour.answered)]
    tally.unchanged += len(hours) - len(fresh)
    tally.changed += sum(hour.at in known for hour in fresh)
    tally.new += sum(hour.at not in known for hour in fresh)
    if fresh and not dry:
        connection.execute(
            _PUT,
            [{"site": site, "at": hour.at, "calls": hour.calls, "answered": hour.answered} for hour in fresh],
        )


def _hour(found: Fields, zone: tzinfo) -> Hour:
    try:
        begin = moment(found.values["at"], zone)
    except ValueError as error:
        raise BadRow(found.line, f"at: {error}") from None
    if not _is_whole(begin.astimezone(zone)):
        raise BadRow(found.line, "at: must be the beginning of an hour by the clock of the site")
    calls = _count(found, "calls")
    answered = _count(found, "answered") if "answered" in found.values else None
    if answered is not None and answered > calls:
        raise BadRow(found.line, "answered: is more than calls")
    return Hour(found.line, to_instant(begin), calls, answered)


def _is_whole(begin: datetime) -> bool:
    return (begin.minute, begin.second, begin.microsecond) == (0, 0, 0)


def _count(found: Fields, name: str) -> int:
    try:
        count: int = msgspec.convert(found.values[name], Count, strict=False)
    except msgspec.ValidationError:
        raise BadRow(found.line, f"{name}: must be a whole number from 0") from None
    return count
