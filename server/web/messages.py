"""The messages that a site sends: which there are, how far they came, and to who may what they say."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

import msgspec
import sqlalchemy as sa

from notify import plan, recipients
from notify.contacts import Contact
from notify.delivery import State
from notify.people import People
from server import database as db
from server.access import Right
from server.domain.appointment import Appointment
from server.domain.house import House
from server.domain.schedule import SECOND, iso
from server.keys import BadKey, Keys
from server.web import bodies
from server.web.endpoint import SITE, Ask, Endpoint
from server.web.errors import Problem

SHOWN = 50
"""How many messages an answer has where nothing else is asked for."""

BEHIND_S = 14 * 86_400
"""For how long back it is looked for people who were not reached, in house seconds: no further than a
ladder's steps lie before their slot."""

MOMENTS = ("accepted", "delivered", "shown", "clicked", "answered")
"""What may happen to a message that is told with its first time."""

Which = Literal["planned", "sending", "accepted", "delivered", "shown", "failed", "withdrawn", "not-reached"]

_table = db.delivery
Row = sa.Row[Any]


class Line(msgspec.Struct):
    """A message without what it says. Instants are house time, ``cost`` is in millionths of the currency.

    ``reason`` is why it was not sent, or has not arrived; ``step`` the rung of the ladder, as ``2h``.
    ``service`` (its name) is null where ``discreet``: then nobody is to be reached in any other way.
    ``ref`` and ``slot`` are null for who has no appointment, ``ticket`` for who has not reported.
    """

    message: str
    kind: str
    step: str
    channel: str | None
    state: str
    reason: str | None
    due: str
    attempts: int
    parts: int | None
    cost: int | None
    ref: str | None
    slot: str | None
    service: str | None
    ticket: str | None
    discreet: bool
    accepted: str | None = None
    delivered: str | None = None
    shown: str | None = None
    clicked: str | None = None
    answered: str | None = None


class Lines(msgspec.Struct):
    """Messages, newest first, those to come soonest first; ``more`` follow after the last one's id."""

    at: str
    time_zone: str
    messages: list[Line]
    more: bool


class Content(msgspec.Struct):
    """What was written; ``to`` is no more of the address than its end."""

    to: str
    subject: str
    text: str


class Happened(msgspec.Struct):
    """Something that happened to a message; ``code`` is what the gateway said."""

    kind: str
    at: str
    attempt: int
    code: str


class Whole(msgspec.Struct):
    """A message with all that happened to it. ``content`` is null before it is sent and once it is erased."""

    message: Line
    content: Content | None
    events: list[Happened]


def listed(
    house: House, keys: Keys, now: int, which: str | None, after: str | None, limit: int
) -> Callable[[sa.Connection], Lines]:
    """The work of finding a site's messages, to be done beside the loop."""

    def work(connection: sa.Connection) -> Lines:
        asked = _asked(house.site, now, which)
        coming = which == State.PLANNED
        key = sa.tuple_(_table.c.due_at, _table.c.id)
        if after is not None:
            last = _one(connection, house.site, after)
            if last is None:
                raise Problem(422, "invalid-query", "after: is no message of this site.", parameter="after")
            place = sa.tuple_(last.due_at, last.id)
            asked = asked.where(key > place if coming else key < place)
        order = (_table.c.due_at, _table.c.id)
        if not coming:
            order = (_table.c.due_at.desc(), _table.c.id.desc())  # type: ignore[assignment]
        rows = connection.execute(asked.order_by(*order).limit(limit + 1)).all()
        lines = _lines(connection, house, keys, rows[:limit])
        return Lines(iso(now), str(house.calendar.zone), lines, len(rows) > limit)

    return work


def _asked(site: str, now: int, which: str | None) -> sa.Select[Any]:
    # Alerts go to staff: who was told stands with each of them.
    asked = sa.select(_table).where(_table.c.site == site, _table.c.kind.not_in(recipients.KINDS))
    if which is None:
        return asked.where(_table.c.due_at <= now)
    if which != "not-reached":
        return asked.where(_table.c.state == which)
    booked, later = db.appointment, _table.alias("later")
    same_step = sa.and_(later.c.step == _table.c.step, later.c.slot_at == _table.c.slot_at)
    further = sa.select(later.c.id).where(
        later.c.subject == _table.c.subject,
        later.c.id != _table.c.id,
        sa.or_(
            # It goes on through the next channel.
            sa.and_(same_step, later.c.rank > _table.c.rank, later.c.state != State.WITHDRAWN),
            # A later message says how things are now.
            sa.and_(later.c.due_at > _table.c.due_at, later.c.state.not_in([State.PLANNED, State.WITHDRAWN])),
        ),
    )
    return asked.join(booked, booked.c.id == _table.c.subject).where(
        _table.c.due_at <= now,
        _table.c.due_at > now - BEHIND_S * SECOND,
        sa.or_(_table.c.state == State.FAILED, _table.c.reason == "not-reached"),
        booked.c.at > now,
        booked.c.state.in_([state.value for state in plan.AHEAD]),
        ~further.exists(),
    )


