"""A day driven through the real commands over a real file, and what its driver saw of it.

The driver knows nothing of the decisions but what a counter knows: that it is free, who waits, and who came
when it asked for the next. What it saw is written down here, to judge by.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from houses import house
from office import SITE, Office, at, office

from server.domain import commands as co
from server.domain.day import Day
from server.domain.schedule import SECOND
from server.live import Decided, Request

MONDAY = "2026-11-23"


@dataclass(kw_only=True)
class Guest:
    """Who comes; times in seconds from eight. ``story`` is what each call comes to, with its length."""

    id: str
    comes: int | None
    story: list[tuple[str, int]]
    service: str = "onthaal"
    slot: int | None = None
    leaves: int | None = None
    """When they leave, if they were not called."""
    back: int = 0
    """After how long who was parked is back."""
    reported: int | None = None
    first_called: int | None = None


@dataclass(kw_only=True)
class Counter:
    """``shifts`` are from when to when it is open; ``slow`` is how long it lets pass before each call."""

    id: str
    shifts: list[tuple[int, int]]
    slow: int = 0
    open: bool = False
    guest: Guest | None = None
    until: int = 0
    could: int | None = None
    """Since when it could call."""


@dataclass
class Driven:
    """The guests as they were served, and the database's file."""

    guests: list[Guest]
    url: str
    visits: dict[str, str] = field(default_factory=dict)

    def waits(self) -> dict[str, int | None]:
        """Seconds from the later of slot and report to the first call, by guest; None: never called."""
        return {
            guest.id: None
            if guest.first_called is None or guest.reported is None
            else max(0, guest.first_called - max(guest.reported, guest.slot or 0))
            for guest in self.guests
        }


class _Driver:
    def __init__(self, here: Office, guests: list[Guest], counters: list[Counter]) -> None:
        self.here = here
        self.guests = guests
        self.counters = counters
        self.eight = at(f"{MONDAY} 08:00")
        self.waiting = 0
        self.back: list[tuple[int, Guest]] = []
        self.driven = Driven(guests, f"sqlite:///{here.database.path}")

    async def do(self, command: co.Command) -> Day:
        days: list[Day] = []

        def answer(decided: Decided) -> bytes:
            days.append(decided.day)
            return b""

        await self.here.live.execute(Request(SITE, lambda _known: command, answer))
        return days[-1]

    async def second(self, now: int) -> None:
        """Whoever is done goes, counters open and close, people come, and free counters call."""
        for counter in self.counters:
            if counter.guest is not None and counter.until == now:
                await self._done(counter, now)
        for counter in self.counters:
            if any(begin == now for begin, _ in counter.shifts):
                await self.do(co.OpenCounter(counter=counter.id))
                counter.open = True
            if any(end == now for _, end in counter.shifts):
                await self.do(co.CloseCounter(counter=counter.id))
                counter.open = False
        for guest in self.guests:
            if guest.comes == now:
                await self._comes(guest, now)
        for due, guest in list(self.back):
            if due == now:
                self.back.remove((due, guest))
                await self.do(co.Return(visit=self.driven.visits[guest.id]))
                self.waiting += 1
        for guest in self.guests:
            if guest.leaves == now and guest.first_called is None:
                await self.do(co.Leave(visit=self.driven.visits[guest.id]))
                self.waiting -= 1
        for counter in sorted(self.counters, key=lambda each: (each.until, each.id)):
            await self._may_call(counter, now)

    async def _comes(self, guest: Guest, now: int) -> None:
        visit = f"visit-{guest.id}"
        if guest.slot is None:
            await self.do(co.WalkIn(visit=visit, service=guest.service))
        else:
            known = self.here.live.sites[SITE].day.appointments[self.here.ids[guest.id]]
            await self.do(co.Report(visit=visit, known=known))
        self.driven.visits[guest.id] = visit
        guest.reported = now
        self.waiting += 1

    async def _may_call(self, counter: Counter, now: int) -> None:
        if not counter.open or counter.guest is not None or not self.waiting:
            counter.could = None
            return
        counter.could = now if counter.could is None else counter.could
        if now < counter.could + counter.slow:
            return
        day = await self.do(co.CallNext(counter=counter.id))
        visit = day.counters[counter.id].visit
        guest = next(each for each in self.guests if self.driven.visits.get(each.id) == visit)
        what, length = guest.story[0]
        if what == "undone":
            # Called by mistake, and taken back at once; the counter asks again in the next second.
            await self.do(co.Undo(counter=counter.id))
            guest.story.pop(0)
            return
        guest.first_called = now if guest.first_called is None else guest.first_called
        counter.guest, counter.until, counter.could = guest, now + length, None
        self.waiting -= 1
        if what not in ("no-show",):
            await self.do(co.Start(counter=counter.id))

    async def _done(self, counter: Counter, now: int) -> None:
        guest, counter.guest = counter.guest, None
        assert guest is not None
        what, _length = guest.story.pop(0)
        if what == "park":
            await self.do(co.Park(counter=counter.id))
            self.back.append((now + guest.back, guest))
        elif what == "transfer":
            await self.do(co.Transfer(counter=counter.id, to_service="bevolking"))
            self.waiting += 1
        elif what == "no-show":
            await self.do(co.Recall(counter=counter.id))
            await self.do(co.NoShow(counter=counter.id))
        else:
            await self.do(co.Finish(counter=counter.id))


async def drive(folder: Path, guests: list[Guest], counters: list[Counter], **more: Any) -> Driven:
    """Let the guests come and the counters serve on a Monday from eight to one; the day has ended then."""
    house(folder, counters=len(counters), services=("onthaal", "bevolking"), **more)
    async with office(folder, f"{MONDAY} 07:30", working=False) as here:
        driver = _Driver(here, guests, counters)
        for guest in guests:
            if guest.slot is not None:
                minutes, seconds = divmod(guest.slot, 60)
                slot = f"{MONDAY} {8 + minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
                await here.book(guest.id, slot, service=guest.service)
        for now in range(6 * 3600):
            here.clock.jump(driver.eight + now * SECOND)
            await driver.second(now)
        # The day ends with the first command of the next.
        here.clock.jump(driver.eight + 24 * 3600 * SECOND)
        await here.book("tomorrow", "2026-11-24 09:00")
        return driver.driven
