"""The model as a whole: it learns what is there, keeps its shares, and goes on after a restart."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from server.forecasting.calibration import Calibration
from server.forecasting.learner import Learner
from server.forecasting.lessons import UNKNOWN_S, Lessons
from server.forecasting.model import Model
from server.forecasting.past import SECOND
from server.forecasting.saved import Unreadable, load, save
from server.forecasting.scene import Counter, Scene, Waiting, everybody, newcomer

NOW = 1_772_438_400 * SECOND


def lived_through(days: int = 2) -> Model:
    """A model that saw a hall of one counter for some days, asked about everybody."""
    chance = random.Random(5)
    model = Model()
    for day in range(days):
        at = NOW + day * 86_400 * SECOND
        free = at
        for _person in range(120):
            at += round(chance.expovariate(1 / 70)) * SECOND
            waiting = (Waiting("A", at - 30 * SECOND),) * max(0, (free - at) // (60 * SECOND))
            hall = Scene(at, waiting, (Counter("1", "A", max(at - 60 * SECOND, free - 120 * SECOND)),))
            raw = model.answer([model.see(newcomer(hall, "A"))])
            model.past.arrived(at, "A")
            called = max(at, free)
            model.past.called(called, "1", Waiting("A", at), ())
            free = called + max(1, round(chance.expovariate(1 / 60))) * SECOND
            model.past.ended(free, "1", "A", called, anybody=free > at)
            model.answered(raw, 0, (called - at) / SECOND)
        model.night()
    return model


@pytest.fixture(scope="module")
def model() -> Model:
    return lived_through()


def scenes() -> list[Scene]:
    counters = (Counter("1", "A", NOW - 20 * SECOND),)
    people = tuple(Waiting("A", NOW - 60 * SECOND * (6 - number)) for number in range(6))
    return [Scene(NOW, people[:number], counters) for number in range(7)]


def test_quantiles_stand_in_their_order_and_rise_with_the_queue(model: Model) -> None:
    seconds = model.answer([model.see(newcomer(scene, "A")) for scene in scenes()]).seconds
    assert (np.diff(seconds[:, :3], axis=1) > 0).all()
    assert all(later > earlier for earlier, later in pairwise(seconds[:, 1]))


def test_a_model_goes_on_after_a_restart_as_if_nothing_had_been(model: Model) -> None:
    again = load(save(model))
    model.past.calm()
    model.past.tabulate()
    for scene in scenes():
        asked = [newcomer(scene, "A"), *everybody(scene)]
        before = model.answer([model.see(each) for each in asked])
        after = again.answer([again.see(each) for each in asked])
        assert after.seconds == pytest.approx(before.seconds, rel=1e-4)
        assert after.no_wait == pytest.approx(before.no_wait, rel=1e-3, abs=1e-6)
        assert again.calibration.corrected(after.seconds) == pytest.approx(
            model.calibration.corrected(before.seconds), rel=1e-4
        )
    assert again.lessons.size == model.lessons.size
    again.night()


def test_a_new_model_can_be_kept_too() -> None:
    assert load(save(Model())).lessons.size == 0


def test_bytes_that_are_no_model_are_refused(model: Model) -> None:
    whole = save(model)
    for blob in (b"", b"no model", whole[: len(whole) // 2]):
        with pytest.raises(Unreadable):
            load(blob)


def test_the_same_days_make_the_same_model(model: Model) -> None:
    again = lived_through()
    for mine, other in zip(model.lessons.all(), again.lessons.all(), strict=True):
        assert np.array_equal(mine, other)
    assert np.array_equal(model.calibration.logs, again.calibration.logs)


def test_before_anything_happened_there_is_an_answer() -> None:
    model = Model()
    empty = Scene(NOW, (), ())
    answer = model.answer([model.see(newcomer(empty, "A"))])
    assert np.isfinite(answer.seconds).all()
    assert (answer.seconds < 3600).all()
    assert len(model.answer([]).seconds) == 0


def test_a_service_that_was_never_met_is_answered_too(model: Model) -> None:
    answer = model.answer([model.see(newcomer(scenes()[2], "never met"))])
    assert np.isfinite(answer.seconds).all()
    load(save(model))


def test_corrections_find_the_shares_that_were_promised() -> None:
    """Forecasts that are half of what they ought to be, later twice of it: the shares hold all the same."""
    chance = np.random.default_rng(3)
    calibration = Calibration()
    raw = np.array([10.54, 69.3, 230.3, 100.0])  # of an exponential wait with a mean of 100 s
    hits = []
    for turn in range(6000):
        wait = float(chance.exponential(200 if turn < 3000 else 50))
        low, middle, high, mean = calibration.corrected(raw)
        hits.append((wait <= low, wait <= middle, wait <= high, mean - wait))
        calibration.learn(raw, wait)
    low, middle, high, error = np.mean(hits, axis=0)
    assert [low, middle, high] == pytest.approx([0.1, 0.5, 0.9], abs=0.035)
    assert abs(error) < 0.08 * 125


def test_corrected_quantiles_never_cross() -> None:
    calibration = Calibration()
    calibration.logs[:] = [1.0, 0.0, -1.0, 0.0]
    low, middle, high, _mean = calibration.corrected(np.array([10.0, 11.0, 12.0, 11.0]))
    assert low <= middle <= high


def test_who_left_teaches_that_there_was_a_wait_and_not_how_long() -> None:
    """All who left had been told apart by a feature: the chance of no wait falls there, the waits stay."""
    chance = np.random.default_rng(4)
    size = 3000
    kind = chance.integers(0, 2, size)
    features = np.column_stack([kind, chance.random(size)]).astype(np.float32)
    waits = np.where(kind == 1, UNKNOWN_S, np.where(chance.random(size) < 0.5, 0, 100)).astype(np.float32)
    lessons = Lessons()
    lessons.add(features, np.full(size, 100, np.float32), waits)
    learner = Learner(2, 1)
    learner.learn(lessons)
    probe = np.array([[0, 0.5], [1, 0.5]], np.float32)
    seconds, no_wait = learner.answer(probe, np.full(2, 100, np.float32))
    assert seconds[0, 1] == pytest.approx(100, rel=0.1)
    assert no_wait[0] == pytest.approx(0.5, abs=0.15)
    assert no_wait[1] < no_wait[0] - 0.2


def test_networks_find_quantiles_that_hang_on_a_feature() -> None:
    """Uniform from 0 to 100 s times the feature: the quantiles are 10, 50 and 90 times it, the mean 50."""
    chance = np.random.default_rng(6)
    feature = chance.uniform(1, 3, 1500).astype(np.float32)
    waits = (chance.uniform(0.001, 100, 1500) * feature).astype(np.float32)
    lessons = Lessons()
    lessons.add(feature[:, None], np.full(1500, 100, np.float32), waits)
    learner = Learner(1, 1)
    learner.learn(lessons)
    seconds, _no_wait = learner.answer(np.array([[1.2], [2.8]], np.float32), np.full(2, 100, np.float32))
    # The plain multiples, of a feature of about 2, count for three tenths still.
    toward = np.array([(2 / 1.2) ** 0.29, (2 / 2.8) ** 0.29])[:, None]
    assert seconds == pytest.approx(np.array([[12, 60, 108, 60], [28, 140, 252, 140]]) * toward, rel=0.25)
