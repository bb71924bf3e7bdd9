"""The forecast that learns: told what happens, asked how long, corrected by what came of it.

    model = Model()
    model.past.arrived(now, "passports")                      # tell it every event, in the order of times
    seen = model.see(newcomer(scene, "passports"))            # at the moment of the question
    raw = model.answer([seen, ...])                           # many at once
    model.calibration.corrected(raw.seconds)                  # what is promised
    model.answered(raw, row, waited_s)                        # as soon as the person is called
    model.night()                                             # when the day is over

``docs/forecast.md`` says what is learned, how, and what it is worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from server.forecasting.ahead import lived
from server.forecasting.calibration import Calibration
from server.forecasting.features import features, scale
from server.forecasting.learner import Learner
from server.forecasting.lessons import UNKNOWN_S, Lessons
from server.forecasting.moments import Seen, Sight, moments
from server.forecasting.past import SECOND, Past
from server.forecasting.scene import Question
from server.forecasting.tables import Floats

BLOCK = 256
"""So many questions are reckoned at once: more do not fit into a processor's cache."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Answers to n questions, before calibration, with what is learned from later."""

    seconds: Floats
    """(n, 4): P10, P50, P90 and mean of the wait from the question on, given that there is one."""
    no_wait: Floats
    """(n,): the chance to be called at once."""
    features: Floats
    scales: Floats


class Model:
    """One site's forecast. Not for two threads at once."""

    def __init__(self, seed: int = 1) -> None:
        self.past = Past()
        self.calibration = Calibration()
        self.lessons = Lessons()
        self.seed = seed
        self.learner: Learner | None = None
        self._sight: Sight | None = None
        self._new: list[tuple[Floats, float, float]] = []

    def see(self, question: Question) -> Seen:
        """Keep what there is to know of a question now, to be answered now or later with the same result.

        Nothing may happen between the first and the last question to the same scene.
        """
        service = self.past.service(question.service)
        if self._sight is None or self._sight.scene is not question.scene or service >= len(self._sight.own):
            self._sight = Sight(self.past, question.scene)
        return Seen(self._sight, service, question.ahead, question.waited_us / SECOND)

    def answer(self, seen: list[Seen]) -> Raw:
        """The answers, in the order of the questions."""
        if self.past.tables is None:
            self.past.tabulate()
        tables = self.past.tables
        if not seen or tables is None:
            none = np.zeros((0, 4), np.float32)
            return Raw(none, none[:, 0], none, none[:, 0])
        order = sorted(range(len(seen)), key=lambda row: seen[row].ahead)
        found: list[Floats] = []
        scales: list[Floats] = []
        for begin in range(0, len(order), BLOCK):
            block = moments([seen[row] for row in order[begin : begin + BLOCK]], tables.services)
            lives = lived(block, tables)
            found.append(features(block, tables, lives))
            scales.append(scale(block, lives))
        back = np.argsort(np.array(order))
        every, wide = np.concatenate(found)[back], np.concatenate(scales)[back]
        if self.learner is None:
            self.learner = Learner(every.shape[1], self.seed)
        seconds, no_wait = self.learner.answer(every, wide)
        return Raw(seconds, no_wait, every, wide)

    def answered(self, raw: Raw, row: int, waited_s: float, calibrate: bool = True) -> None:
        """Somebody was called so long after the question; 0 where at once.

        ``calibrate``: a promise that was shown, so the corrections learn from it too.
        """
        self._new.append((raw.features[row], float(raw.scales[row]), waited_s))
        if calibrate and waited_s > 0:
            self.calibration.learn(raw.seconds[row], waited_s)

    def gave_up(self, raw: Raw, row: int) -> None:
        """Somebody left before being called: there was a wait, nobody knows of what length."""
        self._new.append((raw.features[row], float(raw.scales[row]), UNKNOWN_S))

    def night(self) -> None:
        """The day is over: forget a little of the old, learn from the day.

        It takes about a second; where much is new, and everything is learned anew, up to a minute. Beside a
        running loop do it elsewhere, with a copy (``saved.load(saved.save(model))``), and go on with that.
        """
        self.past.fade()
        self.learn()

    def learn(self) -> None:
        """Learn from what was answered since the last time; in a young hall also during the day."""
        self.keep()
        self.past.tabulate()
        if self.learner is not None:
            self.learner.learn(self.lessons)

    def keep(self) -> None:
        """Put what was answered among the lessons, to be learned from later."""
        if self._new:
            rows, scales, waits = zip(*self._new, strict=True)
            self.lessons.add(np.array(rows), np.array(scales, np.float32), np.array(waits, np.float32))
            self._new = []
