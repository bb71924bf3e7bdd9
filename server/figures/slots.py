"""The slots of appointments over local days, with what became of them, as columns.

SQL packs each column into one text, which numpy parses: rows as Python objects took three times as long, and
the database's own thread works meanwhile without holding up any other. ``docs/punctuality.md`` has figures.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from server import database as db
from server.domain.appointment import BookedBy, Booking
from server.domain.day import Status
from server.domain.house import House

Instants = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int64]

NONE = -1
"""What stands in a column where there is nothing: no instant, and no code of a name."""

STATES, STATUSES, CHANNELS = tuple(Booking), tuple(Status), tuple(BookedBy)
"""What the codes of the columns ``state``, ``status`` and ``channel`` are the places in."""

NOT_YET = "not-yet"
"""The arm of whoever was drawn into an experiment of which nothing by arm may be shown."""

_EMPTY = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """One entry in each column for each slot. Instants are microseconds UTC, :data:`NONE` where none is.

    ``service`` is the place among the house's services, :data:`NONE` for one that it no longer has.
    ``rebooked`` marks slots that were given up: nothing after it counts for them. ``booked_at``, and the
    texts ``languages`` and ``arms`` ("experiment/arm", "-" for none), are empty where they are not wanted.
    """

    service: Codes
    slot_at: Instants
    booked_at: Instants
    state: Codes
    cancelled_at: Instants
    by_city: Codes
    came: Codes
    told_at: Instants
    channel: Codes
    rebooked: Codes
    reported_at: Instants
    first_called_at: Instants
    status: Codes
    languages: list[str]
    arms: list[str]

    def __len__(self) -> int:
        return len(self.slot_at)

    def where(self, kept: npt.NDArray[np.bool_]) -> Slots:
        """Only the slots that are marked."""
        columns: dict[str, Any] = {}
        for each in fields(self):
            column = getattr(self, each.name)
            if isinstance(column, list):
                columns[each.name] = [text for text, keep in zip(column, kept, strict=False) if keep]
            else:
                columns[each.name] = column[kept] if len(column) else column
        return Slots(**columns)


def joined(pieces: Sequence[Slots]) -> Slots:
    """The slots of all pieces, of which there is at least one."""
    columns: dict[str, Any] = {}
    for each in fields(Slots):
        parts = [getattr(piece, each.name) for piece in pieces]
        if isinstance(parts[0], list):
            columns[each.name] = [text for part in parts for text in part]
        else:
            columns[each.name] = np.concatenate(parts)
    return Slots(**columns)


def read(
    connection: sa.Connection,
    house: House,
    first: date,
    last: date,
    *,
    wanted: Iterable[str] = (),
    hidden: Collection[str] = (),
) -> Slots:
    """The slots on the local days from ``first`` to ``last``, both included.

    An appointment that moved has two: the one that it last gave up, and its own. What takes time and few
    want is read where ``wanted`` names it: ``lead``, ``language`` and ``arm``. Of experiments that are
    ``hidden`` there is one arm, "experiment/not-yet": nobody may look before they are over.
    """
    begin, until = house.calendar.midnight_before(first), house.calendar.midnight_after(last)
    names = set(wanted)
    own = _appointments(connection, house, db.appointment.c.at, begin, until, names, hidden)
    visits = _visits(connection, house.site, first, last)
    missing = len(visits["id"])
    found = dict(zip(visits["id"], range(missing), strict=True))
    place = np.fromiter(map(found.get, own.pop("visit"), repeat(missing)), np.int64)
    for name in ("reported_at", "first_called_at", "status"):
        own[name] = np.append(visits[name], NONE)[place]
    own["rebooked"] = np.zeros(len(place), np.int64)
    moved = _appointments(connection, house, db.appointment.c.was_at, begin, until, names, hidden)
    count = len(moved.pop("visit"))
    # The appointment's own slot has what happened later; of this one only the moving is known.
    for name in ("cancelled_at", "told_at", "reported_at", "first_called_at", "status"):
        moved[name] = np.full(count, NONE)
    moved |= {"by_city": np.zeros(count, np.int64), "came": np.zeros(count, np.int64)}
    moved |= {"state": np.zeros(count, np.int64), "rebooked": np.ones(count, np.int64)}
    return joined([Slots(**own), Slots(**moved)])


def _appointments(
    connection: sa.Connection,
    house: House,
    at: sa.Column[Any],
    begin: int,
    until: int,
    wanted: set[str],
    hidden: Collection[str],
) -> dict[str, Any]:
    table, drawn = db.appointment.c, db.assignment.c
    codes = {
        "service": (_code(table.service, house.services), len(house.services)),
        "state": (_code(table.state, STATES), len(STATES)),
        "channel": (_code(table.channel, CHANNELS), len(CHANNELS)),
        "by_city": (sa.case((table.cancelled_by == "city", 1), else_=0), 2),
        "came": (sa.case((table.came, 1), else_=0), 2),
    }
    # What is small travels together: each column costs as much as any other.
    together: sa.ColumnElement[Any] = sa.literal(0)
    for code, names in codes.values():
        together = together * (names + 1) + code + 1
    numbers: dict[str, sa.ColumnElement[Any]] = {
        "together": together,
        "slot_at": at,
        "cancelled_at": table.cancelled_at,
        "told_at": table.told_at,
    }
    if "lead" in wanted:
        numbers["booked_at"] = table.booked_at
    texts: dict[str, sa.ColumnElement[Any]] = {"visit": table.visit}
    source: sa.FromClause = db.appointment
    if "language" in wanted:
        texts["languages"] = table.language
    if "arm" in wanted:
        source = source.outerjoin(db.assignment, drawn.subject == table.id)
        arm = sa.case((drawn.experiment.in_(hidden), NOT_YET), else_=drawn.arm)
        texts["arms"] = sa.case((drawn.arm.is_not(None), drawn.experiment + "/" + arm))
    within = (table.site == house.site, at >= begin, at < until)
    found = _columns(connection, source, numbers, texts, within)
    rest = found.pop("together")
    for name, (_, names) in reversed(codes.items()):
        rest, found[name] = rest // (names + 1), rest % (names + 1) - 1
    return {"booked_at": np.empty(0, np.int64), "languages": [], "arms": [], **found}


def _visits(connection: sa.Connection, site: str, first: date, last: date) -> dict[str, Any]:
    """Visits of appointments; who reports does so on the day of the slot."""
    table = db.visit.c
    numbers: dict[str, sa.ColumnElement[Any]] = {
        "reported_at": table.reported_at,
        "first_called_at": table.first_called_at,
        "status": _code(table.status, STATUSES),
    }
    within = (table.site == site, table.day >= first.isoformat(), table.day <= last.isoformat())
    chosen = (*within, table.appointment.is_not(None))
    return _columns(connection, db.visit, numbers, {"id": table.id}, chosen)


def _columns(
    connection: sa.Connection,
    source: sa.FromClause,
    numbers: dict[str, sa.ColumnElement[Any]],
    texts: dict[str, sa.ColumnElement[Any]],
    within: tuple[sa.ColumnElement[bool], ...],
) -> dict[str, Any]:
    """Columns of the rows of a condition, all in the same order. No text has a space in it."""
    packed = [db.packed(sa.func.coalesce(each, NONE)) for each in numbers.values()]
    packed += [db.packed(sa.func.coalesce(each, _EMPTY)) for each in texts.values()]
    row = connection.execute(sa.select(*packed).select_from(source).where(*within)).one()
    columns: dict[str, Any] = {}
    for name, text in zip((*numbers, *texts), row, strict=True):
        words = text or ""
        if name in texts:
            columns[name] = words.split()
        else:
            columns[name] = np.fromstring(words, np.int64, sep=" ") if words else np.empty(0, np.int64)
    return columns


def _code(column: sa.ColumnElement[Any], names: Iterable[str]) -> sa.ColumnElement[Any]:
    places = {str(name): place for place, name in enumerate(names)}
    return sa.case(places, value=column, else_=NONE) if places else sa.literal(NONE)
