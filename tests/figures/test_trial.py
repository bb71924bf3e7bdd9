"""Intervals against published examples, a calculation by hand, and whether they hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from running import ROOT

from server.figures.comparisons import words
from server.figures.experiments import Effect
from server.figures.trial import Counted, Interval, katz, needed, newcombe, wilson

NEWCOMBE = [
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((6, 7), (2, 7), 0.0582, 0.8062),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((0, 10), (0, 20), -0.1611, 0.2775),
    ((0, 10), (0, 10), -0.2775, 0.2775),
    ((10, 10), (0, 20), 0.6791, 1.0),
    ((10, 10), (0, 10), 0.6075, 1.0),
]
"""Newcombe 1998, Statistics in Medicine 17, table II, method 10."""


@pytest.mark.parametrize(("arm", "reference", "low", "high"), NEWCOMBE)
def test_the_difference_is_that_of_newcombe_s_table(
    arm: tuple[int, int], reference: tuple[int, int], low: float, high: float
) -> None:
    found = newcombe(Counted(*arm), Counted(*reference))
    assert found is not None
    assert found.value == pytest.approx(arm[0] / arm[1] - reference[0] / reference[1])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.00006)


def test_the_ratio_is_that_of_the_physicians_health_study() -> None:
    # Heart attacks without and with aspirin: Agresti, Introduction to Categorical Data Analysis, 2.2 gives
    # 1.82 (1.433 to 2.306); by hand, exp(log 1.8178 -+ 1.95996 sqrt(1/189 - 1/11034 + 1/104 - 1/11037)).
    found = katz(Counted(189, 11034), Counted(104, 11037))
    error = 1.959964 * math.sqrt(1 / 189 - 1 / 11034 + 1 / 104 - 1 / 11037)
    assert found is not None
    assert found.value == pytest.approx(1.8178, abs=0.0001)
    assert (found.low, found.high) == pytest.approx(
        (math.exp(math.log(found.value) - error), math.exp(math.log(found.value) + error)), abs=0.0001
    )
    assert (round(found.low, 2), round(found.high, 2)) == (1.43, 2.31)


def test_a_share_of_one_in_ten_by_hand() -> None:
    # (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with z = 1.959964, p = 0.1, n = 10.
    found = wilson(Counted(1, 10))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.01787, 0.40415), abs=0.00002)


def test_nobody_and_nothing_have_no_interval() -> None:
    assert wilson(Counted(0, 0)) is None
    assert newcombe(Counted(0, 0), Counted(1, 2)) is None
    assert newcombe(Counted(1, 2), Counted(0, 0)) is None
    assert katz(Counted(0, 5), Counted(1, 5)) is None
    assert katz(Counted(1, 5), Counted(0, 5)) is None
    assert katz(Counted(0, 0), Counted(1, 5)) is None


@pytest.mark.parametrize(
    ("base", "other", "share", "together"),
    [(0.07, 0.0525, 0.1, 15_600), (0.07, 0.0525, 0.5, 5_900), (0.053, 0.044, 0.5, 17_900)],
)
def test_the_sample_is_that_of_the_documentation(
    base: float, other: float, share: float, together: int
) -> None:
    found = needed(base, other, share)
    assert found is not None
    assert round(found, -2) == together


def test_the_sample_for_a_half_against_a_third_by_hand() -> None:
    # Of each: (1.959964 sqrt(2 x 0.55 x 0.45) + 0.841621 sqrt(0.6 x 0.4 + 0.5 x 0.5))^2 / 0.1^2 = 387.3.
    assert needed(0.6, 0.5, 0.5) == 775
    assert needed(0.5, 0.5, 0.5) is None
    assert needed(0.5, 0.4, 0.0) is None


def test_a_sample_of_that_size_sees_the_effect_four_times_in_five() -> None:
    lots = np.random.default_rng(7)
    together = needed(0.2, 0.1, 0.25)
    assert together is not None
    in_base = round(together * 0.25)
    rest = together - in_base
    seen = 0
    for one, other in zip(lots.binomial(in_base, 0.2, 400), lots.binomial(rest, 0.1, 400), strict=True):
        found = newcombe(Counted(int(other), rest), Counted(int(one), in_base))
        assert found is not None
        seen += found.high < 0
    assert 0.74 <= seen / 400 <= 0.88


def test_nineteen_of_twenty_intervals_hold_what_is_true() -> None:
    lots = np.random.default_rng(5)
    arms = zip(lots.binomial(900, 0.0525, 600), lots.binomial(100, 0.07, 600), strict=True)
    found = [newcombe(Counted(int(arm), 900), Counted(int(reference), 100)) for arm, reference in arms]
    held = [isinstance(each, Interval) and each.low <= -0.0175 <= each.high for each in found]
    assert 0.93 <= sum(held) / 600 <= 0.98


@pytest.mark.parametrize(
    ("arm", "reference"),
    [((735, 14_000), (112, 1_600)), ((52, 1_000), (60, 1_000))],
    ids=["effect", "not known"],
)
def test_the_sentences_of_the_documentation_are_those_that_are_said(
    arm: tuple[int, int], reference: tuple[int, int]
) -> None:
    said = words(Effect.MISSED, "long", "none", newcombe(Counted(*arm), Counted(*reference)))
    text = " ".join((ROOT / "docs" / "experiment.md").read_text("utf-8").split())
    assert f'"{said}"' in text
