"""What people were told of their waits, kept with the ticket, and what came of it.

The outcome is not written a second time: it stands in the visit's own row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from server import database as db
from server.domain.day import Status, Visit
from server.domain.foreseen import PLAIN, Promise
from server.domain.schedule import SECOND

LEAST = 20
"""Of fewer people nothing is told: it would say more about them than about the forecast."""

_ROW = (*("visit", "site", "service", "at"), *("low_s", "high_s", "p50_s", "p90_s", "source"))
_KEEP = sa.text(db.insert_new(db.promise, _ROW))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What became of some promises.

    ``called`` were called; ``left`` went before, ``left_late`` of them after the time that was named had
    passed. ``in_time`` were called by that time, ``within_p90`` and ``within_p50`` by the quantiles.
    ``error_s`` is the mean of how much longer than P50 those who were called waited, in seconds.
    """

    promises: int = 0
    called: int = 0
    left: int = 0
    left_late: int = 0
    in_time: int = 0
    within_p90: int = 0
    within_p50: int = 0
    error_s: float = 0.0

    @property
    def known(self) -> int:
        """The denominator of the shares: those of whom it is known whether the promise was kept.

        Who left in time might have been called in time: left out. Who left later was not.
        """
        return self.called + self.left_late

    @property
    def telling(self) -> bool:
        """Whether they are enough people to be told about."""
        return self.known >= LEAST

    def share(self, count: int) -> float:
        """A count as a share of :attr:`known`, 0 to 1. Only where it is :attr:`telling`."""
        return count / self.known


def keep(connection: sa.Connection, site: str, visit: Visit, made: Promise) -> None:
    """Keep what a visit was told first; what it was told before stays."""
    connection.execute(_KEEP, {"visit": visit.id, "site": site, "service": visit.service, **asdict(made)})


def calibration(connection: sa.Connection, site: str, begin: int, until: int) -> dict[str, Calibration]:
    """What became of the promises made in [begin, until): ``all``, the ``learned`` and the ``plain`` ones."""
    told, visit = db.promise.c, db.visit.c
    waited_us = visit.first_called_at - told.at
    called = visit.first_called_at.is_not(None)
    gone = visit.status.in_([Status.LEFT.value, Status.NOT_SERVED.value]) & ~called
    late = gone & (visit.ended_at - told.at > told.high_s * SECOND)

    def count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

    rows = connection.execute(
        sa.select(
            (told.source == PLAIN).label("plain"),
            sa.func.count().label("promises"),
            count(called).label("called"),
            count(gone).label("left"),
            count(late).label("left_late"),
            count(called & (waited_us <= told.high_s * SECOND)).label("in_time"),
            count(called & (waited_us <= told.p90_s * SECOND)).label("within_p90"),
            count(called & (waited_us <= told.p50_s * SECOND)).label("within_p50"),
            sa.func.coalesce(sa.func.sum(waited_us - told.p50_s * SECOND), 0).label("error_us"),
        )
        .join_from(db.promise, db.visit, visit.id == told.visit)
        .where(told.site == site, told.at >= begin, told.at < until)
        .group_by(told.source == PLAIN)
    ).all()
    found = {"all": rows, "learned": [r for r in rows if not r.plain], "plain": [r for r in rows if r.plain]}
    return {name: _together(some) for name, some in found.items()}


_COUNTS = (
    *("promises", "called", "left", "left_late"),
    *("in_time", "within_p90", "within_p50"),
)


def _together(rows: Sequence[sa.Row[Any]]) -> Calibration:
    counts = {name: sum(getattr(row, name) for row in rows) for name in _COUNTS}
    error_us = sum(row.error_us for row in rows)
    return Calibration(**counts, error_s=error_us / SECOND / counts["called"] if counts["called"] else 0.0)
