"""What may be asked about an appointment, from booking to report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import cast

import msgspec
import sqlalchemy as sa

from notify import contacts, planner
from server.access import Right
from server.database import Unavailable
from server.domain import commands as co
from server.domain.appointment import Appointment, BookedBy
from server.domain.refusal import Code, Refused
from server.domain.schedule import in_zone, iso, to_instant
from server.keys import fresh_code, fresh_id
from server.live import Decided
from server.web import bodies
from server.web.endpoint import SITE, Ask, Endpoint, Plan
from server.web.errors import Problem
from server.web.promised import Ticket
from server.web.visits import reachable, source_of

APPOINTMENT = SITE + "/appointments/{ref}"
_AHEAD = (Code.UNKNOWN_APPOINTMENT, Code.APPOINTMENT_REPORTED, Code.APPOINTMENT_OVER)


def need(known: Appointment | None) -> Appointment:
    """The appointment. Raises ``Refused`` where the reference stands for none."""
    if known is None:
        raise Refused(Code.UNKNOWN_APPOINTMENT)
    return known


def booked(decided: Decided) -> bodies.Booked:
    """What a command about an appointment is answered with."""
    command = decided.command
    if isinstance(command, co.Book):
        identity = command.known.id if command.known else command.appointment
    else:
        identity = cast(co.Cancel | co.NoteCalledBack, command).known.id
    return bodies.Booked(decided.day.seq, identity, bool(decided.events))


def _booking(ask: Ask, ref: str, at: int, answer: Callable[[Decided], msgspec.Struct]) -> Plan:
    """What books, or changes, the appointment of a reference."""
    body: bodies.Booking | bodies.Making = ask.body
    fresh = fresh_id()
    contact = reachable(ask, body.contact)

    def build(known: Appointment | None) -> co.Book:
        return co.Book(
            appointment=known.id if known else fresh,
            service=body.service,
            at=at,
            language=body.language,
            persons=body.persons,
            channel=BookedBy.DESK if isinstance(body, bodies.Making) else body.channel,
            known=known,
        )

    def keep(connection: sa.Connection, decided: Decided) -> None:
        if contact is not None:
            subject = cast(co.Book, decided.command).appointment
            planner.keep(
                connection,
                decided.house,
                ask.parts.keys,
                subject,
                contact,
                at,
                decided.now,
                source=source_of(ask),
                told=bool(decided.events),
            )

    return Plan(build, answer, ref, keep)


def _put(ask: Ask) -> Plan:
    return _booking(ask, ask.names["ref"], to_instant(ask.body.at), booked)


def _make(ask: Ask) -> Plan:
    body: bodies.Making = ask.body
    try:
        at = to_instant(in_zone(datetime.fromisoformat(body.wall), ask.site.house.calendar.zone))
    except ValueError as error:
        why = str(error) if "clock" in str(error) else "there is no such day or time"
        raise Problem(422, "invalid-body", f"wall: {why}.", field="wall") from None
    ref = fresh_code()

    def answer(decided: Decided) -> bodies.Made:
        return bodies.Made(decided.day.seq, cast(co.Book, decided.command).appointment, ref, iso(at))

    plan = _booking(ask, ref, at, answer)

    def build(known: Appointment | None) -> co.Command:
        if known is not None:
            # Once in many thousand years: the page asks again, and gets another code.
            raise Unavailable("the code is taken")
        return plan.build(None)

    return replace(plan, build=build)


def _cancel(ask: Ask) -> Plan:
    def forget(connection: sa.Connection, decided: Decided) -> None:
        contacts.erase(connection, cast(co.Cancel, decided.command).known.id)

    return Plan(lambda known: co.Cancel(known=need(known), by="citizen"), booked, ask.names["ref"], forget)


def _confirm(ask: Ask) -> Plan:
    return Plan(lambda known: co.Confirm(known=need(known)), booked, ask.names["ref"])


def _late(ask: Ask) -> Plan:
    late_s = ask.body.minutes * 60
    return Plan(lambda known: co.AnnounceLate(known=need(known), late_s=late_s), booked, ask.names["ref"])


def _came(ask: Ask) -> Plan:
    return Plan(lambda known: co.NoteCame(known=need(known)), booked, ask.names["ref"])


def _report(ask: Ask) -> Plan:
    body: bodies.Arrival = ask.body
    visit = fresh_id()
    ticket = Ticket(ask)

    def answer(decided: Decided) -> bodies.Ticketed:
        known = cast(co.Report, decided.command).known
        mine = decided.day.appointments[known.id].visit
        return ticket.answer(decided, decided.day.visits[mine or visit])

    return Plan(
        lambda known: co.Report(
            known=need(known),
            visit=visit,
            priority=body.priority,
            language=body.language,
            persons=body.persons,
        ),
        answer,
        ask.names["ref"],
        ticket.keep,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "PUT",
        APPOINTMENT,
        Right.BOOK,
        "Book, or change, an appointment; repeating it changes nothing",
        bodies.Booked,
        bodies.Booking,
        _put,
        refusals=(
            *(Code.UNKNOWN_SERVICE, Code.NO_APPOINTMENTS, Code.SLOT_PAST, Code.SLOT_FAR),
            *(Code.APPOINTMENT_REPORTED, Code.APPOINTMENT_OVER, Code.DAY_OVER),
        ),
    ),
    Endpoint(
        "POST",
        SITE + "/appointments",
        Right.MAKE_APPOINTMENT,
        "Make an appointment for somebody at the desk, under a code of our own",
        bodies.Made,
        bodies.Making,
        _make,
        refusals=(
            *(Code.UNKNOWN_SERVICE, Code.NO_APPOINTMENTS, Code.SLOT_PAST, Code.SLOT_FAR, Code.DAY_OVER),
        ),
    ),
    Endpoint(
        "DELETE",
        APPOINTMENT,
        Right.BOOK,
        "Cancel an appointment",
        bodies.Booked,
        plan=_cancel,
        refusals=_AHEAD,
    ),
    Endpoint(
        "POST",
        APPOINTMENT + "/report",
        Right.REPORT,
        "The citizen is here; a second report gives the same ticket",
        bodies.Ticketed,
        bodies.Arrival,
        _report,
        # The service is unknown where a new configuration dropped it after the booking.
        refusals=(
            *(Code.UNKNOWN_APPOINTMENT, Code.APPOINTMENT_CANCELLED, Code.APPOINTMENT_NOT_TODAY),
            *(Code.DAY_OVER, Code.UNKNOWN_SERVICE),
        ),
    ),
    Endpoint(
        "POST",
        APPOINTMENT + "/confirm",
        Right.BOOK,
        "The citizen will come",
        bodies.Booked,
        bodies.Nothing,
        _confirm,
        refusals=(*_AHEAD, Code.APPOINTMENT_CANCELLED),
    ),
    Endpoint(
        "POST",
        APPOINTMENT + "/late",
        Right.ANNOUNCE_LATE,
        "The citizen will be late and keeps the place, up to the service's limit",
        bodies.Booked,
        bodies.Lateness,
        _late,
        refusals=(*_AHEAD, Code.APPOINTMENT_CANCELLED),
    ),
    Endpoint(
        "POST",
        APPOINTMENT + "/came",
        Right.NOTE_CAME,
        "The person did come, though they never reported",
        bodies.Booked,
        bodies.Nothing,
        _came,
        refusals=(Code.UNKNOWN_APPOINTMENT, Code.APPOINTMENT_CANCELLED),
    ),
)
"""The endpoints of appointments."""
