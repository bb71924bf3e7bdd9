"""Finding today's appointments at the reception desk: by name, by time, by the booking system's reference.

Names lie sealed and travel on no live topic. They are opened for the one question that is asked, in the
reading thread, and forgotten with its answer. An appointment of a discreet service has no name here: it
is found by time or reference, and its answer does not say what it is for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa

from notify import contacts
from server import database as db
from server.access import Right
from server.domain.appointment import Appointment, Booking
from server.domain.day import Day
from server.domain.house import House, Service
from server.domain.schedule import SECOND, iso, to_datetime
from server.keys import Keys
from server.web.endpoint import SITE, Ask, Endpoint

LIMIT = 20
"""How many appointments an answer has at most."""

SHORTEST = 2
"""With fewer letters and digits than this nothing is looked for: it would show a hall full of names."""

_TIME = re.compile(r"(\d{1,2}) *[:.uh] *(\d{0,2})|(\d{1,2})(\d{2})")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_ALIKE = tuple(
    (re.compile(pattern), letters)
    for pattern, letters in (
        (r"ph", "f"),
        (r"sch", "s"),
        (r"ck|cq|qu|q|c", "k"),
        (r"th|dt", "t"),
        (r"gh", "g"),
        (r"z|x", "s"),
        (r"ij|y", "i"),
        (r"ae", "a"),
        (r"oe", "u"),
        (r"(.)\1+", r"\1"),
    )
)
"""What sounds alike, in this order; letters that are left double stand for one."""
SPOKEN = 4
"""Fewer letters than this sound like half the house, and fewer digits end half of all references."""
_AHEAD = (Booking.BOOKED, Booking.CONFIRMED)


class Found(msgspec.Struct):
    """An appointment of today. ``name`` and ``service`` (its name) are null where it is discreet.

    ``told_at`` is the later time that the house named, running late; ``keeps_until`` until when a report
    keeps the appointment's place in the order of the house.
    """

    ref: str
    appointment: str
    name: str | None
    service: str | None
    at: str
    state: str
    late_s: int | None
    told_at: str | None
    keeps_until: str | None
    came: bool
    ticket: str | None
    persons: int
    language: str | None


class FoundList(msgspec.Struct):
    """What was found, who has not reported first, then by distance of the slot; ``more`` than these.

    ``similar`` where nobody is called so, and these names only sound like it.
    """

    appointments: list[Found]
    more: bool
    similar: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody looks for, as what it may mean: words of a name, the clock, a reference."""

    words: tuple[str, ...]
    code: str
    hour: int | None = None
    minutes: str = ""

    @classmethod
    def of(cls, typed: str) -> Question:
        """Read what was typed."""
        words = tuple(_words(typed))
        hour, minutes = None, ""
        if time := _TIME.fullmatch(typed.strip().lower()):
            hour, minutes = int(time[1] or time[3]), time[2] or time[4] or ""
        return cls(words, squeezed(typed), hour, minutes)

    @property
    def asks(self) -> bool:
        """Whether there is enough of it to look for."""
        return len("".join(self.words)) >= SHORTEST

    def is_at(self, wall: datetime) -> bool:
        """Whether it means this time of day; "10:" and "10:4" mean all that begin so."""
        return wall.hour == self.hour and f"{wall.minute:02d}".startswith(self.minutes)

    def is_ref(self, ref: str) -> bool:
        """Whether it begins a reference, or ends one as people read it out; only letters and digits count."""
        known = squeezed(ref)
        ends = len(self.code) >= SPOKEN and self.code.isdecimal() and known.endswith(self.code)
        return bool(self.code) and (known.startswith(self.code) or ends)

    def is_name(self, name: str) -> bool:
        """Whether each word begins a word of the name, in any order; or all of it runs on from one word."""
        own = _words(name)
        if all(any(word.startswith(asked) for word in own) for asked in self.words):
            return True
        # "vandenberg" is "van den Berg", "obrien" is "O'Brien".
        run = "".join(self.words)
        return any("".join(own[at:]).startswith(run) for at in range(len(own)))

    def sounds_like(self, name: str) -> bool:
        """Whether the name sounds like it: "jansens" for Janssens, "declerck" for De Clercq."""
        asked = sound("".join(self.words))
        own = _words(name)
        return len(asked) >= SPOKEN and any(
            sound("".join(own[at:])).startswith(asked) for at in range(len(own))
        )


