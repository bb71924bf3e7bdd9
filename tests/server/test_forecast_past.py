"""What a hall teaches: handling times, skills, overtaking, patience, against what can be counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from server.forecasting.handling import POINTS, Handling
from server.forecasting.overtaking import Overtaking
from server.forecasting.past import SECOND, Past
from server.forecasting.patience import BOUNDS_S, Patience
from server.forecasting.rates import SPANS_S, Rate
from server.forecasting.scene import Waiting
from server.forecasting.skills import Skills


def test_a_service_has_the_quantiles_of_its_own_handling_times() -> None:
    handling = Handling()
    for seconds in range(1, 102):
        handling.took(0, "1", seconds)
    table = handling.table(1)
    assert table.shape == (2, POINTS)
    assert table[0, [0, POINTS // 2, -1]] == pytest.approx([1, 51, 101], abs=0.03)


def test_a_service_that_was_hardly_measured_is_helped_out_by_the_others() -> None:
    handling = Handling()
    for _ in range(200):
        handling.took(0, "1", 100)
    handling.took(1, "1", 400)
    assert handling.table(2)[1, POINTS // 2] == pytest.approx(100, abs=0.1)


def test_a_counter_that_takes_half_as_long_again_has_that_pace() -> None:
    handling = Handling()
    for _ in range(4000):
        handling.took(0, "quick", 100)
        handling.took(0, "slow", 150)
    assert handling.pace("slow") / handling.pace("quick") == pytest.approx(1.5, abs=0.02)
    assert handling.pace("new") == 1.0


def test_a_counter_takes_what_it_called() -> None:
    skills = Skills()
    for _ in range(300):
        skills.called("both", 0)
        skills.called("both", 1)
        skills.called("one", 0)
    assert skills.of("both", 2) == pytest.approx([1, 1])
    assert skills.of("one", 2)[0] == 1
    assert skills.of("one", 2)[1] < 0.05
    assert skills.of("new", 2) == pytest.approx([1, 1])


def test_skills_are_reckoned_again_as_a_counter_goes_on() -> None:
    skills = Skills()
    for _ in range(200):
        skills.called("old", 0)
        skills.called("old", 1)
        skills.called("new", 0)
    before = skills.of("new", 2)[1]
    for _ in range(100):
        skills.called("new", 1)
    assert skills.of("new", 2)[1] > before + 0.5


def test_who_came_later_and_is_called_first_has_overtaken() -> None:
    overtaking = Overtaking()
    overtaking.grow(1)
    for number in range(1000):
        overtaking.called(0, 0, -20 if number % 5 == 0 else 20)
        overtaking.called(0, 0, 200)
    chance = overtaking.table()[0, 0]
    assert chance[1] == pytest.approx(0.2, abs=0.01), "a fifth of those who came 15 to 30 s later"
    assert chance[8] < 0.01, "none of those who came 3 minutes later"


def test_the_hazard_to_leave_is_the_leavings_over_the_time_waited() -> None:
    patience = Patience()
    patience.grow(1)
    for _ in range(10_000):
        patience.ended(0, 31, left=True)
        patience.ended(0, 61, left=False)
    # From 30 to 60 s: 10,000 left, 10,000 stayed for 30 s, and who left counts for half of it.
    assert patience.table()[0, BOUNDS_S.index(30)] == pytest.approx(10_000 / 450_000, rel=0.01)
    assert patience.table()[0, BOUNDS_S.index(15)] == pytest.approx(1 / 300_000, rel=0.01)


def test_a_rate_forgets() -> None:
    rate = Rate()
    for second in range(10_000):
        rate.happened(float(second))
    assert rate.lately(9_999.0) == pytest.approx([1, 1, 1], rel=0.02)
    later = rate.lately(9_999.0 + SPANS_S[0])
    assert later[0] == pytest.approx(math.exp(-1), rel=0.02)


def test_a_pause_is_counted_only_where_somebody_waited() -> None:
    past = Past()
    past.service("A")
    past.called(0, "1", Waiting("A", 0), ())
    past.ended(60 * SECOND, "1", "A", 0, anybody=False)
    past.called(100 * SECOND, "1", Waiting("A", 90 * SECOND), ())
    assert not past.handling.gaps
    past.ended(160 * SECOND, "1", "A", 100 * SECOND, anybody=True)
    past.called(165 * SECOND, "1", Waiting("A", 90 * SECOND), ())
    assert list(past.handling.gaps) == [5.0]


def test_a_night_forgets_a_little_of_who_calls_whom_and_keeps_what_it_takes() -> None:
    past = Past()
    past.called(0, "1", Waiting("A", 0), ())
    past.ended(60 * SECOND, "1", "A", 0, anybody=False)
    past.fade()
    assert past.skills.mix[0] < 1
    assert list(past.handling.of[0]) == [60.0]


def test_tables_are_frozen_until_the_next_night() -> None:
    past = Past()
    past.service("A")
    past.tabulate()
    tables = past.tables
    assert tables is not None
    before = tables.quantiles.copy()
    for _ in range(100):
        past.ended(SECOND * 60, "1", "A", 0, anybody=False)
    assert np.array_equal(tables.quantiles, before)
