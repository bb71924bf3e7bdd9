"""An experiment with reminders: its arms, and between which days appointments come into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from server.domain.messages import Step

WHOLE = 1000
"""The shares of all arms together: they are whole thousandths, so that their sum is exact."""


class Wording(StrEnum):
    """How a reminder puts it."""

    PLAIN = "plain"
    """As every reminder of the house."""
    COST = "cost"
    """With what a missed appointment costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way of reminding people; an empty ladder reminds nobody. ``share`` is in thousandths."""

    id: str
    share: int
    ladder: tuple[Step, ...]
    wording: Wording = Wording.PLAIN

    @property
    def probability(self) -> float:
        """How likely an appointment is to come into this arm, from 0 to 1."""
        return self.share / WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Arms that appointments are drawn into which are first booked from ``starts`` to ``ends``.

    Both are local days of the house, and included. ``services`` are those that take part; none is named
    where all do. Discreet ones never do. ``approved_by`` answers for an arm that reminds nobody.
    """

    id: str
    starts: date
    ends: date
    arms: tuple[Arm, ...]
    services: frozenset[str] = frozenset()
    approved_by: str = ""
