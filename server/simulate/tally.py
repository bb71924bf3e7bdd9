"""What the simulated people did and met since the last evening, for the line of progress and for its end."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from server.simulate.outside import Refusal

log = logging.getLogger("onthaal.simulate")


@dataclass(slots=True)
class Tally:
    """Counts since the last evening: calls of tickets, messages sent, answers by kind, ratings of visits,
    refusals by code.
    """

    calls: int = 0
    messages: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    ratings: int = 0
    refusals: Counter[str] = field(default_factory=Counter)

    def refused(self, refusal: Refusal) -> None:
        """Count a refusal and tell it: none is hidden."""
        log.warning("refused: %s", refusal)
        self.refusals[refusal.code] += 1

    @contextmanager
    def tolerating(self, *codes: str) -> Iterator[None]:
        """Refusals that life brings with it are passed over; all others are counted as well."""
        try:
            yield
        except Refusal as refusal:
            if refusal.code not in codes:
                self.refused(refusal)

    def clear(self) -> None:
        """Begin anew."""
        self.calls = self.messages = self.ratings = 0
        self.answers.clear()
        self.refusals.clear()
