"""A model learned from a house's journal, day by day in the order of what happened.

Each day is lived through as the running house lived it, without what was undone: who reports is asked about,
from the hall at that moment, and answered by the call. Nothing is known before its own time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from server.domain import events as ev
from server.domain.appointment import Booking
from server.domain.calling import Rule, Standing, standings
from server.domain.day import Day, Visit
from server.domain.fold import evolve
from server.domain.foreseen import asked_for
from server.domain.house import House
from server.domain.schedule import SECOND
from server.figures.stints import without_undone
from server.forecasting.model import Model
from server.forecasting.moments import Seen
from server.forecasting.scene import Question, Scene
from server.promise.hall import COMES, scene, standing, waits_since
from server.promise.telling import Step, Telling

IN_BETWEEN = 4
"""At every so many reports one of those who wait is asked about too, to learn from."""

COMES_MEMORY = 200.0
"""So many appointments weigh as much as ``COMES``, which is taken for granted at first."""


@dataclass(slots=True)
class _Asked:
    """A question: when, of whom, what was seen, and whether it is what a newcomer would be told."""

    at: int
    seen: Seen
    told: bool
    place: int = 0


@dataclass(slots=True)
class Lessons:
    """What was learned from: a model, the days, and how many waits they had."""

    house: House
    model: Model = field(default_factory=Model)
    waits: int = 0
    days: list[str] = field(default_factory=list)
    booked: int = 0
    came: int = 0

    @property
    def comes(self) -> float:
        """The chance that somebody comes to an appointment."""
        return (self.came + COMES * COMES_MEMORY) / (self.booked + COMES_MEMORY)

    def learn(self, entries: Iterable[ev.Entry]) -> None:
        """One more day that has ended, from its opening on."""
        lived = _Lived(self)
        day = Day()
        kept = without_undone(entries)
        # Without what was undone the seqs have gaps: they are numbered anew.
        for seq, entry in enumerate(kept, 1):
            day = evolve(day, ev.Entry(seq, entry.at, entry.event))
            lived.goes_on(day, entry)
        if not kept:
            return
        lived.close()
        self.waits += lived.waits
        self.days.append(day.date)
        states = [known.state for known in day.appointments.values()]
        self.came += states.count(Booking.REPORTED)
        self.booked += states.count(Booking.REPORTED) + states.count(Booking.NEVER)
        self.model.night()


class _Lived:
    """A day under way: what was asked, and in which order the answers came."""

    def __init__(self, lessons: Lessons) -> None:
        self._lessons = lessons
        self._house = lessons.house
        self._model = lessons.model
        self._telling = Telling(lessons.model.past)
        self._comes = lessons.comes
        self._open: dict[str, list[_Asked]] = {}
        self._asked: list[_Asked] = []
        self._answers: list[tuple[_Asked, int, bool]] = []
        self._reports = 0
        self.waits = 0
        """How many were called."""

    def goes_on(self, day: Day, entry: ev.Entry) -> None:
        """One entry, and the day with it."""
        if isinstance(entry.event, ev.VisitReported):
            self._ask(day, day.visits[entry.event.visit], entry.at)
        for at, step, visit in self._telling.tell(day):
            if step in (Step.CALLED, Step.LEFT):
                called = step is Step.CALLED
                self.waits += called
                self._answers += [(asked, at, called) for asked in self._open.pop(visit.id, ())]

    def _ask(self, day: Day, visit: Visit, now: int) -> None:
        places = standings(self._house, day, now)
        queue = standing(places)
        hall = scene(self._house, day, places, now, self._comes)
        numbers = {place.visit.id: number for number, place in enumerate(queue)}
        # Who is early is asked about once the slot has come: until then it is not clear behind whom.
        if visit.id in numbers and not asked_for(visit):
            self._keep(visit, Question(hall, visit.service, numbers[visit.id]), now, told=True)
        self._reports += 1
        if self._reports % IN_BETWEEN == 0 and len(queue) > 1:
            number = self._reports // IN_BETWEEN % len(queue)
            other = queue[number]
            if other.visit.id != visit.id and not asked_for(other.visit):
                self._keep(other.visit, _again(hall, other, number, now), now, told=False)

    def _keep(self, visit: Visit, question: Question, now: int, *, told: bool) -> None:
        asked = _Asked(now, self._model.see(question), told)
        self._asked.append(asked)
        self._open.setdefault(visit.id, []).append(asked)

    def close(self) -> None:
        """The day is over: reckon what was asked, then learn the answers in the order in which they came."""
        if not self._asked:
            return
        raw = self._model.answer([asked.seen for asked in self._asked])
        for place, asked in enumerate(self._asked):
            asked.place = place
        for asked, at, called in self._answers:
            if called:
                waited_s = (at - asked.at) / SECOND
                self._model.answered(raw, asked.place, waited_s, calibrate=asked.told)
            else:
                self._model.gave_up(raw, asked.place)


def _again(hall: Scene, place: Standing, number: int, now: int) -> Question:
    """The question of somebody who waits already."""
    assert place.rule is not Rule.EARLY
    return Question(hall, place.visit.service, number, max(0, now - waits_since(place.visit)))
