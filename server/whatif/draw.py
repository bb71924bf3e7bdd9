"""One run of a day: who comes and how long they take, drawn from a seed; with a scenario's changes in it.

A person's draws hang on the seed, the run and the person alone. So the same people come with the change and
without it, and what differs between the two is the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import exp, floor
from random import Random

from server.domain.house import House
from server.domain.schedule import SECOND, Period
from server.replay.hall import End, Person, Script, Stage
from server.whatif.day import DayToPlay, Lateness
from server.whatif.scenario import Scenario

JITTER_S = 450
"""By how much at most a walk-in comes earlier or later than the one it was drawn from, in seconds."""

AS_IT_WAS = -1
"""The run that changes nothing of what was recorded."""


def script(day: DayToPlay, scenario: Scenario, seed: int, run: int) -> tuple[House, Script]:
    """The house and the day of a run. Run :data:`AS_IT_WAS` needs a recorded day."""
    people = list(_people(day, scenario, seed, run))
    duties, openings, ends_at = list(day.duties), day.openings, day.ends_at
    hours = scenario.openings(day.house, day.date)
    if hours is not None:
        move = stretch(day.openings, hours)
        people = [_moved(person, move) for person in people]
        duties = [replace(duty, at=move(duty.at)) for duty in duties]
        after_s = day.house.calendar.day_ends_after_s
        openings = hours
        ends_at = min(hours[-1][1] + after_s * SECOND, day.house.calendar.midnight_after(day.date))
    duties += scenario.duties(day.house, day.date)
    people.sort(key=lambda person: (person.arrived_at is None, person.arrived_at or 0))
    return scenario.house(day.house), Script(
        date=day.date,
        begins_at=day.house.calendar.midnight_before(day.date),
        until=day.house.calendar.midnight_after(day.date),
        ends_at=ends_at,
        openings=openings,
        people=people,
        duties=duties,
        delay_us=_Delays(day, seed, run),
    )


# --- people -------------------------------------------------------------------------------------------


def _people(day: DayToPlay, scenario: Scenario, seed: int, run: int) -> Iterator[Person]:
    more = 1.0 if scenario.visitors is None else scenario.visitors / max(1.0, day.visitors)
    base = list(day.people)
    if day.walk_ins:
        base += Random(f"{seed} {run} weekday").choice(day.walk_ins)
    for index, person in enumerate(base):
        random, extra = Random(f"{seed} {run} {index}"), Random(f"{seed} {run} {index} more")
        for drawn in _drawn(day, person, random, 1.0, run):
            if more >= 1 or extra.random() < more:
                yield drawn
        if more > 1:
            yield from _drawn(day, person, extra, more - 1, run if run != AS_IT_WAS else 0)


def _drawn(day: DayToPlay, person: Person, random: Random, share: float, run: int) -> Iterator[Person]:
    """A person as often as chance has it, ``share`` times on average; as it was, exactly once."""
    if run == AS_IT_WAS:
        yield replace(person, stages=_stages(day, person, random, keep=True))
        return
    if person.slot_at is None:
        for _ in range(_poisson(random, share)):
            yield replace(
                person,
                arrived_at=_within_tickets(day, _jittered(person, random)),
                stages=_stages(day, person, random),
            )
        return
    for _ in range(floor(share + random.random()) if share != 1 else 1):
        late = random.choice(day.habits.lateness[person.service] or [Lateness(0)])
        yield replace(
            person,
            arrived_at=None if late.late_us is None else _on_the_day(day, person.slot_at + late.late_us),
            announced_late=late.announced,
            told_at=None if late.told_us is None else person.slot_at + late.told_us,
            stages=_stages(day, person, random),
        )


def _stages(day: DayToPlay, person: Person, random: Random, *, keep: bool = False) -> tuple[Stage, ...]:
    """The calls of a person: those that served them take as long as another's of the same service did."""
    takes = day.habits.takes_us
    if not person.stages:
        services = (person.service, *person.then)
        return tuple(Stage(service=name, takes_us=random.choice(takes[name])) for name in services)
    if keep:
        return person.stages
    return tuple(
        replace(stage, takes_us=random.choice(takes[stage.service]))
        if stage.end is End.DONE and stage.service in takes
        else stage
        for stage in person.stages
    )


def _poisson(random: Random, mean: float) -> int:
    """A Poisson number by multiplication (Knuth, TAOCP vol. 2, 3.4.1), for means of a few."""
    limit, product, count = exp(-mean), random.random(), 0
    while product > limit:
        count += 1
        product *= random.random()
    return count


def _jittered(person: Person, random: Random) -> int:
    assert person.arrived_at is not None
    return person.arrived_at + round(random.uniform(-JITTER_S, JITTER_S) * SECOND)


def _within_tickets(day: DayToPlay, instant: int) -> int:
    """The nearest moment at which a walk-in may draw a ticket."""
    calendar = day.house.calendar
    windows = [
        (begin - calendar.tickets_start_s * SECOND, end - calendar.tickets_stop_s * SECOND - 1)
        for begin, end in day.openings
    ]
    return min((min(max(instant, begin), end) for begin, end in windows), key=lambda at: abs(at - instant))


def _on_the_day(day: DayToPlay, instant: int) -> int:
    return max(instant, day.house.calendar.midnight_before(day.date))


# --- hours --------------------------------------------------------------------------------------------


def stretch(old: tuple[Period, ...], new: tuple[Period, ...]) -> Callable[[int], int]:
    """What becomes of an instant when other hours are kept: the same share of the open time lies before it.

    Before the first opening and after the last closing, it keeps its distance from these.
    """
    total_old, total_new = (sum(end - begin for begin, end in hours) for hours in (old, new))

    def moved(instant: int) -> int:
        if not old or instant <= old[0][0]:
            return instant + new[0][0] - (old[0][0] if old else new[0][0])
        if instant >= old[-1][1]:
            return instant + new[-1][1] - old[-1][1]
        open_before = sum(max(0, min(instant, end) - begin) for begin, end in old)
        left = open_before * total_new // total_old
        for begin, end in new:
            if left <= end - begin:
                return begin + left
            left -= end - begin
        return new[-1][1]

    return moved


def _moved(person: Person, move: Callable[[int], int]) -> Person:
    """Who has an appointment reports as far from it as before; only walk-ins follow the hours alone."""
    if person.slot_at is None:
        assert person.arrived_at is not None
        return replace(person, arrived_at=move(person.arrived_at))
    by = move(person.slot_at) - person.slot_at
    return replace(
        person,
        slot_at=person.slot_at + by,
        arrived_at=None if person.arrived_at is None else person.arrived_at + by,
        told_at=None if person.told_at is None else person.told_at + by,
    )


# --- counters -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Delays:
    """How long a counter that could call lets pass; with the change as without it."""

    day: DayToPlay
    seed: int
    run: int

    def __call__(self, counter: str, nth: int) -> int:
        delays = self.day.habits.delays_us
        if self.run == AS_IT_WAS and self.day.recorded is not None:
            known = self.day.recorded.delays_us.get(counter, ())
            if nth < len(known):
                return known[nth]
            return delays[len(delays) // 2]
        return Random(f"{self.seed} {self.run} {counter} {nth}").choice(delays)
