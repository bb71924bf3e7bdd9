"""What a page of figures shows of a day, a week or a year: headline numbers and tables, and its pictures.

Plain values, so that the server can name them without numpy; the work is done by :func:`overview` and
:func:`picture` in the analyst, which load it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import sqlalchemy as sa

from server.domain.house import House
from server.figures.periods import Against, Days, Span
from server.figures.report import Column, Table, Unit


class Figure(StrEnum):
    """A headline number. Shares go from 0 to 1, waits are in seconds."""

    VISITS = "visits"
    APPOINTMENT_SHARE = "appointment_share"
    WITH_P50 = "wait_with_p50"
    WITH_P90 = "wait_with_p90"
    WITHOUT_P50 = "wait_without_p50"
    WITHOUT_P90 = "wait_without_p90"
    SERVICE_LEVEL = "service_level"
    LATE_OR_MISSED = "late_or_missed_share"
    MISSED = "missed_share"
    LEFT = "left_share"
    NOT_SERVED = "not_served"


UNITS: dict[Figure, Unit] = {
    Figure.VISITS: Unit.COUNT,
    Figure.APPOINTMENT_SHARE: Unit.SHARE,
    Figure.WITH_P50: Unit.SECONDS,
    Figure.WITH_P90: Unit.SECONDS,
    Figure.WITHOUT_P50: Unit.SECONDS,
    Figure.WITHOUT_P90: Unit.SECONDS,
    Figure.SERVICE_LEVEL: Unit.SHARE,
    Figure.LATE_OR_MISSED: Unit.SHARE,
    Figure.MISSED: Unit.SHARE,
    Figure.LEFT: Unit.SHARE,
    Figure.NOT_SERVED: Unit.COUNT,
}
"""What each counts in."""

Numbers = dict[Figure, float | None]
"""Every headline number; None where there is nothing to tell."""


class Picture(StrEnum):
    """A picture of a page, by the name of its file."""

    ARRIVALS = "arrivals"
    BUSYNESS = "busyness"
    BUSY_WAITS = "busy-waits"
    DAY_WAITS = "day-waits"


@dataclass(frozen=True, slots=True)
class Compared:
    """What the same numbers were elsewhere: ``days`` had visits there, of which counts are the mean.

    Without such a day there is nothing to compare with.
    """

    against: Against
    days: int
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Found:
    """An arm of an experiment held against another: by how much the shares of an outcome differ.

    ``least`` and ``most`` are the ends of its 95 % interval; all None where nobody was drawn.
    """

    outcome: str
    arm: str
    reference: str
    difference: float | None
    least: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class Experiment:
    """How an experiment with reminders stands; ``known_on`` is the day from which its outcomes are told."""

    id: str
    begins: date
    ends: date
    people: int
    known_on: date
    over: bool
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """The figures of a period. ``days`` had visits; ``running`` says that one of them is not over.

    ``appointments`` end with the last day that is over; None where none is.
    """

    span: Span
    of: Days
    days: int
    running: bool
    appointments: date | None
    numbers: Numbers
    compared: tuple[Compared, ...]
    tables: dict[str, Table]
    experiments: tuple[Experiment, ...] = ()


def overview(connection: sa.Connection, house: House, span: Span, on: date, now: int) -> Overview:
    """The figures of the day, week or year that ``on`` lies in; ``now`` is house time."""
    from server.figures import counted

    return counted.overview(connection, house, span, on, now)


def picture(
    connection: sa.Connection,
    house: House,
    span: Span,
    on: date,
    now: int,
    which: Picture,
    names: dict[str, str],
) -> bytes:
    """A picture of that page as SVG; ``names`` are the words in it, by their keys."""
    from server.figures import pictures

    return pictures.picture(connection, house, span, on, now, which, names)


def numbers_table(told: Overview) -> Table:
    """The headline numbers as a table for programs, each beside each of what it is held against."""
    rows = []
    for figure, unit in UNITS.items():
        value = told.numbers[figure]
        for each in told.compared:
            parts = each.against.parts
            rows.append(
                (
                    *(figure.value, unit.value, value, each.against.kind.value),
                    *(
                        min(part.first for part in parts).isoformat(),
                        max(part.last for part in parts).isoformat(),
                    ),
                    *(each.days, each.numbers[figure]),
                )
            )
    return Table(
        id="numbers",
        title="Numbers",
        columns=(
            Column("figure", "figure", Unit.TEXT),
            Column("unit", "unit", Unit.TEXT),
            Column("value", "value", Unit.NUMBER),
            Column("against", "held against", Unit.TEXT),
            Column("against_from", "from", Unit.DATE),
            Column("against_to", "to", Unit.DATE),
            Column("against_days", "days with visits", Unit.COUNT),
            Column("against_value", "value there", Unit.NUMBER),
        ),
        rows=tuple(rows),
    )
