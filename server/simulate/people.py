"""How people at a front office behave: the distributions that a planned day is drawn from.

Every function takes the :class:`random.Random` to draw from and is otherwise pure. Durations are
seconds of house time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from random import Random

from server.domain.house import Kind, Service

NEVER_SHARE = 0.07
"""Share of the appointments that stand whose people never report (the city's talk, November 2019)."""
LATE_SHARE = 0.09
"""Share that reports later than the grace: with those who never report 16 in a hundred."""
GRACE_S = 300

# Minutes before the end of the grace at which punctual people report: lognormal, fitted to two
# points of arrivals elsewhere (half of all who come are there 8 minutes early, 5 % 46 minutes).
_EARLY_MU, _EARLY_SIGMA = 2.67, 0.79
_EARLIEST_S = 90 * 60

# Minutes after the grace at which late people report: Weibull, so that with 7 points who never
# come, 28 % of those absent at +10 minutes still come, and 10 % of those absent at +20.
_LATE_SCALE, _LATE_SHAPE = 3.8, 0.65
_LATEST_S = 60 * 60

HANDLING_MEAN = 0.85
"""Mean handling time over the target: a target is set so that most people are helped within it."""
HANDLING_SIGMA = 0.45
EXPRESS_LONGEST_S = 239
"""The express desk is for what takes under four minutes."""


class Answer(StrEnum):
    """What a person does when called."""

    COMES = "comes"
    ON_RECALL = "on-recall"
    RETURNS = "returns"
    GONE = "gone"


class Aside(StrEnum):
    """What interrupts the handling of a person."""

    PARK = "park"
    TRANSFER = "transfer"
    SLIP = "slip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """After the share ``after`` of the handling: a paper to fetch, a desk to go on to, a slip.

    ``away_s`` is how long a parked person is away; ``service`` where a transferred one goes; a slip
    is a "finish" pressed too early, and taken back.
    """

    kind: Aside
    after: float
    away_s: float = 0.0
    service: str | None = None
    accompanied: bool = False


def arrival_s(draw: Random) -> float:
    """Report minus slot of an appointment whose person comes; negative is early."""
    if draw.random() < LATE_SHARE / (1 - NEVER_SHARE):
        late_s = 60 * draw.weibullvariate(_LATE_SCALE, _LATE_SHAPE)
        return GRACE_S + min(1 + late_s, _LATEST_S)
    return max(GRACE_S - 60 * draw.lognormvariate(_EARLY_MU, _EARLY_SIGMA), -_EARLIEST_S)


def handling_s(draw: Random, service: Service) -> float:
    """How long a person sits at the counter: lognormal around the service's target."""
    mean = HANDLING_MEAN * service.target_s
    drawn = mean * draw.lognormvariate(-HANDLING_SIGMA * HANDLING_SIGMA / 2, HANDLING_SIGMA)
    longest = EXPRESS_LONGEST_S if service.kind is Kind.EXPRESS else 3.5 * service.target_s
    return max(20.0, min(drawn, longest))


def walk_s(draw: Random) -> float:
    """From a seat in the hall to the counter."""
    return draw.triangular(8, 45, 15)


def patience_s(draw: Random) -> float:
    """How long a person waits beyond the own slot before leaving; a few have a bus to catch."""
    if draw.random() < 0.04:
        return draw.uniform(4 * 60, 15 * 60)
    return 60 * draw.lognormvariate(4.2, 0.5)


def answer(draw: Random) -> Answer:
    """Nearly everyone comes at once; some are outside with a telephone."""
    (drawn,) = draw.choices(list(Answer), weights=(960, 22, 8, 10))
    return drawn


def persons(draw: Random) -> int:
    """How many people come together."""
    return draw.choices((1, 2, 3, 4, 5), weights=(930, 40, 15, 10, 5))[0]


def language(draw: Random) -> str | None:
    """The language a person would rather speak, where it is not the house's."""
    return draw.choices((None, "fr", "en", "ar", "tr", "es"), weights=(920, 25, 25, 15, 10, 5))[0]


def around(draw: Random, mean: float, *, spread: float) -> int:
    """A count around ``mean``: normal, with ``spread`` as a share of the mean beside its own noise."""
    return max(0, round(draw.gauss(mean, sqrt(mean + (spread * mean) ** 2))))
