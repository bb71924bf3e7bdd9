"""Who works here: names for the ids in journal and views, for staff alone."""

from __future__ import annotations

from server import accounts
from server.access import Right
from server.web import bodies
from server.web.endpoint import SITE, Ask, Endpoint


async def _staff(ask: Ask) -> bodies.StaffList:
    known = await ask.parts.database.read(lambda connection: accounts.staff(connection, ask.site_name))
    return bodies.StaffList([bodies.StaffMember(identity, name) for identity, name in known])


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/staff",
        Right.SEE_STAFF,
        "Who may run a counter, by name: the ids are those of `staff` elsewhere",
        bodies.StaffList,
        read=_staff,
    ),
)
"""The endpoints of staff."""
