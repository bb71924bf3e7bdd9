"""CSV with a header, read line by line; and of appointments, one a line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from server.config_tables import nearest
from server.domain.house import House
from server.intake.lines import Line
from server.intake.rows import BadFile, BadRow, Row, moment, row

NEEDED = ("ref", "service", "at")
COLUMNS = (*NEEDED, "name", "phone", "email", "safe", "language", "persons", "channel")
"""The columns, as the API names them."""


def read(lines: Iterator[Line], house: House) -> Iterator[Row | BadRow]:
    """Each row of a table, or what is wrong with it. Raises :class:`BadFile` for a header of no use."""
    for values in fields(lines, COLUMNS, NEEDED):
        if isinstance(values, BadRow):
            yield values
            continue
        try:
            yield _row(values, house)
        except BadRow as bad:
            yield bad


@dataclass(frozen=True, slots=True)
class Fields:
    """A line's values by column, without the empty ones; each column that is needed has one."""

    line: int
    values: dict[str, str]


def fields(lines: Iterator[Line], columns: Sequence[str], needed: Sequence[str]) -> Iterator[Fields | BadRow]:
    """Each line of a table of these columns, or what is wrong with it. Raises :class:`BadFile`."""
    head = next((line for line in lines if line.text is None or line.text.strip()), None)
    if head is None:
        raise BadFile(f"is empty; its first line must name the columns ({', '.join(columns)})")
    if head.text is None:
        raise BadFile(f"line {head.number}: {head.wrong}")
    # Spreadsheets of half of Europe write a semicolon, because the comma stands in their numbers.
    delimiter = ";" if head.text.count(";") > head.text.count(",") else ","
    names = _names(head, delimiter, columns, needed)
    for line in lines:
        if line.text is not None and not line.text.strip():
            continue
        try:
            yield _fields(line, names, delimiter, needed)
        except BadRow as bad:
            yield bad


def _names(head: Line, delimiter: str, columns: Sequence[str], needed: Sequence[str]) -> list[str]:
    said = f"line {head.number}"
    try:
        names = [name.strip().lower() for name in _values(head, delimiter)]
    except BadRow as bad:
        raise BadFile(f"{said}: {bad}") from None
    known = f"the columns are {', '.join(columns)}"
    # Where the header is missing this is somebody's name: then it is counted and not repeated.
    is_header = any(name in columns for name in names)
    for number, name in enumerate(names, 1):
        if name not in columns:
            shown = (
                f'column {number}, "{name}", is not known' if is_header else f"column {number} is not known"
            )
            meant = nearest(name, columns) if get_close_matches(name, columns, n=1) else ""
            raise BadFile(f"{said}: {shown}{meant}; {known}")
        if name in names[: number - 1]:
            raise BadFile(f'{said}: column {number} is a second "{name}"')
    for name in needed:
        if name not in names:
            raise BadFile(f'{said}: there is no column "{name}"; {known}')
    return names


def _values(line: Line, delimiter: str) -> list[str]:
    """The values of a line, which is a whole row: a quote that is not closed must not swallow others."""
    if line.text is None:
        raise BadRow(line.number, line.wrong)
    try:
        return next(csv.reader([line.text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        wrong = (
            "a quote is not closed" if "unexpected end" in str(error) else "is not CSV: a quote is misplaced"
        )
        raise BadRow(line.number, wrong) from None


def _fields(line: Line, names: list[str], delimiter: str, needed: Sequence[str]) -> Fields:
    values = _values(line, delimiter)
    if len(values) != len(names):
        raise BadRow(line.number, f"has {len(values)} values for {len(names)} columns")
    given = {name: value.strip() for name, value in zip(names, values, strict=True) if value.strip()}
    for name in needed:
        if name not in given:
            raise BadRow(line.number, f"{name}: is missing")
    return Fields(line.number, given)


def _row(found: Fields, house: House) -> Row:
    given: dict[str, str | datetime] = {**found.values}
    try:
        given["at"] = moment(found.values["at"], house.calendar.zone)
    except ValueError as error:
        raise BadRow(found.line, f"at: {error}") from None
    return row(found.line, found.values["ref"], given, house)
