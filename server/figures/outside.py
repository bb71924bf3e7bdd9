"""The figures that come from outside: satisfaction, the digital wait, telephone calls."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from server.domain.house import House
from server.figures import calls, digital_wait, satisfaction
from server.figures.report import Table


def tables(connection: sa.Connection, house: House, first: date, last: date, now: int) -> tuple[Table, ...]:
    """All of them over the local days from ``first`` to ``last``; ``now`` is an instant of house time."""
    return (
        *satisfaction.tables(connection, house, first, last),
        digital_wait.table(connection, house, first, last, now),
        *calls.tables(connection, house, first, last),
    )
