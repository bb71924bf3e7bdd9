"""Days of a busy hall, lived by chance and decided by the domain: a history for what learns from one."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from domain.days import MINUTE, Played, S
from houses import house as house_file

from server.domain import commands as co
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.domain.calling import queue
from server.domain.day import Status
from server.domain.house import House
from server.settings import load

SERVICES = ("onthaal", "balie")
MEAN_S = {"onthaal": 150, "balie": 420}
"""What serving takes on average; the configuration says 300 of both."""


def house(folder: Path, counters: int = 4) -> House:
    """Counters that all serve two services, open from eight to one every day; its file is in the folder."""
    return load(house_file(folder, counters=counters, services=SERVICES))["mechelen"]


class History:
    """Days one after the other from the morning of ``first`` (an ISO date in UTC+1)."""

    def __init__(self, house: House, first: str, seed: int = 1) -> None:
        self._house = house
        self._random = Random(seed)
        self._next = datetime.fromisoformat(f"{first}T07:00").replace(tzinfo=UTC)
        self._played: Played | None = None
        self._people = itertools.count(1)

    def day(self, people: int) -> list[ev.Entry]:
        """One more day, from its opening to its end, with so many people who mean to come."""
        opening = int(self._next.timestamp()) * S
        self._next += timedelta(days=1)
        random, agenda = self._random, _Agenda()
        booked = {}
        for _ in range(people // 2):
            at = opening + random.randrange(5 * 56) * MINUTE
            known = Appointment(id=f"a{next(self._people)}", service="balie", at=at, booked_at=opening - S)
            booked[known.id] = known
        played = self._opened(opening, tuple(booked.values()))
        before = len(played.journal) - 1
        for counter in self._house.counters:
            played.do(co.OpenCounter(counter=counter))

        def free(now: int, counter: str) -> None:
            busy = played.day.counter(counter).visit is not None
            if busy or not queue(self._house, played.day, counter, now):
                return
            played.at(now).do(co.CallNext(counter=counter))
            visit = played.day.visits[played.day.counter(counter).visit or ""]
            mean = MEAN_S[visit.service]
            agenda.put(now + 20 * S, lambda at: played.at(at).do(co.Start(counter=counter)))
            took = int((20 + random.lognormvariate(0, 0.5) * mean) * S)
            agenda.put(now + took, lambda at: done(at, counter))

        def done(now: int, counter: str) -> None:
            played.at(now).do(co.Finish(counter=counter))
            agenda.put(now + random.randrange(3, 20) * S, lambda at: free(at, counter))

        def came(now: int, build: Callable[[str], co.Command]) -> None:
            visit = f"v{next(self._people)}"
            played.at(now).do(build(visit))
            idle = [name for name in self._house.counters if played.day.counter(name).visit is None]
            if idle:
                agenda.put(now + random.randrange(2, 8) * S, lambda at: free(at, idle[0]))
            if random.random() < 0.05:
                agenda.put(now + int(random.expovariate(1 / 1200) * S), lambda at: leaves(at, visit))

        def leaves(now: int, visit: str) -> None:
            if played.day.visits[visit].status is Status.WAITING:
                played.at(now).do(co.Leave(visit=visit))

        for known in booked.values():
            if random.random() < 0.84:
                late = int(random.gauss(-180, 240)) * S
                at = max(opening + S, known.at + late)
                agenda.put(
                    at,
                    lambda at, known=known: came(
                        at, lambda visit: co.Report(known=played.day.appointments[known.id], visit=visit)
                    ),
                )
        for _ in range(people - len(booked)):
            at = opening + random.randrange(1, 5 * 3300) * S
            agenda.put(
                at, lambda at: came(at, lambda visit: co.WalkIn(visit=visit, service=random.choice(SERVICES)))
            )
        agenda.run(played.day.ends_at)
        played.at(played.day.ends_at).do(co.EndDay())
        return played.journal[before:]

    def _opened(self, now: int, booked: tuple[Appointment, ...]) -> Played:
        if self._played is None:
            self._played = Played(self._house, now, booked)
        else:
            self._played.at(now).do(co.OpenDay(appointments=booked))
        return self._played


class _Agenda:
    """What is to happen, by its time."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[int], object]]] = []
        self._count = itertools.count()

    def put(self, at: int, what: Callable[[int], object]) -> None:
        heapq.heappush(self._heap, (at, next(self._count), what))

    def run(self, until: int) -> None:
        while self._heap and self._heap[0][0] < until:
            at, _count, what = heapq.heappop(self._heap)
            what(at)
