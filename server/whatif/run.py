"""A day played many times, without the change and with it, by the rules of the hall."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from server.domain.day import Status
from server.replay.hall import play
from server.whatif.day import DayToPlay
from server.whatif.draw import AS_IT_WAS, script
from server.whatif.scenario import Scenario

PROCESSES = 2
"""As many at most: the house's own server has its work beside this."""

WORTH_IT = 8
"""From how many runs on a second process is worth its start."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One person of a run. ``late_us`` is from slot to report, None for a walk-in or who never reported.

    ``wait_us`` goes from the later of slot and report to the first call, or until they left or the day ended;
    None for who did not come in.
    """

    service: str
    appointment: bool
    wait_us: int | None
    late_us: int | None
    status: Status | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went: its people, and for how long counters were on duty."""

    people: tuple[Passage, ...]
    staffed_us: int


Pair = tuple[Outcome, Outcome]
"""A run without the change and with it, of the same people."""


def run(day: DayToPlay, scenario: Scenario, seed: int, number: int) -> Outcome:
    """One run; the same arguments give the same."""
    house, made = script(day, scenario, seed, number)
    played = play(house, made)
    people = []
    for index, person in enumerate(made.people):
        visit = played.day.visits.get(str(index))
        wait = None
        if visit is not None:
            until = visit.first_called_at if visit.first_called_at is not None else visit.ended_at
            wait = max(0, (played.day.at if until is None else until) - visit.wait_from)
        late = None
        if visit is not None and person.slot_at is not None:
            late = visit.reported_at - max(person.slot_at, person.told_at or 0)
        people.append(
            Passage(
                person.service,
                person.slot_at is not None,
                wait,
                late,
                None if visit is None else visit.status,
            )
        )
    return Outcome(tuple(people), played.staffed_us)


def runs(
    day: DayToPlay,
    scenario: Scenario,
    seed: int,
    count: int,
    told: Callable[[int], None] = lambda _done: None,
) -> tuple[Pair | None, list[Pair]]:
    """The pair as it was, where the day is recorded, and ``count`` drawn ones. ``told`` hears of each."""
    numbers = ([] if day.recorded is None else [AS_IT_WAS]) + list(range(count))
    pairs: dict[int, Pair] = {}
    for number, pair in zip(numbers, _each(day, scenario, seed, numbers), strict=True):
        pairs[number] = pair
        told(len(pairs))
    return pairs.get(AS_IT_WAS), [pairs[number] for number in range(count)]


def _each(day: DayToPlay, scenario: Scenario, seed: int, numbers: list[int]) -> Iterator[Pair]:
    if len(numbers) < WORTH_IT or (os.cpu_count() or 1) < PROCESSES:
        yield from (_pair(day, scenario, seed, number) for number in numbers)
        return
    # Forked, so that the day need not be written out: its calendar has a function in it.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(PROCESSES, context, _begin, (day, scenario, seed)) as pool:
        yield from pool.map(_in_child, numbers)


def _pair(day: DayToPlay, scenario: Scenario, seed: int, number: int) -> Pair:
    return run(day, Scenario(), seed, number), run(day, scenario, seed, number)


_begun: list[tuple[DayToPlay, Scenario, int]] = []
"""What a child works on."""


def _begin(day: DayToPlay, scenario: Scenario, seed: int) -> None:
    _begun[:] = [(day, scenario, seed)]
    gc.disable()  # a day's values hold no cycles, and a child lives for seconds


def _in_child(number: int) -> Pair:
    return _pair(*_begun[0], number)
