"""The rules of the hall against an independent model, and the model against swapped rules."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from domain.machine import Hallway
from domain.order import ORDER
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from server.domain import calling, hall


def test_the_server_lives_the_day_that_the_model_tells():
    run_state_machine_as_test(Hallway)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(ORDER, 2)))
def test_the_model_notices_any_two_rules_swapped(monkeypatch, one, other):
    swapped = [{one: other, other: one}.get(rule, rule) for rule in ORDER]
    honest = calling.queue

    def queue(*args):
        return sorted(honest(*args), key=lambda place: (swapped.index(place.rule), place.key[1:]))

    monkeypatch.setattr(calling, "queue", queue)
    monkeypatch.setattr(hall, "queue", queue)
    hurried = settings(phases=[Phase.generate], max_examples=2_000, report_multiple_bugs=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Hallway, settings=hurried)


def test_the_model_imports_nothing_of_the_server():
    for name in ("model", "order", "telling"):
        text = (Path(__file__).parent / f"{name}.py").read_text()
        assert "from server" not in text
        assert "import server" not in text