def sound(word: str) -> str:
    """A plain word as it sounds in Dutch or French, roughly: letters that sound alike become one."""
    for pattern, letters in _ALIKE:
        word = pattern.sub(letters, word)
    return word


def _words(text: str) -> list[str]:
    """The words of a text without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", plain)


def squeezed(text: str) -> str:
    """A reference without case and separators."""
    return "".join(_words(text))


def look_up(
    house: House, day: Day, now: int, keys: Keys, question: Question
) -> Callable[[sa.Connection], FoundList]:
    """The work of finding among a day's appointments, to be done beside the loop."""

    def work(connection: sa.Connection) -> FoundList:
        if not question.asks:
            return FoundList([], False)
        found, alike = [], []
        for row in connection.execute(_today(house.site, day)):
            known = day.appointments.get(row.id)
            if known is None:
                continue
            service = house.services.get(known.service)
            # A service that the configuration dropped may have been discreet.
            discreet = service is None or service.discreet
            hidden = discreet or row.sealed is None
            name = None if hidden else contacts.opened(keys, known.id, row.sealed).name
            if (
                question.is_at(to_datetime(known.at, house.calendar.zone))
                or question.is_ref(row.ref)
                or (name is not None and question.is_name(name))
            ):
                found.append((known, _found(day, known, row.ref, name, service, discreet)))
            elif name is not None and not found and question.sounds_like(name):
                alike.append((known, _found(day, known, row.ref, name, service, discreet)))
        similar = not found and bool(alike)
        shown = sorted(found or alike, key=lambda pair: _nearness(pair[0], now))
        return FoundList([one for _, one in shown[:LIMIT]], len(shown) > LIMIT, similar)

    return work


def _today(site: str, day: Day) -> sa.Select[Any]:
    """The day's appointments with their references and sealed people."""
    booked, ref, kept = db.appointment.c, db.reference.c, db.contact.c
    return (
        sa.select(booked.id, ref.ref, kept.sealed)
        .select_from(
            db.appointment.join(db.reference, ref.appointment == booked.id).outerjoin(
                db.contact, kept.subject == booked.id
            )
        )
        .where(booked.site == site, booked.at >= day.begins_at, booked.at < day.until)
    )


def _nearness(known: Appointment, now: int) -> tuple[int, int, int, str]:
    """Who has not reported first, cancelled last; then the slot nearest to now."""
    rank = 0 if known.state in _AHEAD else 2 if known.state is Booking.CANCELLED else 1
    return rank, abs(known.at - now), known.at, known.id


def _found(
    day: Day, known: Appointment, ref: str, name: str | None, service: Service | None, discreet: bool
) -> Found:
    visit = day.visits.get(known.visit or "")
    grace_s = None
    if service is not None:
        grace_s = service.grace_s if known.late_s is None else service.late_limit_s
    return Found(
        ref=ref,
        appointment=known.id,
        name=name,
        service=None if discreet or service is None else service.name,
        at=iso(known.at),
        state=known.state.value,
        late_s=known.late_s,
        told_at=None if known.told_at is None else iso(known.told_at),
        keeps_until=None if grace_s is None else iso(known.due_at + grace_s * SECOND),
        came=known.came,
        ticket=visit.ticket if visit else None,
        persons=known.persons,
        language=known.language,
    )


async def _search(ask: Ask) -> FoundList:
    question = Question.of(ask.query["q"])
    day, now = ask.site.day, ask.parts.clock.now()
    return await ask.parts.database.read(look_up(ask.site.house, day, now, ask.parts.keys, question))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/appointments",
        Right.SEARCH_APPOINTMENTS,
        "Today's appointments by name, time (10:40, 1040) or the reference's beginning or end, at most 20",
        FoundList,
        read=_search,
        query=(("q", Annotated[str, msgspec.Meta(min_length=1, max_length=100)], True),),
    ),
)
"""The endpoint of the reception desk's search."""
