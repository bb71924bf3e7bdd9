"""The two axes of ``server.domain.punctuality``, told over columns of slots, and what is counted by them.

Row by row they are the same as the functions there, which say what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from server.domain.appointment import Booking
from server.domain.day import Status
from server.domain.house import House
from server.domain.punctuality import ENDED, Arrival, Outcome, Policy, Table
from server.domain.schedule import SECOND
from server.figures import dimensions
from server.figures.report import BadQuestion, Value
from server.figures.slots import NONE, STATES, STATUSES, Codes, Slots

GROUPS = 5000
"""Groups in one answer at most."""

BIN_S = 300
BINS = 12
"""Bins of five minutes on each side of the slot; what lies further off is in one more on each side."""

ARRIVALS, OUTCOMES = tuple(Arrival), tuple(Outcome)
_PENDING = OUTCOMES.index(Outcome.PENDING)


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds of so many appointments; the quantiles are by nearest rank, all None where there is none."""

    appointments: int = 0
    mean_s: float | None = None
    p50_s: float | None = None
    p90_s: float | None = None
    p95_s: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of the slots that have these values in common.

    ``table`` has the counts, and in its properties every denominator; its lists of seconds are empty, the
    spreads stand for them. ``wait`` counts early calls 0.
    """

    of: tuple[Value, ...]
    table: Table
    wait: Spread
    city_lateness: Spread
    call_minus_slot: Spread


@dataclass(frozen=True, slots=True)
class Bin:
    """How many reported from ``from_s`` seconds after their slot to before ``to_s``; None is without end."""

    from_s: int | None
    to_s: int | None
    slots: int


def arrivals(found: Slots, policy: Policy) -> Codes:
    """When each citizen reported, as a place in :data:`ARRIVALS`."""
    early = found.reported_at - found.slot_at < -policy.early_s * SECOND
    # Where no later time was named, told_at lies before every slot.
    late = found.reported_at - np.maximum(found.slot_at, found.told_at)
    return _choose(
        (found.reported_at == NONE, ARRIVALS.index(Arrival.NEVER)),
        (early, ARRIVALS.index(Arrival.EARLY)),
        (late <= 0, ARRIVALS.index(Arrival.ON_TIME)),
        (late <= policy.grace_s * SECOND, ARRIVALS.index(Arrival.GRACE)),
        otherwise=ARRIVALS.index(Arrival.LATE),
    )


def outcomes(found: Slots, policy: Policy) -> Codes:
    """What became of each appointment, as a place in :data:`OUTCOMES`."""
    ended = np.array([OUTCOMES.index(ENDED.get(status, Outcome.PENDING)) for status in STATUSES])
    ahead = found.slot_at - found.cancelled_at
    in_time = (found.cancelled_at != NONE) & (ahead >= policy.cancel_in_time_s * SECOND)
    cancelled = np.where(
        in_time,
        OUTCOMES.index(Outcome.CANCELLED_IN_TIME),
        OUTCOMES.index(Outcome.CANCELLED_TOO_LATE),
    )
    cancelled = np.where(found.by_city == 1, OUTCOMES.index(Outcome.CANCELLED_BY_CITY), cancelled)
    return _choose(
        (found.rebooked == 1, OUTCOMES.index(Outcome.REBOOKED)),
        (found.status != NONE, ended[found.status]),
        (found.state == STATES.index(Booking.CANCELLED), cancelled),
        (found.came == 1, OUTCOMES.index(Outcome.CAME)),
        (found.state == STATES.index(Booking.NEVER), OUTCOMES.index(Outcome.MISSED)),
        otherwise=_PENDING,
    )


def _choose(*cases: tuple[npt.NDArray[np.bool_], Codes | int], otherwise: int) -> Codes:
    """The value of the first case that holds."""
    codes: Codes = np.full(len(cases[0][0]), otherwise, np.int64)
    for holds, value in reversed(cases):
        codes = np.where(holds, value, codes)
    return codes


def distribution(found: Slots, policy: Policy) -> list[Bin]:
    """How far from their slot people reported, of those whose outcome is known."""
    there = (found.reported_at != NONE) & (outcomes(found, policy) != _PENDING)
    after = (found.reported_at[there] - found.slot_at[there]) // (BIN_S * SECOND)
    counts = np.bincount(np.clip(after, -BINS - 1, BINS) + BINS + 1, minlength=2 * BINS + 2)
    return [
        Bin(
            None if edge < -BINS else edge * BIN_S,
            None if edge == BINS else (edge + 1) * BIN_S,
            int(counts[edge + BINS + 1]),
        )
        for edge in range(-BINS - 1, BINS + 1)
    ]


def told(
    found: Slots, house: House, policy: Policy, by: Sequence[str], first: date, last: date
) -> list[Group]:
    """The figures of each group that occurs, in order; of all slots in one group where ``by`` is empty.

    Raises :class:`BadQuestion` where there are more than :data:`GROUPS`.
    """
    key = np.zeros(len(found), np.int64)
    divided = [dimensions.keys(found, house, name, first, last) for name in by]
    for each in divided:
        key = key * len(each.values) + each.places
    # One group is there even of nothing: an empty day has its figures too.
    occurring, group = np.unique(key, return_inverse=True) if by else (np.zeros(1, np.int64), key)
    if len(occurring) > GROUPS:
        raise BadQuestion(f"by: {len(occurring)} groups, at most {GROUPS}: ask for less at once")
    count = len(occurring)
    what = outcomes(found, policy)
    pair = (group * len(ARRIVALS) + arrivals(found, policy)) * len(OUTCOMES) + what
    shape = (count, len(ARRIVALS), len(OUTCOMES))
    counts = np.bincount(pair, minlength=count * len(ARRIVALS) * len(OUTCOMES)).reshape(shape)
    in_vain = (found.status == STATUSES.index(Status.NOT_PRESENT)) & (found.rebooked == 0)
    not_present = np.bincount(group[in_vain], minlength=count)
    called = (found.reported_at != NONE) & (found.first_called_at != NONE) & (what != _PENDING)
    begin = np.maximum(found.slot_at, found.reported_at)[called]
    calls, whose = found.first_called_at[called], group[called]
    city = _ordered(calls - begin, whose, count)
    raw = _ordered(calls - found.slot_at[called], whose, count)
    made = []
    for place, values in enumerate(_values(occurring, divided)):
        table = Table(
            policy=policy.version,
            counts={
                (arrival, outcome): int(number)
                for arrival, row in zip(ARRIVALS, counts[place], strict=True)
                for outcome, number in zip(OUTCOMES, row, strict=True)
                if number and outcome is not Outcome.PENDING
            },
            not_present=int(not_present[place]),
            pending=int(counts[place, :, _PENDING].sum()),
        )
        wait = _spread(np.maximum(city[place], 0))
        made.append(Group(values, table, wait, _spread(city[place]), _spread(raw[place])))
    return made


def _values(occurring: Codes, divided: Sequence[dimensions.Keys]) -> list[tuple[Value, ...]]:
    columns: list[list[Value]] = []
    rest = occurring
    for each in reversed(divided):
        columns.insert(0, [each.values[place] for place in rest % len(each.values)])
        rest = rest // len(each.values)
    return list(zip(*columns, strict=True)) if columns else [()]


def _ordered(microseconds: Codes, group: Codes, count: int) -> list[Codes]:
    """These durations by group, each in order: one sort of them all is quicker than one for each."""
    if not len(microseconds):
        return [microseconds] * count
    least = int(microseconds.min())
    width = int(microseconds.max()) - least + 1
    ordered = np.sort(group * width + (microseconds - least)) % width + least
    ends = np.cumsum(np.bincount(group, minlength=count))
    return np.split(ordered, ends[:-1])


def _spread(ordered: Codes) -> Spread:
    count = len(ordered)
    if not count:
        return Spread()

    def rank(percent: int) -> float:
        return round(int(ordered[-(-percent * count // 100) - 1]) / SECOND, 1)

    mean = round(int(ordered.sum()) / count / SECOND, 1)
    return Spread(count, mean, rank(50), rank(90), rank(95))
