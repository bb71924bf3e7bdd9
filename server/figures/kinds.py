"""Which reports there are: each is ``report(connection, house, first, last, by, now)`` of its own module.

Named here and imported when asked for, so that the command line and the server start without numpy.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from server.domain.house import House
from server.figures.report import BadQuestion, Report

KINDS: dict[str, str] = {
    "visits": "server.figures.visits",
    "waits": "server.figures.waits",
}
"""The kinds of report, and the module that makes each."""


def report(
    connection: sa.Connection,
    kind: str,
    house: House,
    first: date,
    last: date,
    by: Sequence[str],
    now: int,
) -> Report:
    """A report of a kind. Raises :class:`~server.figures.report.BadQuestion`."""
    if kind not in KINDS:
        raise BadQuestion(f'unknown kind "{kind}": choose from {", ".join(KINDS)}')
    made: Report = importlib.import_module(KINDS[kind]).report(connection, house, first, last, by, now)
    return made
