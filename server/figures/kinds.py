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
    "punctuality": "server.figures.punctuality",
    "waits": "server.figures.waits",
    "visits": "server.figures.visits",
    "reminders": "server.figures.reminders",
    "outside": "server.figures.outside",
}
"""The kinds of report, and the module that makes each."""

DIVIDED = ("punctuality", "waits", "visits")
"""The kinds that are told by service, hour and the like."""


def report(
    connection: sa.Connection,
    kind: str,
    house: House,
    first: date,
    last: date,
    by: Sequence[str],
    now: int,
    policy: str | None = None,
) -> Report:
    """A report of a kind. Raises :class:`~server.figures.report.BadQuestion`.

    ``policy`` is the version of the policy that punctuality is told under, None for the one that counts.
    """
    if kind not in KINDS:
        raise BadQuestion(f'unknown kind "{kind}": choose from {", ".join(KINDS)}')
    more = {}
    if policy is not None:
        if kind != "punctuality":
            raise BadQuestion("policy: punctuality alone is told under one")
        more["policy"] = policy
    make = importlib.import_module(KINDS[kind]).report
    made: Report = make(connection, house, first, last, by, now, **more)
    return made
