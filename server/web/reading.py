"""What may be read: the site, the views, the journal."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from displays import views
from displays.protocol import FrameOf
from server import journal
from server.access import Right
from server.domain.schedule import iso
from server.publisher import Address
from server.web import bodies
from server.web.endpoint import SITE, Ask, Endpoint

HallFrame = FrameOf[views.HallView]
CounterFrame = FrameOf[views.CounterView]
ReceptionFrame = FrameOf[views.ReceptionView]
ManagementFrame = FrameOf[views.ManagementView]

JOURNAL_LIMIT = 500


async def _site(ask: Ask) -> bodies.SiteInfo:
    house, day = ask.site.house, ask.site.day
    model = ask.parts.publisher.model(ask.site)
    return bodies.SiteInfo(
        site=house.site,
        name=house.name,
        at=iso(model.now),
        speed=ask.parts.clock.speed,
        date=day.date,
        services=[
            bodies.ServiceInfo(
                service.id,
                service.name,
                service.kind.value,
                service.range,
                service.walk_ins,
                service.appointments,
                service.target_s,
            )
            for service in house.services.values()
        ],
        counters=[
            bodies.CounterInfo(
                plan.id,
                sorted(plan.services),
                day.counter(plan.id).mode.value,
                day.visits[visit].ticket if (visit := day.counter(plan.id).visit) else None,
            )
            for plan in house.counters.values()
        ],
        openings=[(iso(begin), iso(end)) for begin, end in day.openings],
        takes_tickets=model.takes_tickets,
    )


def _view_of(ask: Ask, audience: str) -> bytes:
    return ask.parts.publisher.frame(Address(ask.site_name, audience, ask.names.get("counter", "")))


async def _hall_view(ask: Ask) -> bytes:
    return _view_of(ask, "hall")


async def _counter_view(ask: Ask) -> bytes:
    return _view_of(ask, "counters")


async def _reception_view(ask: Ask) -> bytes:
    return _view_of(ask, "reception")


async def _management_view(ask: Ask) -> bytes:
    return _view_of(ask, "management")


_INSTANTS = frozenset(
    {"at", "slot_at", "begins_at", "until", "ends_at", "openings", "booked_at", "rebooked_at", "was_at"}
    | {"cancelled_at"}
)
"""The fields of events, and of what they hold, that are instants: microseconds inside, RFC 3339 outside."""


def _told(value: Any, name: str = "") -> Any:
    """An event's fields as they leave the house."""
    if isinstance(value, dict):
        return {key: _told(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_told(item, name) for item in value]
    return iso(value) if name in _INSTANTS and isinstance(value, int) else value


async def _journal(ask: Ask) -> bodies.Journal:
    after, limit = ask.query.get("after", 0), ask.query.get("limit", JOURNAL_LIMIT)
    name = ask.site_name
    entries = await ask.parts.database.read(
        lambda connection: list(journal.read(connection, name, after, limit))
    )
    return bodies.Journal(
        [
            {
                "seq": entry.seq,
                "at": iso(entry.at),
                "kind": entry.kind,
                **_told(msgspec.to_builtins(entry.event)),
            }
            for entry in entries
        ]
    )


_AFTER = ("after", Annotated[int, msgspec.Meta(ge=0, le=2**53)], False)
_LIMIT = ("limit", Annotated[int, msgspec.Meta(ge=1, le=1000)], False)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE,
        Right.SEE_SITE,
        "The site: services, counters and their states",
        bodies.SiteInfo,
        read=_site,
    ),
    Endpoint("GET", SITE + "/views/hall", Right.WATCH_HALL, "The hall's frame", HallFrame, read=_hall_view),
    Endpoint(
        "GET",
        SITE + "/views/counters/{counter}",
        Right.WATCH_COUNTER,
        "A counter panel's frame",
        CounterFrame,
        read=_counter_view,
    ),
    Endpoint(
        "GET",
        SITE + "/views/reception",
        Right.WATCH_RECEPTION,
        "Reception's frame",
        ReceptionFrame,
        read=_reception_view,
    ),
    Endpoint(
        "GET",
        SITE + "/views/management",
        Right.WATCH_MANAGEMENT,
        "The supervisor's frame",
        ManagementFrame,
        read=_management_view,
    ),
    Endpoint(
        "GET",
        SITE + "/journal",
        Right.READ_JOURNAL,
        "The journal after a seq, at most 1000 entries (500 by default)",
        bodies.Journal,
        read=_journal,
        query=(_AFTER, _LIMIT),
    ),
)
"""The endpoints that only read."""
