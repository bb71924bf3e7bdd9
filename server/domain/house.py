"""The house as it is configured: services, counters, and the numbers of its rules.

A :class:`House` is what decisions need to know and the journal does not tell. It is a plain
value, made by ``server.settings``; folding the journal needs none of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from server.domain.alerts import Alerts
from server.domain.experiment import Experiment
from server.domain.messages import Messages, Step
from server.domain.punctuality import Policy
from server.domain.schedule import Calendar
from server.domain.theme import Theme


class Kind(StrEnum):
    """What sort of work a service is."""

    RECEPTION = "reception"
    EXPRESS = "express"
    THEME = "theme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What a citizen comes for.

    ``range`` is the letter of the number range that its tickets draw from, ``target_s`` the
    handling time aimed at in seconds. ``grace_s`` is how long after its slot an appointment may
    report and still count as due; ``late_limit_s`` the same for who announced being late;
    ``waiting_limit_s`` the wait after which a walk-in may pass appointments.
    A ``discreet`` service draws from the commonest range and is named on no screen.
    """

    id: str
    name: str
    kind: Kind
    range: str
    target_s: int
    walk_ins: bool = True
    appointments: bool = True
    grace_s: int = 300
    late_limit_s: int = 1200
    waiting_limit_s: int = 1200
    discreet: bool = False
    ladder: tuple[Step, ...] | None = None
    """When its people are reminded, where that is not as the site does it."""
    bring: dict[str, str] = field(default_factory=dict)
    """What to bring, by language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterPlan:
    """A place where staff serve: what it offers, and what it helps with when it would stand idle."""

    id: str
    services: frozenset[str]
    overflow: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenPlan:
    """A hall screen: where it hangs, and from how far it is read.

    ``width_mm`` and ``height_mm`` measure its picture as it hangs. Screens of one ``zone`` are heard
    together, so only one of them ``sounds``. ``rows`` are the older calls under the newest one; None
    is as many as can be read from ``distance_m``.
    """

    id: str
    name: str
    zone: str = "hall"
    sounds: bool = True
    distance_m: float = 4.0
    width_mm: int = 1210
    height_mm: int = 680
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm:
    """The service level that the house aims at: so many of a hundred who are called wait at most so long.

    Front offices publish norms of 5 to 20 minutes; most common, and what Tilburg holds itself to, is ten, and
    80 of a hundred the usual share (Wisconsin's, for one).
    """

    within_s: int = 600
    percent: int = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One site: its services, counters, calendar, and the numbers of its rules."""

    site: str
    name: str
    calendar: Calendar
    services: dict[str, Service]
    counters: dict[str, CounterPlan]
    screens: dict[str, ScreenPlan] = field(default_factory=dict)
    overdue_every: int = 3
    """*k*: at most one in this many calls of a counter puts an overdue walk-in before appointments."""
    recalls_before_no_show: int = 1
    undo_s: int = 120
    call_shown_s: int = 600
    """How long a call stays on the hall screen, at most."""
    notice: str = ""
    languages: tuple[str, ...] = field(default=("nl",))
    region: str = "BE"
    """The country of telephone numbers that name none, as ISO 3166-1 alpha-2."""
    messages: Messages = field(default_factory=Messages)
    alerts: Alerts = field(default_factory=Alerts)
    experiment: Experiment | None = None
    punctuality: tuple[Policy, ...] = (Policy(),)
    """Where the lines of its figures are drawn: the last counts, those before it can be asked for."""
    theme: Theme = field(default_factory=Theme)
    norm: Norm = field(default_factory=Norm)
    public_calibration: bool = False
    """Whether anybody may read how well waiting times were promised."""

    @property
    def policy(self) -> Policy:
        """The policy of punctuality that counts."""
        return self.punctuality[-1]

    def home_counters(self, service: str) -> tuple[CounterPlan, ...]:
        """The counters that offer this service as their own work."""
        return tuple(plan for plan in self.counters.values() if service in plan.services)
