"""Which counter takes which service, learned from whom it called."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DAILY = 0.93
"""What a day old weighs against today."""

OFTEN = 20
"""A counter's skills are reckoned again after so many of its calls."""


class Skills:
    """Calls by counter and service, with a memory that fades over some weeks."""

    def __init__(self) -> None:
        self.calls: dict[str, dict[int, float]] = {}
        self.mix: dict[int, float] = {}
        self._known: dict[str, tuple[float, npt.NDArray[np.float32]]] = {}

    def called(self, counter: str, service: int) -> None:
        """A counter called somebody."""
        own = self.calls.setdefault(counter, {})
        own[service] = own.get(service, 0.0) + 1
        self.mix[service] = self.mix.get(service, 0.0) + 1

    def of(self, counter: str, services: int) -> npt.NDArray[np.float32]:
        """How surely a counter takes each of the services, 0 to 1.

        1 where its share of a service is at least half of what all counters' calls would let expect; a
        counter of which nothing is known takes everything.
        """
        total = sum(self.calls.get(counter, {}).values())
        known = self._known.get(counter)
        if known is None or len(known[1]) != services or not known[0] - OFTEN < total < known[0] + OFTEN:
            known = self._known[counter] = total, self._reckoned(counter, total, services)
        return known[1]

    def _reckoned(self, counter: str, total: float, services: int) -> npt.NDArray[np.float32]:
        own = self.calls.get(counter, {})
        everybody = max(1.0, sum(self.mix.values()))
        expected = np.array([total * self.mix.get(s, 0.0) / everybody for s in range(services)])
        called = np.array([own.get(s, 0.0) for s in range(services)])
        surely: npt.NDArray[np.float32] = np.minimum(1, 2 * (called + 1) / (expected + 1)).astype(np.float32)
        return surely

    def fade(self) -> None:
        """A day passes."""
        self.calls = {
            counter: {service: count * DAILY for service, count in own.items()}
            for counter, own in self.calls.items()
        }
        self.mix = {service: count * DAILY for service, count in self.mix.items()}
        self._known.clear()
