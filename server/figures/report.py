"""A report: tables of figures over local days, before anybody decides how to show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

Value = str | int | float | bool | None
"""What stands in a cell; None where there is nothing to tell, never 0 in its place."""


class Unit(StrEnum):
    """What a column counts in. Shares go from 0 to 1, instants are ISO 8601 with an offset."""

    TEXT = "text"
    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"
    NUMBER = "number"
    DAYS = "days"
    DATE = "date"
    INSTANT = "instant"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its ``key`` in JSON and CSV, its heading for people, its unit.

    ``figure`` names the heading in ``docs/figures.md`` that defines it, "" where it is a dimension.
    """

    key: str
    name: str
    unit: Unit
    figure: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; each row has a value for every column."""

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: tuple[str, ...] = ()
    """What a reader must know to read it right: what is left out, which policy, why there is nothing."""


@dataclass(frozen=True, slots=True)
class Report:
    """One kind of report at a site over the local days from ``first`` to ``last``, both included."""

    kind: str
    site: str
    first: date
    last: date
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = field(default=())


class BadQuestion(Exception):
    """A report that cannot be made as asked: an unknown dimension, too many days; the message says why."""
