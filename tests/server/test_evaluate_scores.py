"""Scores and the other methods, against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from server.evaluate.baselines import METHODS, Memory, Ranges, city_formula, points, queue_length
from server.evaluate.scores import less, losses, scores
from server.forecasting.past import SECOND
from server.forecasting.scene import Counter, Scene, Waiting

NONE = np.zeros(0)


def test_scores_of_four_people() -> None:
    forecast = np.array([[10.0, 50.0, 90.0, 60.0]] * 4)
    waits = np.array([5.0, 50.0, 90.0, 190.0])
    found = scores(forecast, waits, np.array([0.5, 1.0]), np.array([0.0, 1.0]))
    # P10: 5 is 5 under 10, so 0.9 * 5; the others 40, 80 and 180 over, so a tenth.
    assert found.pinball_p10 == pytest.approx((4.5 + 4 + 8 + 18) / 4)
    assert found.pinball_p50 == pytest.approx((22.5 + 0 + 20 + 70) / 4)
    assert found.pinball_p90 == pytest.approx((8.5 + 4 + 0 + 90) / 4)
    assert found.pinball == pytest.approx((34.5 + 112.5 + 102.5) / 12)
    assert found.coverage == 0.5
    assert found.before_p90 == 0.75
    assert found.median_hit == 0.5
    assert found.mae == pytest.approx((45 + 0 + 40 + 140) / 4)
    assert found.mean_bias == pytest.approx((60 * 4 - 335) / 335)
    assert found.brier == pytest.approx(0.125)


def test_nobody_waited() -> None:
    found = scores(np.zeros((0, 4)), NONE, NONE, NONE)
    assert found.pinball is None
    assert found.mean_bias is None
    assert found.brier is None
    assert less(NONE, NONE, NONE.astype(int)) is None


def test_a_difference_and_its_interval_over_days() -> None:
    days = np.repeat(np.arange(30), 10)
    own = np.where(days % 2, 6.0, 10.0)
    other = np.full(300, 10.0)
    found = less(own, other, days)
    assert found is not None
    assert found.less == pytest.approx(0.2)
    # The mean of 30 days of 0 or 0.4: a standard error of 0.2 / sqrt(30).
    assert (found.low, found.high) == pytest.approx((0.2 - 0.0716, 0.2 + 0.0716), abs=0.02)


def test_losses_are_those_of_the_definition() -> None:
    assert losses(np.array([[1.0, 2.0, 3.0]]), np.array([2.0]))[0] == pytest.approx([0.1, 0.0, 0.1])


def scene(*services: str, counters: int = 2) -> Scene:
    now = 1000 * SECOND
    people = tuple(
        Waiting(service, now - (len(services) - n) * 10 * SECOND) for n, service in enumerate(services)
    )
    return Scene(now, people, tuple(Counter(str(n + 1), "A", now) for n in range(counters)))


def remembered() -> Memory:
    """Service A takes 100 s, B 200 s; counter 1 takes both, counter 2 only A."""
    memory = Memory()
    for wait in range(1, 13):
        memory.called("1", "A", float(wait * 10))
        memory.ended("A", 100)
    memory.called("1", "B", 7)
    memory.called("1", "B", 0)
    memory.ended("B", 200)
    memory.called("2", "A", 0)
    return memory


def test_each_method_says_what_its_rule_says() -> None:
    memory, hall = remembered(), scene("A", "B", "A")
    found = dict(zip(METHODS, points(memory, hall, "A"), strict=True))
    assert found["rolling"] == pytest.approx(sum(range(30, 130, 10)) / 10), "the last ten who waited"
    assert found["les"] == 120
    assert found["hol"] == 30
    # Two counters take A: one's own 100 s, 2 * 100 s ahead, and B's 200 s at a counter that takes A too.
    assert found["queue_length"] == pytest.approx((100 + 200 + 200) / 2)
    # Three ahead: (3 + 1 + 1) slots of the mean time over two counters.
    assert found["city_formula"] == pytest.approx(5 * (12 * 100 + 200) / 13 / 2)


def test_the_length_of_the_queue_knows_which_counter_serves_what() -> None:
    # Only counter 1 takes B. Of those for A half go there.
    assert queue_length(remembered(), scene("A", "A"), "B") == pytest.approx(200 + 2 * 100 / 2)


def test_the_rules_hold_where_nothing_is_known() -> None:
    empty = Scene(0, (), ())
    assert points(Memory(), empty, "A") == (0.0, 180.0, 0.0, 0.0, 360.0)
    assert city_formula(Memory(), empty) == 360.0


def test_ranges_are_the_past_waits_of_about_the_same_number() -> None:
    ranges = Ranges()
    for wait in range(1, 1001):
        ranges.add(10.0, float(wait))
        ranges.add(1000.0, float(wait + 5000))
    ranges.add(10.0, -1.0)
    ranges.learn()
    low, _none = ranges.answer(5.0)
    assert low == pytest.approx([100.9, 500.5, 900.1, 500.5])
    high, none = ranges.answer(2000.0)
    assert high == pytest.approx([5100.9, 5500.5, 5900.1, 5500.5])
    assert none == 0


def test_the_chance_of_no_wait_is_its_share_and_who_left_waited() -> None:
    ranges = Ranges()
    for wait in (0.0, 0.0, 30.0, 40.0, 50.0, -1.0, 0.0, 60.0):
        ranges.add(1.0, wait)
    ranges.learn()
    assert ranges.answer(1.0)[1] == pytest.approx(3 / 8)
