"""A ticket's answer with the range of its wait, and the promise in it; ``GET /sites/{site}/calibration``."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import msgspec
import sqlalchemy as sa

from displays.day import DayModel
from server.access import Right
from server.domain import events as ev
from server.domain.day import Status, Visit
from server.domain.foreseen import Promise, promise
from server.domain.house import House
from server.live import Decided
from server.promise import promises
from server.web import bodies
from server.web.endpoint import SITE, Ask, Endpoint, Parts
from server.web.errors import Problem

WEEK = 7
"""Local days that are told of where none are asked for, today included."""

MOST_DAYS = 400

_FIRST, _LAST = date(2000, 1, 1), date(2199, 12, 31)


class Ticket:
    """The answer to a command that gives a ticket, and the row that keeps what it promised.

    A command may be decided more than once before it is committed: the last answer counts.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._made: tuple[Visit, Promise] | None = None

    def answer(self, decided: Decided, visit: Visit) -> bodies.Ticketed:
        """The answer about a ticket, right after a command."""
        foreseen = self._ask.parts.publisher.foreseen(self._ask.site_name)
        now = max(decided.now, decided.day.at)
        model = DayModel(decided.house, decided.day, now, foreseen=foreseen)
        waits = visit.status is Status.WAITING
        wait = model.expected.visits.get(visit.id) if waits else None
        self._made = None
        if wait is not None and any(isinstance(event, ev.VisitReported) for event in decided.events):
            place = next(place for place in model.places if place.visit.id == visit.id)
            self._made = visit, promise(place, wait, now, foreseen)
        return bodies.Ticketed(
            seq=decided.day.seq,
            visit=visit.id,
            ticket=visit.ticket,
            position=model.ahead[visit.id] + 1 if waits else None,
            low_s=wait.low_s if wait else None,
            high_s=wait.high_s if wait else None,
        )

    def keep(self, connection: sa.Connection, _decided: Decided) -> None:
        """Keep the promise of that answer, in the command's own transaction."""
        if self._made is not None:
            promises.keep(connection, self._ask.site_name, *self._made)


class Kept(msgspec.Struct):
    """What became of promises made to so many people; all but the first null where ``known`` is under 20.

    ``known`` are those of whom it is known whether the promise was kept: the ``called``, and who left after
    the named time. Shares are of them, from 0 to 1: called by the time that was named, by P90, by P50.
    ``mean_error_s`` is how much longer than P50 those who were called waited.
    """

    promises: int
    known: int | None = None
    called: int | None = None
    left: int | None = None
    in_time: float | None = None
    before_p90: float | None = None
    before_p50: float | None = None
    mean_error_s: float | None = None


class Calibration(msgspec.Struct):
    """Promises made on the local days from ``from`` to ``to``, both included, and what became of them.

    ``learned`` came from what was measured here, ``plain`` from target times.
    """

    site: str
    from_: str = msgspec.field(name="from")
    to: str
    all: Kept
    learned: Kept
    plain: Kept


def kept(found: promises.Calibration) -> Kept:
    """The figures as they are told."""
    if not found.telling:
        return Kept(found.promises)
    return Kept(
        promises=found.promises,
        known=found.known,
        called=found.called,
        left=found.left,
        in_time=round(found.share(found.in_time), 4),
        before_p90=round(found.share(found.within_p90), 4),
        before_p50=round(found.share(found.within_p50), 4),
        mean_error_s=round(found.error_s, 1) if found.called else None,
    )


async def calibration(parts: Parts, house: House, first: date, last: date) -> dict[str, promises.Calibration]:
    """What became of the promises of these local days."""
    begin, until = house.calendar.midnight_before(first), house.calendar.midnight_after(last)
    return await parts.database.read(partial(promises.calibration, site=house.site, begin=begin, until=until))


async def _calibration(ask: Ask) -> Calibration:
    house = ask.site.house
    last: date = ask.query.get("to") or house.calendar.local_date(ask.parts.clock.now())
    first: date = ask.query.get("from") or max(_FIRST, last - timedelta(days=WEEK - 1))
    for name, day in (("from", first), ("to", last)):
        if not _FIRST <= day <= _LAST:
            raise Problem(422, "invalid-query", f"{name}: a day from {_FIRST} to {_LAST}.", parameter=name)
    if last < first:
        raise Problem(422, "invalid-query", "to: lies before from.", parameter="to")
    if (last - first).days >= MOST_DAYS:
        raise Problem(
            422, "invalid-query", f"to: at most {MOST_DAYS} days after from.", parameter="to", limit=MOST_DAYS
        )
    found = await calibration(ask.parts, house, first, last)
    return Calibration(
        site=ask.site_name,
        from_=first.isoformat(),
        to=last.isoformat(),
        all=kept(found["all"]),
        learned=kept(found["learned"]),
        plain=kept(found["plain"]),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/calibration",
        Right.READ_FIGURES,
        "What became of the waiting times that were promised on the local days from..to, both included; "
        "of the last seven where none are named",
        Calibration,
        read=_calibration,
        query=(("from", date, False), ("to", date, False)),
    ),
)
"""The endpoint of what was promised."""
