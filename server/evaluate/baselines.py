"""What others use to say how long it takes, each as a number of seconds and made a range from its own past.

Each gets what is fair: it knows the measured handling times, and its range is read off past waits that had
about the same number. What it knows of a row it knows when that happened.
"""

from __future__ import annotations

from collections import Counter as Count
from collections import defaultdict, deque

import numpy as np

from server.forecasting.calibration import LEVELS
from server.forecasting.handling import USUAL_S
from server.forecasting.learner import START
from server.forecasting.scene import Scene
from server.forecasting.tables import Floats

SECOND = 1_000_000

METHODS = ("rolling", "queue_length", "les", "hol", "city_formula")

TAKES = 0.02
"""A counter takes a service that is at least this share of its calls."""

BINS, IN_BIN = 40, 50
"""At most so many bins, of at least so many waits."""

KEPT = 100_000


class Memory:
    """What the methods remember: the latest waits, mean handling times, and whom each counter called."""

    def __init__(self) -> None:
        self.rolling: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=10))
        self.handled: dict[str, tuple[float, int]] = {}
        self.calls: defaultdict[str, Count[str]] = defaultdict(Count)

    def called(self, counter: str, service: str, waited_s: float) -> None:
        """Somebody was called."""
        self.calls[counter][service] += 1
        if waited_s > 0:
            self.rolling[service].append(waited_s)

    def ended(self, service: str, seconds: float) -> None:
        """Somebody was served for so long."""
        total, people = self.handled.get(service, (0.0, 0))
        self.handled[service] = total + seconds, people + 1

    def mean_s(self, service: str) -> float:
        """The mean handling time of a service; of all where it was never measured."""
        total, people = self.handled.get(service, (0.0, 0))
        return total / people if people else self.overall_s()

    def overall_s(self) -> float:
        """The mean handling time of everybody."""
        people = sum(number for _total, number in self.handled.values())
        return sum(total for total, _number in self.handled.values()) / people if people else USUAL_S

    def takes(self, counter: str, service: str) -> bool:
        """Whether a counter takes a service, as far as its calls tell."""
        calls = self.calls[counter]
        return calls[service] >= TAKES * calls.total()


def points(memory: Memory, scene: Scene, service: str) -> tuple[float, ...]:
    """Seconds until a newcomer would be called, by each of METHODS."""
    waits = memory.rolling[service]
    oldest = min((one.since for one in scene.waiting), default=scene.now)
    return (
        sum(waits) / len(waits) if waits else 0.0,
        queue_length(memory, scene, service),
        waits[-1] if waits else 0.0,
        (scene.now - oldest) / SECOND,
        city_formula(memory, scene),
    )


def queue_length(memory: Memory, scene: Scene, service: str) -> float:
    """The handling times of those ahead and one's own, over the open counters that take the service.

    Somebody ahead counts by the share of their own counters that take this service too.
    """
    mine = {each.id for each in scene.counters if memory.takes(each.id, service)}
    work_s = memory.mean_s(service)
    for other, people in Count(one.service for one in scene.waiting).items():
        theirs = [each.id for each in scene.counters if memory.takes(each.id, other)]
        if theirs:
            work_s += people * memory.mean_s(other) * sum(name in mine for name in theirs) / len(theirs)
    return work_s / max(1, len(mine))


def city_formula(memory: Memory, scene: Scene) -> float:
    """The published formula of a large city's system: its pessimistic end, the better one here.

    A slot is the configured minutes (here: the mean measured time) over the open counters; pessimistic is
    (position + 1) slots; optimistic, not used, 0.8 slots for each person beyond the number of counters.
    """
    slot_s = memory.overall_s() / max(1, len(scene.counters))
    return (len(scene.waiting) + 1 + 1) * slot_s


class Ranges:
    """From a number of seconds to P10, P50, P90 and mean, as past waits with about that number had them."""

    def __init__(self) -> None:
        self._points: deque[float] = deque(maxlen=KEPT)
        self._waits: deque[float] = deque(maxlen=KEPT)
        self._bounds: Floats | None = None
        self._bounds_all: Floats = np.zeros(0, np.float32)
        self._ranges: Floats = np.zeros((1, 4), np.float32)
        self._none: Floats = np.full(1, 0.5, np.float32)

    def add(self, point: float, waited_s: float) -> None:
        """A number and what came of it; 0 where nobody had to wait, -1 where the person left."""
        self._points.append(point)
        self._waits.append(waited_s)

    def learn(self) -> None:
        """Make the bins from what is known by now."""
        numbers, waits = np.array(self._points), np.array(self._waits)
        waited = waits > 0
        if waited.sum() < 3:
            return
        self._bounds = _bounds(numbers[waited])
        place = np.searchsorted(self._bounds, numbers[waited])
        bins = [waits[waited][place == number] for number in range(len(self._bounds) + 1)]
        self._ranges = np.array([[*np.quantile(each, LEVELS), each.mean()] for each in bins], np.float32)
        self._bounds_all = _bounds(numbers)
        place = np.searchsorted(self._bounds_all, numbers)
        none = np.bincount(place, waits == 0, len(self._bounds_all) + 1)
        self._none = (none / np.bincount(place, minlength=len(self._bounds_all) + 1)).astype(np.float32)

    def answer(self, point: float) -> tuple[Floats, float]:
        """P10, P50, P90 and mean of a wait, and the chance of none."""
        none = float(self._none[np.searchsorted(self._bounds_all, point)])
        if self._bounds is None:
            guess = np.array([*np.cumsum(np.logaddexp(0, START[:3])), 1], np.float32)
            return (max(10.0, point) * guess).astype(np.float32), none
        found: Floats = self._ranges[np.searchsorted(self._bounds, point)]
        return found, none


def _bounds(numbers: Floats) -> Floats:
    """Bounds between bins of about the same number; no bin is empty."""
    bins = int(min(BINS, max(1, len(numbers) // IN_BIN)))
    found: Floats = np.unique(np.quantile(numbers, np.arange(1, bins) / bins, method="lower"))
    below: Floats = found[found < numbers.max(initial=0)]
    return below
