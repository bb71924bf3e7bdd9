"""How often something happened lately, with a memory that fades."""

from __future__ import annotations

import math

SPANS_S = (60.0, 300.0, 1200.0)
"""What the memories reach back, in seconds: each forgets all but 1/e in that time."""


class Rate:
    """Events a second over each of ``SPANS_S``. Times are in seconds and never go back."""

    __slots__ = ("_at", "_values")

    def __init__(self) -> None:
        self._at = 0.0
        self._values = [0.0] * len(SPANS_S)

    def happened(self, now_s: float) -> None:
        """One event."""
        self._values = [value + 1 / span for value, span in zip(self.lately(now_s), SPANS_S, strict=True)]
        self._at = now_s

    def lately(self, now_s: float) -> list[float]:
        """Events a second, for each of ``SPANS_S``."""
        passed = max(0.0, now_s - self._at)
        return [value * math.exp(-passed / span) for value, span in zip(self._values, SPANS_S, strict=True)]
