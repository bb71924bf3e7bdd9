"""A model as bytes, to go on with after a restart: arrays in NumPy's ``npz``, nothing that could run code.

What just happened is not kept (:meth:`Past.calm`): after a restart the hall tells it anew. Of the lessons
only the newest are, so that the bytes stay a few megabytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from server.forecasting.calibration import LEVELS
from server.forecasting.handling import Handling
from server.forecasting.learner import Learner
from server.forecasting.model import Model
from server.forecasting.skills import Skills

FORMAT = 1
"""Raised when what the arrays mean changes; an older model is then learned anew."""

LESSONS = 30_000
"""So many of the newest lessons are kept."""

Arrays = dict[str, npt.NDArray[Any]]


class Unreadable(Exception):
    """Bytes that are no model of this version; the message says why."""


def save(model: Model) -> bytes:
    """The model as bytes."""
    model.keep()
    past = model.past
    arrays: Arrays = {
        "format": np.array([FORMAT, model.seed, len(LEVELS)]),
        "services": np.array(list(past.names), str),
        "calibration": model.calibration.logs,
        "answers": np.array([model.calibration.answers, model.calibration.usual_s], float),
        "passed": past.overtaking.passed,
        "pairs": past.overtaking.pairs,
        "patience_left": past.patience.left,
        "patience_here": past.patience.here,
        **_handling(past.handling, len(past.names)),
        **_skills(past.skills, len(past.names)),
    }
    if model.lessons.size:
        names = ("lessons_features", "lessons_scales", "lessons_waits")
        arrays |= {name: part[-LESSONS:] for name, part in zip(names, model.lessons.all(), strict=True)}
    if model.learner is not None:
        arrays |= _learner(model.learner)
    packed = io.BytesIO()
    # The stubs take the first of the names for another argument.
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    return packed.getvalue()


def load(blob: bytes) -> Model:
    """The model that :func:`save` made bytes of. Raises :class:`Unreadable`."""
    try:
        with np.load(io.BytesIO(blob), allow_pickle=False) as found:
            return _model({name: found[name] for name in found.files})
    except (ValueError, KeyError, IndexError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Unreadable(f"this is no model that this version can go on with: {error}") from None


def _model(arrays: Mapping[str, npt.NDArray[Any]]) -> Model:
    number, seed, levels = (int(value) for value in arrays["format"])
    if number != FORMAT or levels != len(LEVELS):
        raise ValueError(f"its format is {number}, not {FORMAT}")
    model = Model(seed)
    past = model.past
    for name in arrays["services"]:
        past.service(str(name))
    past.overtaking.passed, past.overtaking.pairs = arrays["passed"], arrays["pairs"]
    past.patience.left, past.patience.here = arrays["patience_left"], arrays["patience_here"]
    _restore_handling(past.handling, arrays)
    _restore_skills(past.skills, arrays)
    model.calibration.logs = arrays["calibration"]
    model.calibration.answers = int(arrays["answers"][0])
    model.calibration.usual_s = float(arrays["answers"][1])
    if "lessons_waits" in arrays:
        model.lessons.add(arrays["lessons_features"], arrays["lessons_scales"], arrays["lessons_waits"])
    if "middle" in arrays:
        model.learner = _restored_learner(arrays, seed)
    past.tabulate()
    return model


def _handling(handling: Handling, services: int) -> Arrays:
    own = [np.array(handling.of[service], float) for service in range(services)]
    paces = np.array(list(handling.paces.values()), float).reshape(-1, 2)
    return {
        "handling": np.concatenate([*own, np.zeros(0)]),
        "handling_each": np.array([len(each) for each in own], np.int64),
        "handling_all": np.array(handling.everyone, float),
        "usual": np.array([handling.usual.get(service, np.nan) for service in range(services)], float),
        "gaps": np.array(handling.gaps, float),
        "pace_names": np.array(list(handling.paces), str),
        "paces": paces,
    }


def _restore_handling(handling: Handling, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    begin = 0
    for service, number in enumerate(arrays["handling_each"]):
        handling.of[service].extend(float(each) for each in arrays["handling"][begin : begin + number])
        begin += int(number)
    handling.everyone.extend(float(each) for each in arrays["handling_all"])
    handling.usual = {service: float(log) for service, log in enumerate(arrays["usual"]) if not np.isnan(log)}
    handling.gaps.extend(float(each) for each in arrays["gaps"])
    handling.paces = {
        str(name): (float(total), float(weight))
        for name, (total, weight) in zip(arrays["pace_names"], arrays["paces"], strict=True)
    }


def _skills(skills: Skills, services: int) -> Arrays:
    table = [[own.get(service, 0.0) for service in range(services)] for own in skills.calls.values()]
    return {
        "skill_names": np.array(list(skills.calls), str),
        "skills": np.array(table, float).reshape(len(table), services),
        "mix": np.array([skills.mix.get(service, 0.0) for service in range(services)], float),
    }


def _restore_skills(skills: Skills, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    def known(row: npt.NDArray[Any]) -> dict[int, float]:
        return {service: float(calls) for service, calls in enumerate(row) if calls}

    pairs = zip(arrays["skill_names"], arrays["skills"], strict=True)
    skills.calls = {str(name): known(row) for name, row in pairs}
    skills.mix = known(arrays["mix"])


def _learner(learner: Learner) -> Arrays:
    arrays: Arrays = {
        "middle": learner.middle,
        "spread": learner.spread,
        "learned": np.array([learner.learned]),
        "plain": learner.plain,
    }
    for number, net in enumerate([*learner.nets, learner.chance]):
        for layer, (weights, offsets) in enumerate(zip(net.weights, net.offsets, strict=True)):
            arrays |= {f"net{number}_weights{layer}": weights, f"net{number}_offsets{layer}": offsets}
    return arrays


def _restored_learner(arrays: Mapping[str, npt.NDArray[Any]], seed: int) -> Learner:
    learner = Learner(len(arrays["middle"]), seed)
    learner.middle, learner.spread = arrays["middle"], arrays["spread"]
    learner.learned, learner.plain = int(arrays["learned"][0]), arrays["plain"]
    for number, net in enumerate([*learner.nets, learner.chance]):
        for layer in range(len(net.weights)):
            weights, offsets = arrays[f"net{number}_weights{layer}"], arrays[f"net{number}_offsets{layer}"]
            if weights.shape != net.weights[layer].shape:
                raise ValueError("its networks are of another shape")
            net.weights[layer], net.offsets[layer] = weights, offsets
    return learner
