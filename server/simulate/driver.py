"""Plays planned days against a running server: citizens, the booking system and the staff.

Everything goes through the public API. A task for each citizen and each shift, all owned by the
task group of their day; what one of them finds refused is counted and shown, never hidden.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from server.domain.house import House
from server.domain.schedule import SECOND
from server.simulate.booking import AHEAD_AT_ONCE, BookingSystem, reference
from server.simulate.figures import DayFigures, figures
from server.simulate.housetime import HouseTime
from server.simulate.outside import Answer as Said
from server.simulate.outside import Outside, Refusal, secret_of
from server.simulate.people import Answer, Aside, Rating
from server.simulate.plan import DayPlan, Person, plan_day
from server.simulate.staff import PACE_S, Shift
from server.simulate.tally import Tally
from server.simulate.telephones import Telephones
from server.simulate.watch import Hall

BEFORE_S = 1500
"""Staff and citizens are ready this long before the doors open."""
OVERTIME_S = 3000
"""House seconds after closing at which staff go home whoever waits: before the day ends by itself."""
NO_ANSWER_S = 50.0
RETURN_S = 240.0
HELP_FROM = 3
"""People waiting for the express desk before a theme counter that stands idle helps."""
LOOK_S = 60.0
"""House seconds between two looks at a hall in which nothing seems to change."""
JOURNAL_PAGE = 500
DAYS_AHEAD = 30


@dataclass(eq=False, slots=True)
class Guest:
    """A citizen in the house: the plan behind a ticket, and how far it is.

    ``secret`` is what the ticket's link ends with; the wait is from ``since``, an instant, to the first call.
    """

    person: Person
    visit: str
    secret: str
    since: int
    called: asyncio.Event = field(default_factory=asyncio.Event)
    helped: asyncio.Event = field(default_factory=asyncio.Event)
    waited_s: float = 0.0
    left_s: float = 0.0
    interrupted: bool = False


class Driver:
    """One site's days. ``left`` is the counter that nobody simulated touches."""

    def __init__(
        self, house: House, outside: Outside, hall: Hall, clock: HouseTime, *, seed: int, left: str | None
    ) -> None:
        self._house = house
        self._outside = outside
        self._hall = hall
        self._clock = clock
        self._seed = seed
        self._left = left
        self._guests: dict[str, Guest] = {}
        self._coming: Counter[str] = Counter()
        self._seats = {counter: asyncio.Lock() for counter in house.counters}
        self._read = 0
        self.tally = Tally()
        self.telephones = Telephones(outside, clock, self.tally)
        self._booking = BookingSystem(house, outside, self._plan, self.telephones, self.tally)

    async def run(
        self, days: int | None, closed: Callable[[DayFigures, Tally], None], first: date | None = None
    ) -> None:
        """Play days from ``first`` (the house's today) on, for so many open days or for ever.

        ``closed`` is called with each day's figures once its last counter has closed.
        """
        plan = self._next_plan(first or self._house.calendar.local_date(self._clock.now()))
        self._booking.begin(plan.date)
        played = 0
        async with asyncio.TaskGroup() as office:
            while True:
                await self._booking.book_to(plan.date)
                # The days within reach of the ladder beside it: the doors do not wait for them.
                last = plan.date + timedelta(days=reach(self._house))
                ahead = office.create_task(self._booking.book_to(last, AHEAD_AT_ONCE), name="booking ahead")
                await self._play(plan)
                await ahead
                played += 1
                found = await self._figures(plan)
                if found is not None:
                    closed(found, self.tally)
                self.tally.clear()
                self.telephones.forget(map(reference, plan.people))
                if days is not None and played >= days:
                    return
                plan = self._next_plan(plan.date + timedelta(days=1))

    def _next_plan(self, day: date) -> DayPlan:
        for ahead in range(DAYS_AHEAD):
            plan = self._plan(day + timedelta(days=ahead))
            if plan.openings and plan.openings[-1][1] > self._clock.now():
                return plan
        raise LookupError(f"{self._house.site} does not open within {DAYS_AHEAD} days of {day}")

    def _plan(self, day: date) -> DayPlan:
        return plan_day(self._house, day, self._seed, left=self._left)

    async def _play(self, plan: DayPlan) -> None:
        self._guests.clear()
        self._coming.clear()
        await self._clock.until(plan.openings[0][0] - BEFORE_S * SECOND)
        # Before the doors open, as it stands by then: no later telling counts for this day.
        await self._booking.tell_first_free(plan, self._clock.now())
        async with asyncio.TaskGroup() as people:
            citizens = [
                people.create_task(self._citizen(person), name=f"citizen {person.id}")
                for person in plan.people
            ]
            async with asyncio.TaskGroup() as staff:
                for shift in plan.shifts:
                    staff.create_task(self._shift(shift, people), name=f"counter {shift.counter}")
            # The house is closed: nobody comes any more, loses patience, or says how it was.
            for citizen in citizens:
                citizen.cancel()

    # --- citizens ---------------------------------------------------------------------------------

    async def _citizen(self, person: Person) -> None:
        if person.changes_at is not None:
            await self._clock.until(person.changes_at)
            if person.cancels and self.telephones.cancelled(reference(person)):
                return
            with self.tally.tolerating():
                if person.cancels:
                    await self._booking.cancel(person)
                else:
                    await self._booking.put(person, person.slot_at or 0)
        person = await self._remembering(person)
        if person.announces_at is not None:
            await self._clock.until(person.announces_at)
            await self._announce(person)
        if person.comes_at is None:
            return
        await self._clock.until(person.comes_at)
        with self.tally.tolerating():
            ticket, guest = await self._report(person)
            self._guests[ticket] = guest
            if person.priority:
                await self._outside.post("reception", f"/visits/{guest.visit}/priority", {"priority": True})
            await self._wait(guest)
            if person.rating is not None:
                await self._rate(guest, person.rating)

    async def _remembering(self, person: Person) -> Person:
        """The person as they are with a reminder or without one, once it is too late for one."""
        if person.forgetting is None:
            return person
        other = person.unreminded()
        acts = (person.announces_at, person.comes_at, other.announces_at, other.comes_at)
        await self._clock.until(min(moment for moment in acts if moment is not None))
        return person if self.telephones.reminded(reference(person)) else other

    async def _announce(self, person: Person) -> None:
        """Say that it will be late: by the link, or to the booking system where there is none."""
        if await self.telephones.late(reference(person), person.announced_minutes):
            return
        with self.tally.tolerating():
            await self._booking.late(person)

    async def _report(self, person: Person) -> tuple[str, Guest]:
        if person.slot_at is not None:
            said = await self._outside.post("kiosk", f"/appointments/{reference(person)}/report")
        else:
            body: Said = {"service": person.service, "then": list(person.then), "persons": person.persons}
            if person.language is not None:
                body["language"] = person.language
            said = await self._outside.post("kiosk", "/visits", body)
        return said["ticket"], Guest(
            person=person,
            visit=said["visit"],
            secret=secret_of(said["link"]),
            since=max(self._clock.now(), person.slot_at or 0),
            left_s=person.handling_s,
        )

    async def _wait(self, guest: Guest) -> None:
        """Wait to be called, or leave when patience is at its end."""
        patient_to = guest.since + round(guest.person.patience_s * SECOND)
        ends = asyncio.ensure_future(self._clock.until(patient_to))
        called = asyncio.ensure_future(guest.called.wait())
        try:
            await asyncio.wait({ends, called}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ends.cancel()
            called.cancel()
        if not guest.called.is_set():
            # Called at this very moment, or by the counter that is left to who watches.
            with self.tally.tolerating("not-waiting"):
                await self._outside.post("reception", f"/visits/{guest.visit}/leave")

    async def _come_back(self, guest: Guest, after_s: float) -> None:
        """Return after fetching a paper, or after having been called in vain."""
        await self._clock.pause(after_s)
        with self.tally.tolerating("not-away"):
            await self._outside.post("reception", f"/visits/{guest.visit}/return")

    async def _rate(self, guest: Guest, rating: Rating) -> None:
        """Say how it was, by the ticket's link, once served; of several services after the last."""
        said = False
        while not said:
            await guest.helped.wait()
            guest.helped.clear()
            await self._clock.pause(rating.after_s)
            body: Said = {"score": rating.score(guest.waited_s)}
            if (word := rating.word(guest.waited_s)) is not None:
                body["word"] = word
            with self.tally.tolerating("visit-not-over"):
                await self._outside.rate(guest.secret, body)
                self.tally.ratings += 1
                said = True

    # --- staff ------------------------------------------------------------------------------------

    async def _shift(self, shift: Shift, people: asyncio.TaskGroup) -> None:
        await self._clock.until(shift.opens_at)
        # Whoever has the seat before may still be helping the last person of the morning.
        async with self._seats[shift.counter]:
            await self._say(shift, "open", {"staff": shift.staff})
            await self._attend(shift, people)
            await self._say(shift, "close")

    async def _attend(self, shift: Shift, people: asyncio.TaskGroup) -> None:
        draw = Random(f"{self._seed} {shift.staff} {shift.opens_at}")
        breaks = list(shift.breaks)
        while not self._may_go(shift):
            if breaks and self._clock.now() >= breaks[0][0]:
                since, until = breaks.pop(0)
                length_s = (until - since) / SECOND
                if self._time_for(shift, length_s):
                    await self._say(shift, "pause")
                    await self._clock.pause(length_s)
                    await self._say(shift, "open", {"staff": shift.staff})
            elif not self._asked_for(shift):
                await self._hall.change(max(0.2, LOOK_S / max(self._clock.speed, 1.0)))
            else:
                # Nobody presses the very moment that somebody comes, and not all the same moment.
                await self._clock.pause(draw.uniform(2, 9))
                if self._asked_for(shift) and not await self._next(shift, people):
                    await self._clock.pause(draw.uniform(10, 30))

    def _asked_for(self, shift: Shift) -> bool:
        """Whether somebody waits for this counter, or so many elsewhere that it had better help."""
        plan = self._house.counters[shift.counter]
        return bool(self._hall.waiting(plan.services)) or self._hall.waiting(plan.overflow) >= HELP_FROM

    def _may_go(self, shift: Shift) -> bool:
        """After closing staff stay for those in the house, but not for ever."""
        now = self._clock.now()
        if now < shift.closes_at:
            return False
        if now > shift.closes_at + OVERTIME_S * SECOND:
            return True
        own = self._house.counters[shift.counter].services
        return not self._hall.waiting(own) and not any(self._coming[service] for service in own)

    async def _say(self, shift: Shift, what: str, body: Said | None = None) -> Said | None:
        try:
            return await self._outside.post("counter", f"/counters/{shift.counter}/{what}", body)
        except Refusal as refusal:
            self.tally.refused(refusal)
            return None

    async def _next(self, shift: Shift, people: asyncio.TaskGroup) -> bool:
        """Call who is next and help them; False where nobody waits for this counter."""
        said = await self._say(shift, "next")
        if said is None or said["ticket"] is None:
            return False
        self.tally.calls += 1
        guest = self._guests.get(said["ticket"])
        if guest is None:
            await self._help_stranger(shift)
            return True
        first = not guest.called.is_set()
        if first:
            guest.waited_s = max(0.0, (self._clock.now() - guest.since) / SECOND)
        guest.called.set()
        expected = guest.person.then if first else ()
        self._coming.update(expected)
        try:
            if await self._summon(shift, guest, people, first=first):
                await self._help(shift, guest, people)
        finally:
            self._coming.subtract(expected)
        await self._clock.pause(PACE_S)
        return True

    async def _summon(self, shift: Shift, guest: Guest, people: asyncio.TaskGroup, *, first: bool) -> bool:
        """Wait for the called person, say it again, give up; whether they came."""
        person = guest.person
        answer = person.answer if first else Answer.COMES
        if answer is not Answer.COMES:
            await self._clock.pause(NO_ANSWER_S)
            await self._say(shift, "recall")
            self.tally.calls += 1
            if answer is not Answer.ON_RECALL:
                await self._clock.pause(NO_ANSWER_S)
                await self._say(shift, "no-show")
                if answer is Answer.RETURNS and self._time_for(shift, RETURN_S):
                    people.create_task(self._come_back(guest, RETURN_S))
                return False
        await self._clock.pause(person.walk_s)
        return await self._say(shift, "start") is not None

    async def _help(self, shift: Shift, guest: Guest, people: asyncio.TaskGroup) -> None:
        aside = guest.person.interruption
        if aside is None or guest.interrupted or not self._time_for(shift, aside.away_s):
            await self._clock.pause(guest.left_s)
            await self._finish(shift, guest)
            return
        guest.interrupted = True
        before_s = aside.after * guest.left_s
        guest.left_s -= before_s
        await self._clock.pause(before_s)
        if aside.kind is Aside.PARK:
            await self._say(shift, "park")
            people.create_task(self._come_back(guest, aside.away_s))
        elif aside.kind is Aside.TRANSFER:
            if aside.accompanied:
                await self._clock.pause(guest.person.walk_s)
            await self._say(shift, "transfer", {"service": aside.service, "accompanied": aside.accompanied})
        else:
            await self._say(shift, "finish")
            await self._clock.pause(5)
            # Where the house runs so fast that the two minutes are over, finished is finished.
            with self.tally.tolerating("undo-too-late", "undo-moved-on"):
                await self._outside.post("counter", f"/counters/{shift.counter}/undo")
                await self._clock.pause(guest.left_s)
                await self._finish(shift, guest)

    async def _finish(self, shift: Shift, guest: Guest) -> None:
        if await self._say(shift, "finish") is not None:
            guest.helped.set()

    def _time_for(self, shift: Shift, seconds: float) -> bool:
        """Near closing nobody is sent for a paper or to a desk that goes home."""
        return self._clock.now() + round((seconds + 900) * SECOND) < shift.closes_at

    async def _help_stranger(self, shift: Shift) -> None:
        """Somebody drew a ticket who is no part of the plan: whoever watches, by hand."""
        await self._clock.pause(20)
        await self._say(shift, "start")
        await self._clock.pause(120)
        await self._say(shift, "finish")
        await self._clock.pause(PACE_S)

    # --- the figures ------------------------------------------------------------------------------

    async def _figures(self, plan: DayPlan) -> DayFigures | None:
        """The day's figures from the journal; later days read on from its opening."""
        entries: list[Said] = []
        after = self._read
        while page := (await self._outside.get("supervisor", "/journal", after=after, limit=JOURNAL_PAGE))[
            "entries"
        ]:
            entries += page
            after = page[-1]["seq"]
        self._read = after
        refs = [reference(person) for person in plan.people if person.slot_at is not None]
        reminded = {
            self._booking.ids[ref]
            for ref in refs
            if ref in self._booking.ids and self.telephones.reminded(ref)
        }
        for ref in refs:
            self._booking.ids.pop(ref, None)
        return figures(entries, reminded)


def reach(house: House) -> int:
    """How many days before its slot an appointment has its first reminder, in whole days."""
    ladders = [house.messages.ladder, *(service.ladder or () for service in house.services.values())]
    return max((step.days or -(-step.seconds // 86_400) for ladder in ladders for step in ladder), default=0)
