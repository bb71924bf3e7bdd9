"""Recorded days lived through once more, in the order of their times, with forecasts asked at each arrival.

At one instant first who is served ends, then people leave, are called, and arrive; who is called in the very
second of the arrival is asked about before that. A forecast is reckoned from what was kept at its own moment,
and corrected by the answers that had come by then; nothing of a row is known before its own time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from server.evaluate.baselines import METHODS, Memory, Ranges, points
from server.evaluate.table import Row
from server.forecasting.model import Model, Raw
from server.forecasting.moments import Seen
from server.forecasting.past import SECOND
from server.forecasting.scene import Counter, Scene, Waiting, everybody, newcomer
from server.forecasting.tables import Floats, Ints

OWN = "onthaal"

ON_DUTY_US = 1800 * SECOND
"""A counter that has served nobody for longer has gone, where no openings are recorded."""

IN_BETWEEN = 4
"""At every so many arrivals one of those who wait is asked about too, to learn from."""

YOUNG = 1500
"""Until so many answers are there forecasts learn every hour, then every night."""

HOUR_US = 3600 * SECOND


class Step(IntEnum):
    """What happens to a row, in the order in which it counts at one instant."""

    ENDED, LEFT, CALLED, ARRIVED, CALLED_AT_ONCE, ENDED_AT_ONCE, LEFT_AT_ONCE = range(7)


@dataclass(slots=True)
class Asked:
    """A question and, as soon as they are reckoned, the forecasts.

    What it saw is let go then, and the answer before calibration when the wait is over: a month has many.
    """

    row: int
    at: int
    seen: Seen | None
    points: tuple[float, ...]
    shown: bool
    place: int = 0
    raw: Raw | None = None
    forecasts: list[tuple[Floats, float]] = field(default_factory=list)
    """Of onthaal and each of METHODS: P10, P50, P90 and mean; the chance of no wait."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Forecasts and what came: for n who waited and were served, for m of whom it is known if they waited."""

    waits: Floats
    """(n,) seconds."""
    arrived_at: Ints
    """(n,) microseconds UTC."""
    days: Ints
    """(n,) local days, since 1970."""
    forecasts: dict[str, Floats]
    """(n, 4) for each method: P10, P50, P90 and mean, in seconds."""
    none: Floats
    """(m,) 1 where there was no wait, else 0."""
    chances: dict[str, Floats]
    """(m,) for each method."""
    left: int
    """How many left without being called."""


def events(rows: list[Row]) -> Iterator[tuple[int, Step, int]]:
    """Instant, step and number of the row, in order."""
    found: list[tuple[int, Step, int]] = []
    for number, row in enumerate(rows):
        found.append((row.arrived_at, Step.ARRIVED, number))
        if row.called_at is not None and row.ended_at is not None:
            at_once = row.called_at == row.arrived_at
            found.append((row.called_at, Step.CALLED_AT_ONCE if at_once else Step.CALLED, number))
            in_a_moment = row.ended_at == row.called_at
            found.append((row.ended_at, Step.ENDED_AT_ONCE if in_a_moment else Step.ENDED, number))
        elif row.left_at is not None:
            at_once = row.left_at == row.arrived_at
            found.append((row.left_at, Step.LEFT_AT_ONCE if at_once else Step.LEFT, number))
    found.sort()
    yield from found


