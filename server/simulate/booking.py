"""The booking system of a simulated house: tells the server of appointments, and which slot is free first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta

from server.domain.house import House
from server.domain.schedule import SECOND, iso
from server.simulate.names import name_of
from server.simulate.outside import Answer as Said
from server.simulate.outside import Outside
from server.simulate.plan import DayPlan, Person, first_free
from server.simulate.tally import Tally
from server.simulate.telephones import Telephones

AT_ONCE = 6
AHEAD_AT_ONCE = 2
"""Fewer where the day goes on beside it."""
FREE_WITHIN_DAYS = 30
"""How far ahead it looks for a free slot."""
NOTICE_S = 600
"""Nobody is given a slot that begins sooner than that."""


class BookingSystem:
    """What it has told of which days. ``plan`` gives a day's plan, the same whenever it is asked."""

    def __init__(
        self,
        house: House,
        outside: Outside,
        plan: Callable[[date], DayPlan],
        telephones: Telephones,
        tally: Tally,
    ) -> None:
        self._house = house
        self._outside = outside
        self._plan = plan
        self._telephones = telephones
        self._tally = tally
        self._booked_to = date.min
        self.ids: dict[str, str] = {}
        """The server's id of each appointment, by our reference."""

    def begin(self, day: date) -> None:
        """Nobody books a day before this one."""
        self._booked_to = day - timedelta(days=1)

    async def book_to(self, last: date, at_once: int = AT_ONCE) -> None:
        """Book the days up to and with ``last`` that are not booked yet, the nearest first."""
        while self._booked_to < last:
            day = self._booked_to + timedelta(days=1)
            await self._book(self._plan(day), at_once)
            self._booked_to = day

    async def _book(self, plan: DayPlan, at_once: int) -> None:
        """Tell the server of a day's appointments, a few at a time."""
        booked = iter([person for person in plan.people if person.booked_at is not None])

        async def clerk() -> None:
            for person in booked:
                self._telephones.know(reference(person), person)
                with self._tally.tolerating():
                    await self.put(person, person.booked_at or 0)

        async with asyncio.TaskGroup() as office:
            for _ in range(at_once):
                office.create_task(clerk())

    async def put(self, person: Person, slot: int) -> None:
        """Book a person's appointment, or move it. Raises ``Refusal``."""
        contact: Said = {"name": name_of(person.id)}
        if person.contact is not None:
            left = {"phone": person.contact.phone, "email": person.contact.email, "safe": person.contact.safe}
            contact |= {name: value for name, value in left.items() if value is not None}
        body: Said = {
            "service": person.service,
            "at": iso(slot),
            "persons": person.persons,
            "contact": contact,
        }
        if person.language is not None:
            body["language"] = person.language
        if person.channel is not None:
            body["channel"] = person.channel.value
        said = await self._outside.put("integrator", f"/appointments/{reference(person)}", body)
        self.ids[reference(person)] = said["appointment"]

    async def cancel(self, person: Person) -> None:
        """Cancel a person's appointment. Raises ``Refusal``."""
        await self._outside.delete("integrator", f"/appointments/{reference(person)}")

    async def late(self, person: Person) -> None:
        """Tell that a person has announced to be late. Raises ``Refusal``."""
        minutes = {"minutes": person.announced_minutes}
        await self._outside.post("integrator", f"/appointments/{reference(person)}/late", minutes)

    async def tell_first_free(self, today: DayPlan, now: int) -> None:
        """Tell of each service the first slot that is free at ``now``, null where there is none."""
        after = now + NOTICE_S * SECOND
        for service in self._house.services.values():
            if not service.appointments:
                continue
            slot, ahead = first_free(self._house, today, service, after), 1
            while slot is None and ahead <= FREE_WITHIN_DAYS:
                later = self._plan(today.date + timedelta(days=ahead))
                slot, ahead = first_free(self._house, later, service, after), ahead + 1
            body = {"at": None if slot is None else iso(slot)}
            with self._tally.tolerating():
                await self._outside.put("integrator", f"/services/{service.id}/first-free", body)


def reference(person: Person) -> str:
    """The booking system's reference."""
    return f"BK-{person.id}"
