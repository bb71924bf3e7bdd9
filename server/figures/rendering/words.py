"""Values as a person reads them in a table: 1:52 for 112 seconds, 81.3 % for a share."""

from __future__ import annotations

from server.figures.report import Column, Report, Table, Unit, Value

NOTHING = "-"
"""Stands where there is nothing to tell."""

UNITS = {
    Unit.TEXT: "",
    Unit.COUNT: "count",
    Unit.SECONDS: "h:mm:ss or m:ss",
    Unit.SHARE: "percent",
    Unit.NUMBER: "number",
    Unit.DAYS: "days",
    Unit.DATE: "date",
    Unit.INSTANT: "instant",
}


_NARROW = 7
"""Columns that fit on any page and terminal."""


def labels(table: Table) -> int:
    """How many of its first columns say what a row is of."""
    return next((place for place, column in enumerate(table.columns) if column.figure), 0)


def turned(table: Table) -> bool:
    """Whether it is shown with a figure on each line and its rows side by side.

    So are many figures of few: as rows they would be wider than any page.
    """
    figures = table.columns[labels(table) :]
    few = 0 < len(table.rows) <= len(table.columns) // 3
    return few and len(table.columns) > _NARROW and all(is_number(column) for column in figures)


def said(value: Value, column: Column) -> str:
    """A value in its column's unit."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if column.unit is Unit.SECONDS:
        return clock(value)
    if column.unit is Unit.SHARE:
        return f"{100 * value:.1f} %"
    return str(value) if isinstance(value, int) else f"{value:.1f}"


def clock(seconds: float) -> str:
    """Whole seconds, rounded half up, as ``1:52`` or ``12:04:00``."""
    whole = int(abs(seconds) + 0.5)
    sign = "-" if seconds < 0 and whole else ""
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02d}:{rest:02d}" if hours else f"{sign}{minutes}:{rest:02d}"


def is_number(column: Column) -> bool:
    """Whether its values stand at the right."""
    return column.unit not in (Unit.TEXT, Unit.DATE, Unit.INSTANT)


def heading(made: Report) -> str:
    """What the report is of."""
    days = made.first.isoformat()
    if made.last != made.first:
        days += f" to {made.last.isoformat()}"
    return f"{made.site}: {made.kind}, {days}"
