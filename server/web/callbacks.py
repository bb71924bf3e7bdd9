"""Who wishes to be called back: a list without people, one number at a time, and that it is done."""

from __future__ import annotations

import contextlib

import msgspec
import sqlalchemy as sa

from notify import contacts
from server import database as db
from server.access import Right
from server.domain import commands as co
from server.domain.refusal import Code
from server.domain.schedule import iso
from server.keys import BadKey
from server.web import bodies
from server.web.appointments import APPOINTMENT, booked, need
from server.web.endpoint import SITE, Ask, Endpoint, Plan
from server.web.errors import Problem

LIMIT = 50
"""How many wishes an answer has at most, the oldest first."""


class CallBack(msgspec.Struct):
    """A wish to be called back about an appointment; ``service`` (its name) is null where it is discreet."""

    ref: str
    appointment: str
    asked_at: str
    at: str
    service: str | None
    state: str


class CallBackList(msgspec.Struct):
    """The wishes that are open, the oldest first; ``more`` than these."""

    call_backs: list[CallBack]
    more: bool


class CallBackNumber(msgspec.Struct):
    """Whom to call: ``name`` is null where the service is discreet, ``phone`` where it was erased."""

    name: str | None
    phone: str | None
    language: str | None


def _open(site: str) -> sa.Select[tuple[object, ...]]:
    table, names = db.appointment, db.reference
    return (
        sa.select(names.c.ref, table)
        .join(names, names.c.appointment == table.c.id)
        .where(table.c.site == site, table.c.call_back_at.is_not(None))
    )


async def _list(ask: Ask) -> CallBackList:
    table = db.appointment
    asked = _open(ask.site_name).order_by(table.c.call_back_at, table.c.id).limit(LIMIT + 1)
    rows = await ask.parts.database.read(lambda connection: connection.execute(asked).all())
    services = ask.site.house.services
    found = []
    for row in rows[:LIMIT]:
        service = services.get(row.service)
        named = None if service is None or service.discreet else service.name
        found.append(CallBack(row.ref, row.id, iso(row.call_back_at), iso(row.at), named, row.state))
    return CallBackList(found, len(rows) > LIMIT)


async def _number(ask: Ask) -> CallBackNumber:
    def read(connection: sa.Connection) -> CallBackNumber | None:
        wanted = _open(ask.site_name).where(db.reference.c.ref == ask.names["ref"])
        row = connection.execute(wanted).one_or_none()
        if row is None:
            return None
        contact = None
        with contextlib.suppress(BadKey):
            contact = contacts.get(connection, ask.parts.keys, row.id)
        if contact is None:
            return CallBackNumber(None, None, row.language)
        service = ask.site.house.services.get(row.service)
        hidden = service is None or service.discreet or contact.safe is not None
        return CallBackNumber(None if hidden else contact.name, contact.phone, row.language)

    found = await ask.parts.database.read(read)
    if found is None:
        raise Problem(404, "unknown-appointment", "Nobody wishes to be called back under this reference.")
    return found


def _called_back(ask: Ask) -> Plan:
    return Plan(lambda known: co.NoteCalledBack(known=need(known)), booked, ask.names["ref"])


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/call-backs",
        Right.SEARCH_APPOINTMENTS,
        "Who wishes to be called back, by reference: no names and no numbers, the oldest wish first",
        CallBackList,
        read=_list,
    ),
    Endpoint(
        "GET",
        APPOINTMENT + "/call-back",
        Right.SEARCH_APPOINTMENTS,
        "The name and number of one who wishes to be called back",
        CallBackNumber,
        read=_number,
        others=((404, Code.UNKNOWN_APPOINTMENT.value),),
    ),
    Endpoint(
        "POST",
        APPOINTMENT + "/called-back",
        Right.HANDLE_VISIT,
        "The citizen was called back",
        bodies.Booked,
        bodies.Nothing,
        _called_back,
        refusals=(Code.UNKNOWN_APPOINTMENT,),
    ),
)
"""The endpoints of calling back."""
