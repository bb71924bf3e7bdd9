"""The figures that come from outside: satisfaction, the digital wait, telephone calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from server.domain.house import House
from server.figures import calls, digital_wait, satisfaction
from server.figures.record import check_span
from server.figures.report import BadQuestion, Report, Table


def tables(connection: sa.Connection, house: House, first: date, last: date, now: int) -> tuple[Table, ...]:
    """All of them over the local days from ``first`` to ``last``; ``now`` is an instant of house time."""
    return (
        *satisfaction.tables(connection, house, first, last),
        digital_wait.table(connection, house, first, last, now),
        *calls.tables(connection, house, first, last),
    )


def report(
    connection: sa.Connection, house: House, first: date, last: date, by: Sequence[str], now: int
) -> Report:
    """The same as a report; it is told by nothing but what each table is told by. Raises ``BadQuestion``."""
    check_span(first, last)
    if by:
        raise BadQuestion(f"{by[0]!r}: figures from outside are told as they are, by nothing else")
    return Report("outside", house.site, first, last, tables(connection, house, first, last, now))
