"""When a supervisor is alerted: the numbers of a site, and what an alert may be about that no view shows."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log

BY_CHANCE = 0.001
"""So unlikely must a half hour be, were it like others, to count as a late wave: once in a thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """The numbers of a site's alerts. Durations are seconds of house time, shares are in hundredths.

    An alert is raised once its cause has stood for ``tell_after_s`` without a break, and cleared once it has
    been away for ``clears_after_s`` without one. ``late_window_s`` is how far back appointments count for a
    late wave, which takes at least ``late_least`` of them; ``late_usual_percent`` are late on other days.
    Reminders fail where a channel refuses ``failing_percent`` of those that were due within the last
    ``failing_window_s``, at least ``failing_least`` of them, and has done so for ``failing_for_s``.
    """

    tell_after_s: int = 60
    clears_after_s: int = 600
    late_window_s: int = 1800
    late_least: int = 5
    late_usual_percent: int = 16
    failing_window_s: int = 3600
    failing_for_s: int = 600
    failing_least: int = 3
    failing_percent: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """Messages that do not get out through a channel: ``count`` of ``of`` since ``since``."""

    channel: str
    count: int
    of: int
    since: int


def chance(late: int, of: int, percent: int) -> float:
    """How likely so many or more of ``of`` are late where each is with a chance of ``percent`` in 100.

    The upper tail of the binomial distribution, summed over the logarithms of its terms.
    """
    if late <= 0:
        return 1.0
    if percent <= 0 or percent >= 100:
        return 0.0 if percent <= 0 else 1.0
    one, other = log(percent / 100), log(1 - percent / 100)
    terms = (
        exp(lgamma(of + 1) - lgamma(k + 1) - lgamma(of - k + 1) + k * one + (of - k) * other)
        for k in range(late, of + 1)
    )
    return min(1.0, sum(terms))


def is_wave(late: int, of: int, numbers: Alerts) -> bool:
    """Whether so many late ones are a wave: enough of them, and more than chance brings."""
    return late >= numbers.late_least and chance(late, of, numbers.late_usual_percent) < BY_CHANCE
