"""What the booking side tells of its agenda: the first free slot of each service."""

from __future__ import annotations

import sqlalchemy as sa

from server import agenda
from server.access import Right
from server.domain.hall import BOOKABLE_S
from server.domain.refusal import Code, Refused
from server.domain.schedule import SECOND, iso, to_instant
from server.live import Key
from server.web import bodies
from server.web.endpoint import SITE, Ask, Endpoint, once
from server.web.errors import Problem


async def _tell(ask: Ask, key: Key | None) -> bytes:
    body: bodies.FirstFree = ask.body
    name, now = ask.names["service"], ask.parts.clock.now()
    service = ask.site.house.services.get(name)
    if service is None:
        raise Problem(404, "unknown-service", f"There is no service {name} here.", service=name)
    if not service.appointments:
        raise Refused(Code.NO_APPOINTMENTS, service=name)
    at = None if body.at is None else to_instant(body.at)
    if at is not None and at < now:
        raise Refused(Code.SLOT_PAST)
    if at is not None and at > now + BOOKABLE_S * SECOND:
        raise Refused(Code.SLOT_FAR)
    calendar, site = ask.site.house.calendar, ask.site_name

    def work(connection: sa.Connection) -> bodies.FirstFreeTold:
        told_at = agenda.tell(connection, calendar, site, name, at, now)
        return bodies.FirstFreeTold(name, None if at is None else iso(at), iso(told_at))

    return await once(ask, key, work)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "PUT",
        SITE + "/services/{service}/first-free",
        Right.TELL_FIRST_FREE,
        "The first slot of the service that is free by now, or null for none; to be told again daily",
        bodies.FirstFreeTold,
        bodies.FirstFree,
        act=_tell,
        refusals=(Code.NO_APPOINTMENTS, Code.SLOT_PAST, Code.SLOT_FAR),
        others=((404, "unknown-service"),),
    ),
)
"""The endpoints of the agenda."""
