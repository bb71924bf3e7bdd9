"""What the API takes and gives: the types that parse requests, and from which OpenAPI is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from notify.contacts import Contact

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,30}\Z", description="an id from the configuration")]
ServiceName = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,30}\Z", description="a service of the site, by its id")
]
CounterName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,8}\Z", description="a counter of the site")]
VisitName = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9]{1,16}\Z", description="a visit's id, or its ticket of today, as A012")
]
Ref = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9._~:@+-]{1,100}\Z", description="the booking system's reference")
]
Staff = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,40}\Z", description="a member of staff, by an id")]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}\Z", description="ISO 639")]
Persons = Annotated[int, Meta(ge=1, le=20)]
Slot = Annotated[datetime, Meta(tz=True, description="RFC 3339 with offset")]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """A request's body; unknown fields are refused."""


class Nothing(Body):
    """An empty body."""


class Booking(Body):
    """An appointment as the booking system has it."""

    service: ServiceName
    at: Slot
    language: Language | None = None
    persons: Persons = 1
    contact: Contact | None = None


class Arrival(Body):
    """The citizen of an appointment is here."""

    priority: bool = False
    language: Language | None = None
    persons: Persons | None = None


class Draw(Body):
    """A walk-in, for one service and perhaps further ones."""

    service: ServiceName
    then: Annotated[list[ServiceName], Meta(max_length=5)] = []
    priority: bool = False
    language: Language | None = None
    persons: Persons = 1
    contact: Contact | None = None


class Lateness(Body):
    """How late the citizen will be, in minutes."""

    minutes: Annotated[int, Meta(ge=1, le=240)]


class Mark(Body):
    """Put the priority mark, or take it off. There is no field for the reason."""

    priority: bool = True


class Binding(Body):
    """The one member of staff who may serve the visit; null for anybody."""

    staff: Staff | None


class Opening(Body):
    """Open a counter."""

    staff: Staff | None = None


class Summons(Body):
    """Call this ticket."""

    ticket: VisitName


class Sending(Body):
    """Send the person on to a service or to a counter: one of the two."""

    service: ServiceName | None = None
    counter: CounterName | None = None
    staff: Staff | None = None
    accompanied: bool = False


class Booked(msgspec.Struct):
    """An appointment after a command; ``changed`` is false where it already was so."""

    seq: int
    appointment: str
    changed: bool


class Ticketed(msgspec.Struct):
    """A ticket. ``position`` counts from 1; it and the range are null where the ticket does not wait,
    the range also where nobody can tell."""

    seq: int
    visit: str
    ticket: str
    position: int | None
    low_s: int | None
    high_s: int | None
    link: str = ""


class Moved(msgspec.Struct):
    """A visit after a command."""

    seq: int
    visit: str
    ticket: str
    status: str


class CalledOut(msgspec.Struct):
    """Who was called: all null where nobody waits."""

    seq: int
    ticket: str | None
    call: str | None
    rule: str | None
    overtook: list[str]


class AtCounterNow(msgspec.Struct):
    """A counter after a command: its state, and the ticket that is at it; ``call`` after a recall."""

    seq: int
    counter: str
    state: str
    ticket: str | None
    call: str | None = None


class ServiceInfo(msgspec.Struct):
    """A service of the house."""

    id: str
    name: str
    kind: str
    range: str
    walk_ins: bool
    appointments: bool
    target_s: int


class CounterInfo(msgspec.Struct):
    """A counter of the house and what it does."""

    counter: str
    services: list[str]
    state: str
    ticket: str | None


class SiteInfo(msgspec.Struct):
    """A site now; ``at`` is house time, ``speed`` its seconds per real second."""

    site: str
    name: str
    at: str
    speed: float
    date: str
    services: list[ServiceInfo]
    counters: list[CounterInfo]
    openings: list[tuple[str, str]]
    takes_tickets: bool


class Journal(msgspec.Struct):
    """Entries of the journal: each has ``seq``, ``at``, ``kind`` and the fields of its kind."""

    entries: list[dict[str, Any]]


class ProblemBody(msgspec.Struct):
    """RFC 9457; ``code`` is stable, ``detail`` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str


class SignIn(Body):
    """A bearer token, to be turned into a browser's session."""

    token: Annotated[str, Meta(max_length=200)]


class SignedIn(msgspec.Struct):
    """A session has begun; ``home`` is the page to go to."""

    role: str
    site: str
    counter: str | None
    home: str
