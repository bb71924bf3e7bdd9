"""What the house would tell people now, live: almost your turn, go to counter 4, we run late, we close. Pure.

``docs/notices.md`` says the same in the words of who runs the house. Each notice has a *step*, its name for
this person: whatever is wanted again under a step that was planned before is not told twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from notify import plan
from notify.ledger import About, almost_step
from server.domain import forecast
from server.domain.appointment import Appointment
from server.domain.calling import Standing
from server.domain.day import Call, Day, Status, Visit
from server.domain.house import House
from server.domain.schedule import SECOND

ALMOST, GO, DELAYED, CLOSING = "almost", "go", "delayed", "closing"

WORTH_S = 300
"""Who waits for less than this in all is told nothing beforehand: they stand in the hall and see it."""

ALMOST_FOR_S = 900
"""How long "almost your turn" is of use."""

GO_FOR_S = 300
"""How long a call to a counter is of use; after that the person is called in vain, or is there."""

TOLD_FROM_S, TOLD_UNTIL_S = 90 * 60, 30 * 60
"""How long before the slot a later time is named: before that nobody knows yet, after it people have left."""

SETTLED_S = 1800
"""How long the house must have been open: counters that are still to open in the morning are no lateness."""

FULL_S = 300
"""A later time is named in full five minutes, rounded down: who goes by it never comes after their turn."""

CLOSING_FOR_S = 7200
"""How long it is of use to hear that the house has closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell whoever is behind ``subject``, a visit or an appointment, before ``until``."""

    subject: str
    kind: str
    step: str
    until: int
    about: About
    slot_at: int = 0

    @property
    def id(self) -> str:
        """The delivery's name, the same whoever plans it."""
        return plan.delivery_id(self.subject, self.step, self.slot_at)


class Moment(Protocol):
    """A site's day as it stands at ``now``, with what is worked out from it for the views."""

    @property
    def house(self) -> House: ...
    @property
    def day(self) -> Day: ...
    @property
    def now(self) -> int: ...
    @property
    def places(self) -> list[Standing]:
        """Everybody who waits, in the order of the rules."""
        ...

    @property
    def ahead(self) -> dict[str, int]:
        """How many are called before each of them, by visit."""
        ...

    @property
    def expected(self) -> forecast.Expected: ...


def wanted(moment: Moment) -> list[Notice]:
    """All that there is to tell now, also what was told before."""
    if moment.day.ended:
        return list(_closing(moment))
    return [*_go(moment), *_almost(moment), *_delayed(moment)]


def _almost(moment: Moment) -> Iterator[Notice]:
    """Few people ahead, or few minutes: by the middle of the expected range, so that the text is right.

    Who can be told nothing of, because no open counter serves them, is not told that it is their turn.
    """
    messages = moment.house.messages
    for place in moment.places:
        visit = place.visit
        start = moment.expected.starts.get(visit.id)
        if start is None or start - visit.waits_since < WORTH_S * SECOND:
            continue
        ahead = moment.ahead[visit.id]
        wait = max(0, start - moment.now)
        if ahead <= messages.almost_ahead or wait <= messages.almost_s * SECOND:
            yield Notice(
                subject=visit.id,
                kind=ALMOST,
                step=almost_step(visit.calls),
                until=moment.now + ALMOST_FOR_S * SECOND,
                about=About(ahead=ahead, minutes=max(1, round(wait / SECOND / 60))),
            )


def _go(moment: Moment) -> Iterator[Notice]:
    """Who is called to a counter, by the call that called them: its repetitions are told to nobody."""
    heard: dict[str, int] = {}
    for call in moment.day.calls:  # the newest first
        visit = moment.day.visits[call.visit]
        repeated = heard.get(visit.id, 0)
        heard[visit.id] = repeated + 1
        if visit.status is Status.CALLED and repeated == visit.recalls:
            until = call.at + GO_FOR_S * SECOND
            if moment.now < until:
                yield _called(visit, call, until)


def _called(visit: Visit, call: Call, until: int) -> Notice:
    return Notice(
        subject=visit.id, kind=GO, step=f"{GO}-{call.id}", until=until, about=About(counter=call.counter)
    )


def _delayed(moment: Moment) -> Iterator[Notice]:
    """Whose turn comes late though they come in time, told before they leave home; a named time stands."""
    day, now = moment.day, moment.now
    asked: list[Appointment] = []
    for known in day.appointments.values():
        if known.state not in plan.AHEAD or known.came or now >= known.at:
            continue
        if known.told_at is not None:
            yield later(known, known.told_at)
        elif known.at - TOLD_FROM_S * SECOND <= now <= known.at - TOLD_UNTIL_S * SECOND:
            asked.append(known)
    if not asked or not _settled(day, now):
        return
    until = max(known.at for known in asked)
    begins = forecast.slots(moment.house, day, moment.places, now, until)
    late_from = moment.house.messages.late_from_s * SECOND
    for known in asked:
        begin = begins.get(known.id, known.at)
        named = begin - begin % (FULL_S * SECOND)
        # Who said that they come later than that anyway has nothing to hear.
        if begin - known.at >= late_from and named > known.at + (known.late_s or 0) * SECOND:
            yield later(known, named)


def later(known: Appointment, named: int) -> Notice:
    """Tells an appointment's citizen the later time that the house names."""
    return Notice(
        subject=known.id,
        kind=DELAYED,
        step=DELAYED,
        until=known.at,
        about=About(later=named, minutes=(named - known.at) // (60 * SECOND)),
        slot_at=known.at,
    )


def _settled(day: Day, now: int) -> bool:
    return any(begin + SETTLED_S * SECOND <= now < end for begin, end in day.openings)


def _closing(moment: Moment) -> Iterator[Notice]:
    """Who was still here when the day ended and was not served."""
    for visit in moment.day.visits.values():
        if visit.status is Status.NOT_SERVED and visit.ended_at is not None:
            until = visit.ended_at + CLOSING_FOR_S * SECOND
            if moment.now < until:
                yield Notice(subject=visit.id, kind=CLOSING, step=CLOSING, until=until, about=About())
