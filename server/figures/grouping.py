"""Rows put in groups by what a report is asked by: service, weekday, hour and the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.domain.house import House
from server.figures.record import Columns, Ints, Record, date_of, local_hours
from server.figures.report import BadQuestion, Column, Unit, Value

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

DIMENSIONS: dict[str, Column] = {
    "service": Column("service", "Service", Unit.TEXT),
    "range": Column("range", "Range", Unit.TEXT),
    "counter": Column("counter", "Counter", Unit.TEXT),
    "appointment": Column("appointment", "Appointment", Unit.TEXT),
    "year": Column("year", "Year", Unit.TEXT),
    "month": Column("month", "Month", Unit.TEXT),
    "week": Column("week", "Week", Unit.TEXT),
    "day": Column("day", "Day", Unit.DATE),
    "weekday": Column("weekday", "Weekday", Unit.TEXT),
    "hour": Column("hour", "Hour", Unit.NUMBER),
}
"""What a report may be asked by: a year ``2026``, a month ``2026-11``, an ISO week ``2026-W48``, a day, a
weekday ``mon`` to ``sun``, an hour on the wall 0 to 23; an appointment ``with`` or ``without``."""

OF_TIME = frozenset({"year", "month", "week", "day", "weekday", "hour"})

ROWS = 20_000
"""Rows in one table at most: more is a question for the record, not for a report."""

_OF_DAY: dict[str, Callable[[date], tuple[int, Value]]] = {
    "year": lambda day: (day.year, str(day.year)),
    "month": lambda day: (day.year * 12 + day.month, f"{day.year}-{day.month:02d}"),
    "week": lambda day: (
        day.isocalendar().year * 54 + day.isocalendar().week,
        f"{day.isocalendar().year}-W{day.isocalendar().week:02d}",
    ),
    "day": lambda day: (day.toordinal(), day.isoformat()),
    "weekday": lambda day: (day.weekday(), WEEKDAYS[day.weekday()]),
}


def check_dimensions(by: Sequence[str], known: Sequence[str] = tuple(DIMENSIONS)) -> None:
    """Refuse what cannot be asked by. Raises :class:`BadQuestion`."""
    for place, name in enumerate(by):
        if name not in known:
            raise BadQuestion(f'unknown dimension "{name}": choose from {", ".join(known)}')
        if name in by[:place]:
            raise BadQuestion(f'"{name}" is asked by twice')


@dataclass(frozen=True, slots=True)
class Groups:
    """``count`` groups in order: ``of`` has the group of each row, -1 for none; ``labels`` name them.

    Without a dimension there is one group, which may be empty.
    """

    count: int
    of: Ints
    labels: tuple[tuple[Value, ...], ...]

    def counts(self, where: NDArray[np.bool_] | None = None) -> Ints:
        """How many rows each group has, of those where it holds."""
        chosen = self.of >= 0 if where is None else where & (self.of >= 0)
        return np.bincount(self.of[chosen], minlength=self.count)

    def sums(self, values: NDArray[Any]) -> Ints:
        """The sum of whole values in each group, exact."""
        found = np.zeros(self.count, dtype=np.int64)
        np.add.at(found, self.of[self.of >= 0], values[self.of >= 0])
        return found

    def different(self, values: Ints, where: NDArray[np.bool_] | None = None) -> Ints:
        """How many different values, none negative, each group has, of the rows where it holds."""
        chosen = self.of >= 0 if where is None else where & (self.of >= 0)
        most = int(values.max(initial=0)) + 1
        return np.bincount(np.unique(self.of[chosen] * most + values[chosen]) // most, minlength=self.count)


def groups(record: Record, house: House, rows: Columns, instants: Ints, by: Sequence[str]) -> Groups:
    """The groups of rows that have ``day`` and the words they are asked by; ``instants`` give the hour.

    Rows of a discreet service are in no group where the service is asked by: see ``docs/figures.md``.
    """
    count = len(rows["day"])
    if not by:
        return Groups(1, np.zeros(count, dtype=np.int64), ((),))
    keys: list[Ints] = []
    names: list[dict[int, Value]] = []
    left = np.ones(count, dtype=np.bool_)
    for dimension in by:
        key, name = _keyed(dimension, record, house, rows, instants)
        keys.append(key)
        names.append(name)
        left &= key >= 0
    found, of = _distinct([key[left] for key in keys])
    if len(found) > ROWS:
        raise BadQuestion(
            f"that makes {len(found)} rows, at most {ROWS} can be told: ask by less, or for less"
        )
    placed = np.full(count, -1, dtype=np.int64)
    placed[left] = of
    labels = tuple(
        tuple(name[int(key)] for name, key in zip(names, row, strict=True)) for row in found.tolist()
    )
    return Groups(len(found), placed, labels)


def _distinct(keys: list[Ints]) -> tuple[Ints, Ints]:
    """The distinct rows of some columns of small numbers, in order, and which of them each row is."""
    packed = np.zeros(len(keys[0]), dtype=np.int64)
    inverse = []
    for key in keys:
        values, place = np.unique(key, return_inverse=True)
        packed = packed * max(1, len(values)) + place
        inverse.append(values)
    found, of = np.unique(packed, return_inverse=True)
    columns = []
    rest = found
    for values in reversed(inverse):
        columns.append(values[rest % max(1, len(values))] if len(values) else rest)
        rest = rest // max(1, len(values))
    return np.stack(columns[::-1], axis=1), of


def _keyed(
    dimension: str, record: Record, house: House, rows: Columns, instants: Ints
) -> tuple[Ints, dict[int, Value]]:
    """The key of each row, in the order in which it is told, and what each key is called; -1 for no group."""
    if dimension in _OF_DAY:
        days = np.unique(rows["day"])
        told = [_OF_DAY[dimension](date_of(day)) for day in days]
        keys = np.array([key for key, _name in told], dtype=np.int64)
        place = np.searchsorted(days, rows["day"])
        return keys[place] if len(days) else rows["day"], dict(told)
    if dimension == "hour":
        return local_hours(instants, rows["day"], house.calendar), {hour: hour for hour in range(24)}
    if dimension == "appointment":
        return 1 - rows["appointment"], {0: "with", 1: "without"}
    return _words(dimension, record, house, rows[dimension])


def _words(dimension: str, record: Record, house: House, column: Ints) -> tuple[Ints, dict[int, Value]]:
    """Words in the order of the configuration, those that it has no longer after them."""
    order: Sequence[str] = ()
    if dimension == "service":
        order = list(house.services)
    elif dimension == "counter":
        order = list(house.counters)
    used = {record.texts[place] for place in np.unique(column)}
    ranked = [text for text in order if text in used] + sorted(used - set(order))
    discreet = {service.id for service in house.services.values() if service.discreet}
    rank = {text: place for place, text in enumerate(ranked)}
    ranks = np.array(
        [-1 if dimension == "service" and text in discreet else rank.get(text, -1) for text in record.texts],
        dtype=np.int64,
    )
    return ranks[column], {place: text or None for text, place in rank.items()}
