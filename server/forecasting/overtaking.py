"""Who is called before whom: the order of arrival is not the order of calls, and how far is learned."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import numpy.typing as npt

BOUNDS_S = (0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0, 120.0, 180.0, 300.0, 600.0)
"""By how many seconds the other came later: where each class begins."""

DAILY = 0.97
"""What a day old weighs against today."""

DOUBT = 8.0
"""So many pairs of people weigh as much as what is known of all pairs of their services."""


class Overtaking:
    """Pairs of people who waited at the same time, by their services and who much later the second came."""

    def __init__(self) -> None:
        self.passed = np.zeros((0, 0, len(BOUNDS_S)))
        self.pairs = np.zeros((0, 0, len(BOUNDS_S)))

    def grow(self, services: int) -> None:
        """Room for so many services."""
        more = services - len(self.passed)
        if more > 0:
            self.passed = np.pad(self.passed, ((0, more), (0, more), (0, 0)))
            self.pairs = np.pad(self.pairs, ((0, more), (0, more), (0, 0)))

    def called(self, service: int, other: int, later_s: float) -> None:
        """Somebody of ``service`` was called while one of ``other`` still waits, who came ``later_s`` later.

        Negative where the other came first, and is overtaken.
        """
        if later_s < 0:
            place = other, service, bisect_right(BOUNDS_S, -later_s) - 1
            self.passed[place] += 1
        else:
            place = service, other, bisect_right(BOUNDS_S, later_s) - 1
        self.pairs[place] += 1

    def fade(self) -> None:
        """A day passes."""
        self.passed *= DAILY
        self.pairs *= DAILY

    def table(self) -> npt.NDArray[np.float32]:
        """The chance to be overtaken, (services, services of the later one, classes of BOUNDS_S).

        What few pairs say is drawn towards all pairs of those services, and that towards everybody.
        """
        everybody = (self.passed.sum((0, 1)) + 1) / (self.pairs.sum((0, 1)) + 10)
        both = (self.passed.sum(2)[..., None] + 4 * everybody) / (self.pairs.sum(2)[..., None] + 4)
        chance: npt.NDArray[np.float32] = ((self.passed + DOUBT * both) / (self.pairs + DOUBT)).astype(
            np.float32
        )
        return chance