def whole(house: House, keys: Keys, name: str) -> Callable[[sa.Connection], Whole]:
    """The work of reading one message."""

    def work(connection: sa.Connection) -> Whole:
        row = _one(connection, house.site, name)
        if row is None:
            raise Problem(404, "unknown-message", "There is no such message here.")
        (line,) = _lines(connection, house, keys, [row])
        table = db.delivery_event
        events = connection.execute(
            sa.select(table).where(table.c.delivery == row.id).order_by(table.c.n)
        ).all()
        sealed = connection.execute(
            sa.select(db.message.c.sealed).where(db.message.c.delivery == row.id)
        ).scalar()
        content = None
        if sealed is not None:
            with contextlib.suppress(BadKey):
                content = msgspec.json.decode(keys.open(sealed, row.id), type=Content)
        happened = [Happened(each.kind, iso(each.at), each.attempt, each.code) for each in events]
        return Whole(line, content, happened)

    return work


def _one(connection: sa.Connection, site: str, name: str) -> Row | None:
    return connection.execute(
        sa.select(_table).where(
            _table.c.id == name, _table.c.site == site, _table.c.kind.not_in(recipients.KINDS)
        )
    ).one_or_none()


def _lines(connection: sa.Connection, house: House, keys: Keys, rows: Iterable[Row]) -> list[Line]:
    rows = list(rows)
    people = People(connection, keys, [row.subject for row in rows], {house.site: house})
    moments = _moments(connection, [row.id for row in rows])
    refs = _refs(connection, people.appointments)
    lines = []
    for row in rows:
        visit = people.visits.get(row.subject)
        booked = people.appointments.get((visit.appointment or "") if visit is not None else row.subject)
        contact = people.contact(row.subject)
        name = booked.service if booked is not None else None if visit is None else visit.service
        service = house.services.get(name or "")
        discreet = service is None or service.discreet or _guarded(contact)
        line = Line(
            message=row.id,
            kind=row.kind,
            step=row.step,
            channel=row.channel or None,
            state=row.state,
            reason=row.reason,
            due=iso(row.due_at),
            attempts=row.attempt,
            parts=row.parts,
            cost=row.cost,
            ref=None if booked is None else refs.get(booked.id),
            slot=None if booked is None else iso(booked.at),
            service=None if discreet or service is None else service.name,
            ticket=None if visit is None else visit.ticket,
            discreet=discreet,
        )
        for kind, at in moments.get(row.id, {}).items():
            setattr(line, kind, iso(at))
        lines.append(line)
    return lines


def _guarded(contact: Contact | None) -> bool:
    return contact is not None and contact.safe is not None


def _moments(connection: sa.Connection, ids: list[str]) -> dict[str, dict[str, int]]:
    table = db.delivery_event
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(
        sa.select(table.c.delivery, table.c.kind, sa.func.min(table.c.at).label("at"))
        .where(table.c.delivery.in_(ids), table.c.kind.in_(MOMENTS))
        .group_by(table.c.delivery, table.c.kind)
    ):
        found.setdefault(row.delivery, {})[row.kind] = row.at
    return found


def _refs(connection: sa.Connection, appointments: dict[str, Appointment]) -> dict[str, str]:
    table = db.reference
    rows = connection.execute(sa.select(table).where(table.c.appointment.in_(list(appointments))))
    return {row.appointment: row.ref for row in rows}


async def _list(ask: Ask) -> Lines:
    query, now = ask.query, ask.parts.clock.now()
    asked = (query.get("state"), query.get("after"), query.get("limit", SHOWN))
    return await ask.parts.database.read(listed(ask.site.house, ask.parts.keys, now, *asked))


async def _read(ask: Ask) -> Whole:
    return await ask.parts.database.read(whole(ask.site.house, ask.parts.keys, ask.names["message"]))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/messages",
        Right.SEE_MESSAGES,
        "The messages whose time has come, newest first, or those of one state; not what they say",
        Lines,
        read=_list,
        query=(
            ("after", bodies.MessageName, False),
            ("state", Which, False),
            ("limit", Annotated[int, msgspec.Meta(ge=1, le=200)], False),
        ),
    ),
    Endpoint(
        "GET",
        SITE + "/messages/{message}",
        Right.READ_MESSAGES,
        "What a message says, and all that happened to it",
        Whole,
        read=_read,
        others=((404, "unknown-message"),),
    ),
)
"""The endpoints of messages."""
