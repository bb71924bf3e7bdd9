"""An open table of visits: counts of a month, with cells under five withheld so that nothing gives them back.

A cell is a service, a weekday and a band of hours in one month. Every visit of a month stands in exactly one
row: in that of its cell where this has :data:`LEAST` visits or more, else in the month's rest. So the total
of the month, known from elsewhere, tells nothing new. docs/exports.md has the proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import sqlalchemy as sa

from server import database as db
from server.domain.house import House
from server.domain.punctuality import wait_s
from server.domain.schedule import to_datetime

LEAST = 5
"""The fewest visits that a row tells of."""
BAND_H = 2

COLUMNS = ("site", "month", "service", "weekday", "hours", "visits", "median_wait_min")

Cell = tuple[str, str, str]
"""Service, weekday (1 is Monday), hours such as ``08-10``."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is published of a month: cells with their visits, and how many visits are in none of them.

    ``rest`` is 0 where nobody is left over, or where so few came in the whole month that nothing is said.
    """

    cells: dict[Cell, int]
    rest: int


def publish(cells: Mapping[Cell, int], hidden: int) -> Published:
    """What may be published of a month's cells; ``hidden`` are visits that are in no cell at all.

    Where the rest would give away what is in it, the whole month is the rest.
    """
    told = {cell: count for cell, count in cells.items() if count >= LEAST}
    small = [count for count in cells.values() if 0 < count < LEAST]
    rest = sum(small) + hidden
    if _safe(len(small), rest, hidden > 0):
        return Published(told, rest)
    every = rest + sum(told.values())
    return Published({}, every if every >= LEAST else 0)


def _safe(small: int, rest: int, hidden: bool) -> bool:
    """Whether each of so many small cells may be anything from 1 to 4, by all that a rest tells of them."""
    if rest == 0:
        return True
    if rest < LEAST:
        return False
    if hidden:
        return small >= 1 and rest >= small + LEAST - 1
    return small + LEAST - 2 <= rest <= (LEAST - 1) * small - (LEAST - 2)


def months(first: date, last: date) -> Iterator[date]:
    """The first days of the months from that of ``first`` to that of ``last``, both included."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)


def rows(connection: sa.Connection, house: House, period: date) -> list[Sequence[str | int]]:
    """The rows of the month that begins with ``period``, by :data:`COLUMNS`. It must be over.

    Services that are discreet, or are not configured any more, have no cells: their visits are in the rest.
    """
    table, zone = db.visit.c, house.calendar.zone
    waits: dict[Cell, list[float]] = {}
    cells: dict[Cell, int] = {}
    hidden = 0
    found = connection.execute(
        sa.select(table.day, table.service, table.slot_at, table.reported_at, table.first_called_at).where(
            table.site == house.site,
            table.day >= period.isoformat(),
            table.day < (period + timedelta(days=32)).replace(day=1).isoformat(),
        )
    ).all()
    for day, name, slot_at, reported_at, called_at in found:
        service = house.services.get(name)
        if service is None or service.discreet:
            hidden += 1
            continue
        weekday = str(date.fromisoformat(day).isoweekday())
        band = to_datetime(reported_at, zone).hour // BAND_H * BAND_H
        cell = name, weekday, f"{band:02}-{band + BAND_H:02}"
        cells[cell] = cells.get(cell, 0) + 1
        if called_at is not None:
            since = reported_at if slot_at is None else slot_at
            waits.setdefault(cell, []).append(wait_s(since, reported_at, called_at))
    published = publish(cells, hidden)
    head = house.site, period.isoformat()[:7]
    told: list[Sequence[str | int]] = [
        (*head, *cell, count, _median_min(waits.get(cell, ())))
        for cell, count in sorted(published.cells.items())
    ]
    if published.rest:
        told.append((*head, "", "", "", published.rest, ""))
    return told


def _median_min(waits: Iterable[float]) -> str | int:
    """The median in whole minutes; nothing where fewer than :data:`LEAST` were called."""
    known = list(waits)
    return round(median(known) / 60) if len(known) >= LEAST else ""
