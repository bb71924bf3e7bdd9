"""What a hall screen has room for; figures by hand, and the lengths on the glass in millimetres."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.house import ScreenPlan
from server.domain.layout import Layout, TooFar, TooMany, layout, usual

COUNTERS = [str(number) for number in range(1, 15)]


def plan(width_mm: int, height_mm: int, distance_m: float, rows: int | None = None) -> ScreenPlan:
    return ScreenPlan(
        id="x", name="x", width_mm=width_mm, height_mm=height_mm, distance_m=distance_m, rows=rows
    )


def test_four_rows_on_55_inches_from_four_metres() -> None:
    # 4 m ask for capitals of 48.8 mm, so for type of 48.8 / 0.689 = 70.83 mm, or 14.06 steps of 680 / 135 mm.
    # Under the newest call (45 steps, a third) and above the strip (22) are 68 steps; a row takes
    # 14.06 x 1.02 x 1.05 + 0.25 = 15.31, so there are four (61.2) and not five (76.5).
    made = layout(plan(1210, 680, 4.0), COUNTERS)
    assert made.rows == 4
    assert made.head == 45
    assert made.older * 680 / 135 * 0.689 >= 48.8
    assert layout(plan(1210, 680, 4.0, 4), COUNTERS) == made
    with pytest.raises(TooMany) as caught:
        layout(plan(1210, 680, 4.0, 5), COUNTERS)
    assert caught.value.fit == 4


def test_an_upright_picture_has_more_rows() -> None:
    # 1210 / (680 / 135) / 1.02 = 235.5 steps; less the newest call (28 %, 65.9) and the strip (50): 119.6.
    # 119.6 / 15.31 = 7.8.
    assert layout(plan(680, 1210, 4.0), COUNTERS).rows == 7
    # From one metre type needs 3.5 steps, and 119.6 / 4.0 = 29 rows would fit; there are ten calls.
    assert layout(plan(680, 1210, 1.0), COUNTERS).rows == 9


def test_far_away_only_the_newest_call_is_left_and_then_nothing() -> None:
    # From 10 m: 122 / 0.689 = 177 mm or 35.2 steps; with 2 % more 35.9, a row 37.9. Of the 113 steps above
    # the strip the newest, smaller where it has four digits, takes 35.9 / 0.84 x 1.05 + 8 = 52.8: one row.
    assert layout(plan(1210, 680, 10.0), COUNTERS).rows == 1
    # From 15 m, twice as wide: 52.7 steps, 53.8 with 2 % more; the newest takes 75.2, and the 37.8 that are
    # left are less than a row of 56.7.
    assert layout(plan(2420, 680, 15.0), COUNTERS).rows == 0
    # The newest call's ticket is 0.85 + 3 x 0.58 = 2.59 ems wide (2.66 with four digits, smaller), its arrow
    # 0.7, counter 14 1.16: 4.52 ems in 235.5 - 12 steps are 49.4 steps, of which 84 % are 41.5: 11.6 m.
    with pytest.raises(TooFar) as caught:
        layout(plan(1210, 680, 11.7), COUNTERS)
    assert caught.value.readable_m == pytest.approx(11.58, abs=0.02)


def test_long_names_of_counters_cost_distance() -> None:
    assert layout(plan(680, 1210, 2.0), ["1"]).newest > layout(plan(680, 1210, 2.0), ["LOKET-1"]).newest
    with pytest.raises(TooFar):
        layout(plan(680, 1210, 4.0), ["COUNTERS"])
    assert [made.distance_m for made in usual(["COUNTERS"])] == [4.0, 2.0]
    assert [made.distance_m for made in usual(COUNTERS)] == [4.0, 4.0]


def ink_mm(made: Layout, steps: float) -> float:
    """The capital height on the glass of type so many steps large: Fira Sans's is 689 thousandths."""
    return steps * min(made.width_mm, made.height_mm) / 135 * 0.689


@given(
    st.integers(100, 4000),
    st.integers(100, 4000),
    st.floats(0.5, 60),
    st.lists(st.text("0123456789ABCW-", min_size=1, max_size=8), min_size=1, max_size=20),
)
def test_whatever_is_laid_out_is_large_enough_and_fits(
    width_mm: int, height_mm: int, distance_m: float, counters: list[str]
) -> None:
    try:
        made = layout(plan(width_mm, height_mm, distance_m), counters)
    except TooFar as error:
        with pytest.raises(TooFar):
            layout(plan(width_mm, height_mm, error.readable_m * 1.01), counters)
        layout(plan(width_mm, height_mm, error.readable_m * 0.99), counters)
        return
    needed = 12.2 * distance_m
    assert ink_mm(made, made.newest * 0.84) >= needed
    assert made.rows == 0 or ink_mm(made, made.older) >= needed
    assert made.older <= made.newest
    across = width_mm / (min(width_mm, height_mm) / 135)
    down = height_mm / (min(width_mm, height_mm) / 135)
    counter = max(sum(0.58 if c.isdigit() else 0.41 if c == "-" else 0.85 for c in name) for name in counters)
    ticket = 0.85 + 3 * 0.58
    assert 12 + ticket * made.newest + counter * made.newest <= across
    assert made.rows == 0 or 12 + (ticket + 0.58) * made.older + counter * made.newest <= across
    assert made.head + made.rows * made.older + (50 if made.upright else 22) <= down
