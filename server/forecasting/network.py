"""A small neural network on numpy, with its own descent (Adam: Kingma and Ba 2015, arXiv 1412.6980)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from server.forecasting.tables import Floats, Ints

Slope = Callable[[Floats, Ints], Floats]
"""From outputs (b, O) and the rows that they are of, the slope of the loss by each output, (b, O)."""

STEADY, SCALE, DECAY = 0.9, 0.999, 1e-3
"""Adam's memories, and how much weights are drawn to zero (decoupled, times the rate)."""


class Net:
    """Layers of weights with the activation x * sigmoid(x) between them; linear at the end."""

    def __init__(self, sizes: Sequence[int], start: Sequence[float], seed: int) -> None:
        """``sizes`` from inputs to outputs; before it has learned it answers about ``start``."""
        self._draw = np.random.default_rng(seed)
        pairs = list(pairwise(sizes))
        self.weights = [
            (self._draw.standard_normal(pair) * math.sqrt(2 / pair[0])).astype(np.float32) for pair in pairs
        ]
        self.weights[-1] *= np.float32(0.3)
        self.offsets = [np.zeros(outputs, np.float32) for _, outputs in pairs]
        self.offsets[-1][:] = start

    def outputs(self, inputs: Floats) -> Floats:
        """(b, O) for inputs (b, I)."""
        return self._forward(inputs)[-1]

    def _forward(self, inputs: Floats) -> list[Floats]:
        """Each layer before its activation; the inputs first."""
        layers = [inputs]
        for number, (weights, offsets) in enumerate(zip(self.weights, self.offsets, strict=True)):
            before = layers[-1] if number == 0 else layers[-1] * _sigmoid(layers[-1])
            layers.append(np.asarray(before @ weights + offsets, np.float32))
        return layers

    def fit(self, inputs: Floats, slope: Slope, epochs: int, rate: float, batch: int) -> None:
        """Descend: so many times through all rows in random order, ever more slowly (a cosine)."""
        rows = len(inputs)
        of_each = -(-rows // batch)
        adam = _Adam(self.weights, self.offsets)
        for epoch in range(epochs):
            order = self._draw.permutation(rows)
            for number in range(of_each):
                chosen = order[number * batch : (number + 1) * batch]
                done = (epoch * of_each + number) / (epochs * of_each)
                slopes = self._slopes(inputs[chosen], slope, chosen)
                adam.step(slopes, rate * (1 + math.cos(math.pi * done)) / 2)

    def _slopes(self, inputs: Floats, slope: Slope, rows: Ints) -> list[Floats]:
        layers = self._forward(inputs)
        back: Floats = slope(layers[-1], rows) / np.float32(len(rows))
        of_weights: list[Floats] = []
        of_offsets: list[Floats] = []
        for number in reversed(range(len(self.weights))):
            before = layers[number]
            sigmoid = _sigmoid(before) if number else None
            into = before if sigmoid is None else before * sigmoid
            of_weights.insert(0, np.asarray(into.T @ back, np.float32))
            of_offsets.insert(0, back.sum(0))
            if sigmoid is not None:
                back = (back @ self.weights[number].T) * (sigmoid * (1 + before * (1 - sigmoid)))
        return [*of_weights, *of_offsets]


class _Adam:
    def __init__(self, weights: list[Floats], offsets: list[Floats]) -> None:
        self.values = [*weights, *offsets]
        self.drawn = [DECAY] * len(weights) + [0.0] * len(offsets)
        self.first = [np.zeros_like(value) for value in self.values]
        self.second = [np.zeros_like(value) for value in self.values]
        self.steps = 0

    def step(self, slopes: list[Floats], rate: float) -> None:
        self.steps += 1
        first_whole, second_whole = 1 - STEADY**self.steps, 1 - SCALE**self.steps
        every = zip(self.values, self.drawn, self.first, self.second, slopes, strict=True)
        for value, drawn, first, second, slope in every:
            first *= STEADY
            first += (1 - STEADY) * slope
            second *= SCALE
            second += (1 - SCALE) * slope * slope
            step = first / first_whole / (np.sqrt(second / second_whole) + 1e-8) + drawn * value
            np.subtract(value, rate * step, out=value, casting="same_kind")


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -60, 60))), np.float32)
