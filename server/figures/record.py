"""The record of local days as columns: visits, stints and shifts in numpy, for figures and forecasts.

Instants are microseconds UTC as int64, ``NEVER`` where there is none; words are places in ``texts``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from server.domain.schedule import SECOND, Calendar, to_datetime
from server.figures import digests
from server.figures.packing import NEVER, SHIFT, STINT, VISIT, Packed
from server.figures.report import BadQuestion

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Columns = dict[str, NDArray[Any]]

DAYS = 1_100
"""Local days in one report at most: three years."""

_KINDS = {"q": "<i8", "I": "<u4", "H": "<u2", "B": "u1"}
_WORDS = ("service", "range", "counter", "language")
_HOUR = 3600 * SECOND
_QUARTER = 900 * SECOND
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Record:
    """Some local days of a site. Every column of ``visits`` has one value for each visit, and so on.

    Besides the fields that ``server.figures.packing`` lists, each has ``day``, the local day as its number
    since 1970. ``stints`` have ``visit`` as the place of their visit in this record, and its ``range`` and
    ``appointment``; they and ``shifts`` have ``until``, their end or, while they last, the moment of asking.
    Words are places in ``texts``, 0 for none.
    """

    texts: tuple[str, ...]
    visits: Columns
    stints: Columns
    shifts: Columns
    days: tuple[date, ...]
    """The days that the house has a record of, in order."""
    running: tuple[date, ...] = ()
    """Those of them that have not ended."""


def check_span(first: date, last: date) -> None:
    """Refuse days that no report can be made of. Raises :class:`BadQuestion`."""
    if last < first:
        raise BadQuestion(f"the last day, {last}, lies before the first, {first}")
    if (last - first).days >= DAYS:
        raise BadQuestion(f"at most {DAYS} days in one report")


def read(connection: sa.Connection, site: str, first: date, last: date, now: int | None = None) -> Record:
    """The record of the local days from ``first`` to ``last``, both included.

    What still lasts on a day under way is measured up to ``now``, else up to the day's newest entry.
    """
    return combine(digests.read(connection, site, first.isoformat(), last.isoformat()), now)


def read_stints(connection: sa.Connection, site: str, first: date, last: date) -> Record:
    """What was measured at counters on these days: ``stints`` of the record, with the visits they are of.

    Each stint has ``service``, ``counter``, ``queued_at``, ``called_at``, ``started_at`` and ``ended_at``. It
    is a whole service only where ``end`` is that of ``End.FINISHED`` or ``End.GOES_ON`` (places in
    ``server.figures.packing.ENDS``) and ``started_at`` is not ``NEVER``. Who left before a call has no stint:
    it is a visit whose ``first_called_at`` is ``NEVER``. ``shifts`` say which counters were open.
    """
    return read(connection, site, first, last)


def combine(days: Sequence[Packed], now: int | None = None) -> Record:
    """Packed days, in order, as one record."""
    places = {"": 0}
    maps = [
        np.array([places.setdefault(text, len(places)) for text in day.texts], dtype=np.int64) for day in days
    ]
    visits = _columns(days, maps, "visits", VISIT)
    stints = _columns(days, maps, "stints", STINT)
    counts = [len(day.visits) // _dtype(VISIT).itemsize for day in days]
    before = np.cumsum([0, *counts])[: len(days)]
    stints["visit"] = stints["visit"] + np.repeat(before, _lengths(days, "stints", STINT))
    shifts = _columns(days, maps, "shifts", SHIFT)
    newest = [day.at if day.ended or now is None else max(day.at, min(now, day.until)) for day in days]
    for rows, name, fields, end in ((stints, "stints", STINT, "ended_at"), (shifts, "shifts", SHIFT, "end")):
        known = np.repeat(np.array(newest, dtype=np.int64), _lengths(days, name, fields))
        rows["until"] = np.where(rows[end] == NEVER, known, rows[end])
    for field in ("range", "appointment"):
        stints[field] = visits[field][stints["visit"]]
    dates = tuple(date.fromisoformat(day.date) for day in days)
    running = tuple(when for when, day in zip(dates, days, strict=True) if not day.ended)
    return Record(tuple(places), visits, stints, shifts, dates, running)


def _dtype(fields: tuple[tuple[str, str], ...]) -> np.dtype[Any]:
    return np.dtype([(name, _KINDS[kind]) for name, kind in fields])


def _lengths(days: Sequence[Packed], name: str, fields: tuple[tuple[str, str], ...]) -> list[int]:
    size = _dtype(fields).itemsize
    return [len(getattr(day, name)) // size for day in days]


def _columns(
    days: Sequence[Packed], maps: Sequence[Ints], name: str, fields: tuple[tuple[str, str], ...]
) -> Columns:
    records = np.frombuffer(b"".join(getattr(day, name) for day in days), dtype=_dtype(fields))
    lengths = _lengths(days, name, fields)
    columns: Columns = {field: records[field].astype(np.int64) for field, _kind in fields}
    # Each day has words of its own: its places move behind those of the days before, for one look-up of all.
    starts = np.cumsum([0, *(len(known) for known in maps)])[: len(days)]
    shift = np.repeat(starts, lengths)
    together = np.concatenate(maps) if maps else np.zeros(0, dtype=np.int64)
    for field in columns.keys() & set(_WORDS):
        columns[field] = together[columns[field] + shift]
    numbers = [date.fromisoformat(day.date).toordinal() - _EPOCH for day in days]
    columns["day"] = np.repeat(np.array(numbers, dtype=np.int64), lengths)
    return columns


def date_of(day: int) -> date:
    """The date of a day's number."""
    return date.fromordinal(int(day) + _EPOCH)


@lru_cache(maxsize=4 * DAYS)
def _midnights(calendar: Calendar, day: date) -> tuple[int, int]:
    return calendar.midnight_before(day), calendar.midnight_after(day)


def local_hours(instants: Ints, days: Ints, calendar: Calendar) -> Ints:
    """The hour on the wall, 0 to 23, of instants that lie on these local days.

    On the day with 25 hours one hour comes twice, and both count as it; on that with 23 one never comes.
    """
    if not len(days):
        return days
    each, place = np.unique(days, return_inverse=True)
    bounds = np.array([_midnights(calendar, day) for day in map(date_of, each)], dtype=np.int64)
    hours: Ints = (instants - bounds[place, 0]) // _HOUR
    for odd in np.flatnonzero(bounds[:, 1] - bounds[:, 0] != 24 * _HOUR):
        here = np.flatnonzero(place == odd)
        hours[here] = [to_datetime(int(instant), calendar.zone).hour for instant in instants[here]]
    return np.clip(hours, 0, 23)


def by_hour(begins: Ints, ends: Ints, days: Sequence[date], calendar: Calendar) -> tuple[Ints, Ints, Ints]:
    """Intervals on these days, cut so that none lies in two hours on the wall.

    Gives (which interval, begin, end) of each piece. Time zones differ from UTC by whole quarters of an hour,
    nearly all of them by whole hours, which makes fewer pieces.
    """
    whole = all(at % _HOUR == 0 for day in days for at in _midnights(calendar, day))
    unit = _HOUR if whole else _QUARTER
    first, last = begins // unit, np.maximum(begins, ends - 1) // unit
    counts = last - first + 1
    which = np.repeat(np.arange(len(begins)), counts)
    within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    piece = first[which] + within
    return (
        which,
        np.maximum(begins[which], piece * unit),
        np.minimum(ends[which], (piece + 1) * unit),
    )
