"""What the API takes and gives: the types that parse requests, and from which OpenAPI is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from notify.contacts import Contact
from server.domain.appointment import BookedBy

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
    """An appointment as the booking system has it.

    ``channel`` is how it was booked; null leaves what was known of that.
    """

    service: ServiceName
    at: Slot
    language: Language | None = None
    persons: Persons = 1
    contact: Contact | None = None
    channel: BookedBy | None = None


Wall = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}\Z",
        description="day and time by the clock of the house, as 2026-12-01T10:40",
    ),
]


class Making(Body):
    """An appointment that somebody makes at the desk."""

    service: ServiceName
    wall: Wall
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


Minutes = Annotated[int, Meta(ge=1, le=240)]


class Lateness(Body):
    """How late the citizen will be, in minutes."""

    minutes: Minutes


class Reply(Body):
    """What a citizen answers; ``slot`` is the one they were shown: it is refused where that has moved."""

    slot: Slot | None = None


class LateReply(Reply, kw_only=True):
    """The citizen will be so many minutes late, and is promised that the place is kept."""

    minutes: Minutes


class Mark(Body):
    """Put the priority mark, or take it off. There is no field for the reason."""

    priority: bool = True


class Binding(Body):
    """The one member of staff who may serve the visit; null for anybody."""

    staff: Staff | None


class Opening(Body):
    """Open a counter; ``staff`` is by default who is signed in, where that is an account."""

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


Score = Annotated[int, Meta(ge=0, le=10, description="from 0, very bad, to 10, very good")]
Word = Annotated[
    str, Meta(max_length=500, description="in the citizen's own words; kept sealed, and not for long")
]


class Rating(Body):
    """How a visit was. Without ``word`` one that was given before stays; null takes it away."""

    score: Score
    word: Word | msgspec.UnsetType | None = msgspec.UNSET


class Rated(msgspec.Struct):
    """What was said of a visit, and until when it may be changed."""

    score: int
    until: str


class FirstFree(Body):
    """The first slot of a service that is free; null where there is none that can be booked."""

    at: Slot | None


class FirstFreeTold(msgspec.Struct):
    """What stands as a service's first free slot, and since when it was told on this local day."""

    service: str
    at: str | None
    told_at: str


class SaidWord(msgspec.Struct):
    """What somebody wrote of a visit, by its local day; never whose it was."""

    day: str
    service: str
    score: int
    word: str


class SaidWords(msgspec.Struct):
    """The words about the visits of some days, the newest day first; ``more`` than these."""

    words: list[SaidWord]
    more: bool


class OptedOut(msgspec.Struct):
    """A channel whose address wants no messages: since when, in real time, and by whose word."""

    channel: str
    at: str
    source: str


class Standing(msgspec.Struct):
    """What is kept of a person, and what they want; all null and empty where nothing is (any longer).

    ``channels`` are those with an address; ``safe`` names the only one that is safe, or ``none``. ``basis``
    is what it is kept on. Instants are real time.
    """

    channels: list[str] = []
    safe: str | None = None
    basis: str | None = None
    basis_at: str | None = None
    basis_source: str | None = None
    kept_until: str | None = None
    opted_out: list[OptedOut] = []


class Erased(msgspec.Struct):
    """A person's data are gone; ``erased`` is false where there were none."""

    erased: bool


class Booked(msgspec.Struct):
    """An appointment after a command; ``changed`` is false where it already was so."""

    seq: int
    appointment: str
    changed: bool


class Made(msgspec.Struct):
    """An appointment that was made here; ``ref`` is its code, by which it is found and changed."""

    seq: int
    appointment: str
    ref: str
    at: str


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
    """A login with its password, or a bearer token: one of the two, to be turned into a session."""

    login: Annotated[str, Meta(max_length=200)] | None = None
    password: Annotated[str, Meta(max_length=1000)] | None = None
    token: Annotated[str, Meta(max_length=200)] | None = None


class SignedIn(msgspec.Struct):
    """A session has begun; ``home`` is the page to go to."""

    role: str
    site: str
    counter: str | None
    home: str


class StaffMember(msgspec.Struct):
    """Somebody who runs counters: the id that the journal and the views have, and the name."""

    id: str
    name: str


class StaffList(msgspec.Struct):
    """Everybody who may run a counter of the site."""

    staff: list[StaffMember]


