"""What may be asked about a visit: a ticket drawn, and what reception does with it."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa

from notify import contacts
from notify.contacts import Contact
from server.access import Right, Role
from server.domain import commands as co
from server.domain.refusal import Code
from server.keys import fresh_id
from server.live import Decided
from server.web import bodies
from server.web.endpoint import SITE, Ask, Endpoint, Plan
from server.web.errors import Problem
from server.web.promised import Ticket

VISIT = SITE + "/visits/{visit}"


def reachable(ask: Ask, contact: Contact | None) -> Contact | None:
    """A person's data as they are to be kept; data that reach nobody are refused by their place."""
    try:
        return None if contact is None else contacts.normal(contact, ask.site.house.region)
    except contacts.BadContact as error:
        place = f"contact.{error.field}"
        raise Problem(422, "invalid-body", f"{place}: {error}.", field=place) from None


def source_of(ask: Ask) -> str:
    """Who gives a person's data in a request, as it is noted beside them."""
    by_role = {Role.INTEGRATOR: "api", Role.KIOSK: "citizen"}
    return by_role.get(ask.principal.role, ask.principal.role.value)


def _draw(ask: Ask) -> Plan:
    body: bodies.Draw = ask.body
    contact = reachable(ask, body.contact)
    visit = fresh_id()
    command = co.WalkIn(
        visit=visit,
        service=body.service,
        then=tuple(body.then),
        priority=body.priority,
        language=body.language,
        persons=body.persons,
    )

    ticket = Ticket(ask)

    def keep(connection: sa.Connection, decided: Decided) -> None:
        ticket.keep(connection, decided)
        if contact is not None:
            contacts.put(
                connection,
                ask.parts.keys,
                ask.site_name,
                visit,
                contact,
                kept_s=ask.site.house.messages.kept_s,
                source=source_of(ask),
            )

    return Plan(
        lambda _known: command, lambda decided: ticket.answer(decided, decided.day.visits[visit]), also=keep
    )


def moved(decided: Decided) -> bodies.Moved:
    """The answer about a visit, right after a command that names it."""
    command = cast(co.Return, decided.command)
    visit = decided.day.find(command.visit)
    assert visit is not None
    return bodies.Moved(decided.day.seq, visit.id, visit.ticket, visit.status.value)


def _return(ask: Ask) -> Plan:
    return Plan(lambda _known: co.Return(visit=ask.names["visit"]), moved)


def _leave(ask: Ask) -> Plan:
    return Plan(lambda _known: co.Leave(visit=ask.names["visit"]), moved)


def _priority(ask: Ask) -> Plan:
    return Plan(lambda _known: co.Prioritise(visit=ask.names["visit"], priority=ask.body.priority), moved)


def _bind(ask: Ask) -> Plan:
    return Plan(lambda _known: co.Bind(visit=ask.names["visit"], staff=ask.body.staff), moved)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "POST",
        SITE + "/visits",
        Right.DRAW_TICKET,
        "A walk-in draws a ticket",
        bodies.Ticketed,
        bodies.Draw,
        _draw,
        refusals=(Code.UNKNOWN_SERVICE, Code.NO_WALK_INS, Code.HOUSE_CLOSED, Code.DAY_OVER),
    ),
    Endpoint(
        "POST",
        VISIT + "/return",
        Right.RETURN_VISIT,
        "Back from parking, or here after all",
        bodies.Moved,
        bodies.Nothing,
        _return,
        refusals=(Code.UNKNOWN_TICKET, Code.NOT_AWAY, Code.DAY_OVER),
    ),
    Endpoint(
        "POST",
        VISIT + "/leave",
        Right.HANDLE_VISIT,
        "The citizen does not wait any longer",
        bodies.Moved,
        bodies.Nothing,
        _leave,
        refusals=(Code.UNKNOWN_TICKET, Code.NOT_WAITING, Code.DAY_OVER),
    ),
    Endpoint(
        "POST",
        VISIT + "/priority",
        Right.HANDLE_VISIT,
        "Put the priority mark, or take it off",
        bodies.Moved,
        bodies.Mark,
        _priority,
        refusals=(Code.UNKNOWN_TICKET, Code.VISIT_OVER, Code.DAY_OVER),
    ),
    Endpoint(
        "POST",
        VISIT + "/bind",
        Right.HANDLE_VISIT,
        "Bind the visit to one member of staff, or to none",
        bodies.Moved,
        bodies.Binding,
        _bind,
        refusals=(Code.UNKNOWN_TICKET, Code.VISIT_OVER, Code.DAY_OVER),
    ),
)
"""The endpoints of visits."""