class Run:
    """The model and the other methods, fed with rows; call :meth:`train`, then :meth:`outcome`."""

    def __init__(self, seed: int = 1, progress: Callable[[int], None] | None = None) -> None:
        self.model = Model(seed)
        self.memory = Memory()
        self.ranges = {name: Ranges() for name in METHODS}
        self._progress = progress
        self._done = 0

    def train(self, rows: list[Row]) -> None:
        """Earlier months: everything is learned from them, nothing is forecast."""
        for _asked in self._through(rows, shown=False):
            pass
        self.model.learn()
        self._learn_ranges()

    def outcome(self, rows: list[Row]) -> Outcome:
        """The months to forecast."""
        asked = [one for one in self._through(rows, shown=True) if one.shown]
        known = [one for one in asked if not _vanished(rows[one.row])]
        waited = [one for one in asked if (rows[one.row].waited_s or 0) > 0]
        names = (OWN, *METHODS)
        return Outcome(
            waits=np.array([rows[one.row].waited_s for one in waited], np.float32),
            arrived_at=np.array([one.at for one in waited], np.int64),
            days=np.array([rows[one.row].day for one in waited], np.int64),
            forecasts={
                name: np.array([one.forecasts[place][0] for one in waited], np.float32).reshape(-1, 4)
                for place, name in enumerate(names)
            },
            none=np.array([rows[one.row].waited_s == 0 for one in known], np.float32),
            chances={
                name: np.array([one.forecasts[place][1] for one in known], np.float32)
                for place, name in enumerate(names)
            },
            left=sum(row.left_at is not None for row in rows),
        )

    def _through(self, rows: list[Row], shown: bool) -> Iterator[Asked]:
        self.model.past.calm()
        hall = _Hall(rows)
        open_questions: dict[int, list[Asked]] = {}
        # What is asked and answered waits here until the tables change: then all is reckoned at once, each
        # question from what it kept, in the order in which it happened.
        diary: list[tuple[Asked, int | None]] = []
        learned: tuple[int, int] | None = None
        for at, step, number in events(rows):
            row = rows[number]
            if step is Step.ARRIVED:
                young = shown and self.model.lessons.size < YOUNG
                hour = at // HOUR_US if young else 0
                if learned is not None and (learned[0] != row.day or (young and learned[1] != hour)):
                    yield from self._reckon(rows, diary, shown)
                    diary = []
                    self._learn(overnight=learned[0] != row.day, shown=shown)
                learned = row.day, hour
                for asked in self._ask(hall, number, shown):
                    open_questions.setdefault(asked.row, []).append(asked)
                    diary.append((asked, None))
            elif step not in (Step.ENDED, Step.ENDED_AT_ONCE):
                diary += [(asked, at) for asked in open_questions.pop(number, ())]
            self._happens(hall, at, step, number)
        yield from self._reckon(rows, diary, shown)
        self._learn(overnight=True, shown=False)

    def _ask(self, hall: _Hall, number: int, shown: bool) -> list[Asked]:
        row = hall.rows[number]
        scene = hall.scene(row.arrived_at, row.offset_s)
        now = points(self.memory, scene, row.service)
        seen = self.model.see(newcomer(scene, row.service))
        asked = [Asked(number, row.arrived_at, seen, now, shown)]
        if number % IN_BETWEEN == 0 and scene.waiting:
            place = number // IN_BETWEEN % len(scene.waiting)
            other = list(hall.waiting)[place]
            asked.append(Asked(other, row.arrived_at, self.model.see(everybody(scene)[place]), (), False))
        return asked

    def _happens(self, hall: _Hall, at: int, step: Step, number: int) -> None:
        row, past = hall.rows[number], self.model.past
        if step is Step.ARRIVED:
            past.arrived(at, row.service)
            hall.waiting[number] = Waiting(row.service, at)
        elif step in (Step.CALLED, Step.CALLED_AT_ONCE):
            who = hall.waiting.pop(number)
            past.called(at, row.counter, who, hall.waiting.values())
            self.memory.called(row.counter, row.service, (at - who.since) / SECOND)
            hall.counters[row.counter] = Counter(row.counter, row.service, at)
        elif step in (Step.LEFT, Step.LEFT_AT_ONCE):
            past.left(at, hall.waiting.pop(number))
        else:
            began = row.called_at or at
            past.ended(at, row.counter, row.service, began, bool(hall.waiting))
            self.memory.ended(row.service, (at - began) / SECOND)
            # A counter that called somebody else meanwhile goes on with that person.
            if hall.counters[row.counter].since <= began:
                hall.counters[row.counter] = Counter(row.counter, None, at)
            self._done += 1
            if self._progress is not None and self._done % 500 == 0:
                self._progress(self._done)

    def _reckon(self, rows: list[Row], diary: list[tuple[Asked, int | None]], shown: bool) -> Iterator[Asked]:
        """Answer what was asked, and learn what came of it, in the order in which it happened."""
        asked = [one for one, answered in diary if answered is None]
        raw = self.model.answer([one.seen for one in asked if one.seen is not None])
        for place, one in enumerate(asked):
            one.raw, one.place, one.seen = raw, place, None
        for one, answered in diary:
            if one.raw is None:
                continue
            if answered is not None:
                self._answered(one, rows[one.row], answered, shown)
            elif one.shown:
                own = self.model.calibration.corrected(one.raw.seconds[one.place])
                one.forecasts = [(own, float(one.raw.no_wait[one.place]))]
                numbers = zip(METHODS, one.points, strict=True)
                one.forecasts += [self.ranges[name].answer(number) for name, number in numbers]
        yield from asked

    def _answered(self, one: Asked, row: Row, at: int, shown: bool) -> None:
        if one.raw is None:
            return
        if row.called_at is None:
            self.model.gave_up(one.raw, one.place)
            waited_s = -1.0
        else:
            waited_s = (at - one.at) / SECOND
            self.model.answered(one.raw, one.place, waited_s, calibrate=shown and one.shown)
        one.raw = None
        for name, number in zip(METHODS, one.points, strict=False):
            self.ranges[name].add(number, waited_s)

    def _learn(self, overnight: bool, shown: bool) -> None:
        if overnight:
            self.model.past.fade()
        if shown:
            self.model.learn()
            self._learn_ranges()
        else:
            self.model.keep()
            self.model.past.tabulate()

    def _learn_ranges(self) -> None:
        for each in self.ranges.values():
            each.learn()


class _Hall:
    """Who waits, and what the counters do, as far as the rows told by now."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.waiting: dict[int, Waiting] = {}
        self.counters: dict[str, Counter] = {}

    def scene(self, now: int, offset_s: int) -> Scene:
        """The hall now; a counter that is idle for too long has gone."""
        on = [
            each
            for each in self.counters.values()
            if each.serving is not None or now - each.since < ON_DUTY_US
        ]
        return Scene(now, tuple(self.waiting.values()), tuple(on), offset_s=offset_s)


def _vanished(row: Row) -> bool:
    """Whether somebody left in the second of the arrival: would there have been a wait?"""
    return row.left_at is not None and row.left_at <= row.arrived_at
