"""What a hall screen has room for: type that can be read from where people stand, and how many rows of it.

Lengths are *steps*: a picture is 135 steps high, or wide where it hangs upright, so that one step is
eight pixels of 1080. The page draws with the same unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server.domain.house import ScreenPlan

CAPITAL_MM_PER_M = 12.2
"""The capital height in millimetres for each metre of distance: 0.7 degrees, EN 301 549, 5.1.4."""
CAPITAL_EM = 0.689
"""Fira Sans's capital height. The page scales any other typeface to the same."""
RESERVE = 1.02
"""How much more the start wants than the page: a panel is never exactly what its data sheet says."""
MOST_ROWS = 9
"""The hall's view has ten calls."""
STEPS = 135
MARGIN = 6
HEADS = {False: 8, True: 12}
"""The line above the newest call, with the space around it."""
ROW_EM = 1.05
RULE = 0.25
STRIP = {False: 22, True: 50}
"""The strip below at its fullest, by whether the picture is upright: ranges, clock, notice."""
NEWEST_SHARE = {False: 1 / 3, True: 0.28}
_DIGIT_EM, _HYPHEN_EM, _LETTER_EM = 0.58, 0.41, 0.85
"""The widest of each, in Fira Sans at 600."""
_ARROW_EM = 0.7
LONG_TICKET = 0.84
"""How much smaller a ticket of four digits stands in the newest call."""


class TooFar(Exception):
    """Not even the newest call can be read from there: ``readable_m`` is the distance that could be."""

    def __init__(self, readable_m: float) -> None:
        super().__init__(readable_m)
        self.readable_m = readable_m


class TooMany(Exception):
    """Fewer rows than wanted can be read from there: ``fit`` of them."""

    def __init__(self, fit: int) -> None:
        super().__init__(fit)
        self.fit = fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A hall screen's picture, in steps.

    ``newest`` and ``older`` are the type sizes of the newest call and of the ``rows`` under it,
    ``head`` is the height of the newest call's field and ``counter`` the width of the counters' column.
    ``across`` is how many steps a window must have along its longer side. ``step_mm`` is how large
    a step must be on the glass for everything to be read from ``distance_m``.
    """

    upright: bool
    rows: int
    newest: float
    older: float
    head: float
    counter: float
    across: float
    step_mm: float
    width_mm: int
    height_mm: int
    distance_m: float


def width_em(text: str) -> float:
    """How wide a text may be at most, in ems."""
    return sum(_DIGIT_EM if c.isdigit() else _HYPHEN_EM if c == "-" else _LETTER_EM for c in text)


def layout(plan: ScreenPlan, counters: Iterable[str]) -> Layout:
    """The layout of a screen in a house with these counters.

    Every ticket and counter that it shows, the newest included, has at least the capital height that
    ``plan.distance_m`` needs. Raises :class:`TooFar` or :class:`TooMany`.
    """
    upright = plan.height_mm >= plan.width_mm
    short_mm, long_mm = sorted((plan.width_mm, plan.height_mm))
    step_mm = short_mm / STEPS
    long = long_mm / step_mm / RESERVE
    width, height = (STEPS, long) if upright else (long, STEPS)
    needed = CAPITAL_MM_PER_M * plan.distance_m / CAPITAL_EM / step_mm * RESERVE

    counter_em = max(map(width_em, counters))
    # The newest ticket may stand a little smaller when it has four digits, the older ones may not.
    ticket_em = max(width_em("W000"), width_em("W0000") * LONG_TICKET)
    widest = (width - 2 * MARGIN) / (ticket_em + _ARROW_EM + counter_em)
    free = height - STRIP[upright]
    highest = (free - HEADS[upright]) / ROW_EM
    readable = min(widest, highest) * LONG_TICKET
    if needed > readable:
        raise TooFar(plan.distance_m * readable / needed)

    third = height * NEWEST_SHARE[upright]
    newest = max(min(widest, (third - HEADS[upright]) / ROW_EM), needed / LONG_TICKET)
    head = max(third, newest * ROW_EM + HEADS[upright])
    fit = min(MOST_ROWS, int((free - head) / (needed * ROW_EM + RULE)))
    # A row has no smaller type to fall back on, so its longest ticket must fit as it is.
    if (width_em("W0000") + _ARROW_EM) * needed + counter_em * newest > width - 2 * MARGIN:
        fit = 0
    rows = fit if plan.rows is None else plan.rows
    if rows > fit:
        raise TooMany(fit)
    older = needed
    column = counter_em * newest
    if rows:
        room = (width - 2 * MARGIN - column) / (width_em("W0000") + _ARROW_EM)
        older = max(needed, min(((free - head) / rows - RULE) / ROW_EM, 0.6 * newest, room))
    smallest = min(newest * LONG_TICKET, older)
    used = head + rows * (older * ROW_EM + RULE) + STRIP[True]
    return Layout(
        upright=upright,
        rows=rows,
        newest=round(newest, 3),
        older=round(older, 3),
        head=round(head, 3),
        counter=round(column, 3),
        across=round(used if upright else newest * (ticket_em + _ARROW_EM) + column + 2 * MARGIN, 3),
        step_mm=round(CAPITAL_MM_PER_M * plan.distance_m / CAPITAL_EM / smallest, 4),
        width_mm=plan.width_mm,
        height_mm=plan.height_mm,
        distance_m=plan.distance_m,
    )


def usual(counters: Iterable[str]) -> tuple[Layout, ...]:
    """The layouts of an address without a screen: 55 inches, wide or upright, read from 4 m.

    Where the counters' names are too long for that, from as many metres as they can be.
    """
    names = list(counters)
    made = []
    for width_mm, height_mm in ((1210, 680), (680, 1210)):
        for distance_m in (4.0, 3.0, 2.0, 1.0, 0.5):
            plan = ScreenPlan(id="", name="", distance_m=distance_m, width_mm=width_mm, height_mm=height_mm)
            try:
                made.append(layout(plan, names))
            except TooFar:
                continue
            break
    return tuple(made)