DeliveryName = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,40}\Z", description="a delivery, by its id")]
MessageName = Annotated[str, Meta(pattern=r"^[a-z2-7]{26}\Z", description="a message, by its id")]
RecipientName = Annotated[
    str, Meta(pattern=r"^[a-z2-7]{16}\Z", description="a browser or address that alerts go to, by its id")
]
DeviceName = Annotated[str, Meta(pattern=r"^[a-z2-7]{16}\Z", description="a device, by its id")]
UserCode = Annotated[str, Meta(max_length=20, description="the code that a device shows, as WDJB-MJHT")]
DeviceCode = Annotated[str, Meta(max_length=100)]
PlaceName = Annotated[
    str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,60}\Z", description="where the device stands, for people")
]
DeviceRole = Literal["screen", "kiosk"]


class CodeAsk(Body):
    """A device asks for a code; ``kind`` is what it says that it is."""

    kind: DeviceRole = "screen"


class CodeGiven(msgspec.Struct):
    """RFC 8628, 3.2. ``expires_in`` and ``interval`` are in real seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int
    interval: int


class Collect(Body):
    """A device asks whether it was let in. ``want``: a session's cookie, or a bearer token."""

    device_code: DeviceCode
    want: Literal["session", "token"] = "session"


class LetIn(msgspec.Struct, omit_defaults=True):
    """A device was let in; ``home`` is its page. ``access_token`` is there where it wanted a token."""

    role: str
    site: str
    home: str
    screen: str | None = None
    access_token: str | None = None
    token_type: str | None = None


class Confirmation(Body):
    """Let in the device that shows a code. A screen names the hall screen that it is, where there are any."""

    code: UserCode
    role: DeviceRole
    name: PlaceName
    screen: Slug | None = None


class Denial(Body):
    """Turn down the device that shows a code."""

    code: UserCode


class DeviceAsking(msgspec.Struct):
    """A device that waits to be let in; instants are real time."""

    code: str
    kind: str
    address: str
    asked_at: str
    expires_at: str


class Denied(msgspec.Struct):
    """A device was turned down."""

    code: str


class DeviceLetIn(msgspec.Struct):
    """A device was let in; ``replaced`` are those that were the same screen, and are let in no longer."""

    device: str
    replaced: list[str]


class DeviceRevoked(msgspec.Struct):
    """A device is let in no longer."""

    device: str


class DeviceLine(msgspec.Struct):
    """A device; instants are real time, ``last_seen_at`` to the minute."""

    id: str
    role: str
    name: str
    screen: str | None
    created_at: str
    confirmed_by: str
    last_seen_at: str | None


class ScreenChoice(msgspec.Struct):
    """A hall screen of the configuration, and the device that it is."""

    id: str
    name: str
    device: str | None


class DeviceList(msgspec.Struct):
    """The devices that are let in, and the hall screens that they may be."""

    devices: list[DeviceLine]
    screens: list[ScreenChoice]


class WebhookLine(msgspec.Struct):
    """A webhook; instants are real time.

    ``target`` is where it leads, without path and query, which may hold a secret. ``kinds`` are the types
    of event that it wants, none meaning all. ``delivered`` counts all that arrived; ``waiting`` were not
    tried yet, ``failing`` are tried again, ``given_up`` are not.
    """

    id: str
    target: str
    kinds: list[str]
    created_at: str
    disabled_at: str | None
    delivered: int
    delivered_at: str | None
    waiting: int
    failing: int
    given_up: int
    last_failure: WebhookFailure | None


class WebhookFailure(msgspec.Struct):
    """What went wrong last: ``code`` is the status of the answer, or a word where none came."""

    code: str
    at: str


class WebhookList(msgspec.Struct):
    """The webhooks of a site."""

    webhooks: list[WebhookLine]


class WebhookDelivery(msgspec.Struct):
    """An event that has not arrived. ``again_at`` is when it is tried again, null where it is given up."""

    id: str
    webhook: str
    target: str
    type: str
    about: str
    state: str
    attempts: int
    code: str
    happened_at: str
    failed_at: str
    again_at: str | None
    may_again: bool


class WebhookFailures(msgspec.Struct):
    """The newest failures of a site's webhooks."""

    failures: list[WebhookDelivery]


class SentAgain(msgspec.Struct):
    """A delivery that is sent again at once; ``state`` is ``waiting``, or ``sending`` if it is on its way."""

    delivery: str
    state: str
