"""The hall lived ahead: small halls in which everybody can reckon what comes."""

from __future__ import annotations

import numpy as np
import pytest

from server.forecasting.ahead import FAR_S, RUNS, lived
from server.forecasting.model import Model
from server.forecasting.moments import moments
from server.forecasting.past import SECOND
from server.forecasting.scene import Coming, Counter, Question, Scene, Waiting, everybody, newcomer

NOW = 1_772_438_400 * SECOND
TAKES_S = 100


def taught(overtakes: bool = False) -> Model:
    """A hall in which everybody is served for 100 s and counters call the next at once."""
    model = Model()
    past = model.past
    at = NOW - 2_000_000 * SECOND
    for number in range(300):
        service = "A" if number % 2 else "B"
        who, other = Waiting(service, at - 60 * SECOND), Waiting(service, at - 80 * SECOND)
        first, second = (who, other) if overtakes else (other, who)
        past.called(at, "1", first, [second])
        past.ended(at + TAKES_S * SECOND, "1", service, at, anybody=True)
        at += TAKES_S * SECOND
    past.calm()
    past.tabulate()
    return model


def lives(model: Model, *questions: Question) -> np.ndarray:
    assert model.past.tables is not None
    seen = [model.see(question) for question in questions]
    return lived(moments(seen, model.past.tables.services), model.past.tables)


def scene(ahead: int, *counters: Counter, **more: tuple[Coming, ...]) -> Scene:
    # They come long after each other, so that nobody overtakes.
    people = tuple(Waiting("A", NOW - (ahead - place) * 700 * SECOND) for place in range(ahead))
    return Scene(NOW, people, counters, **more)


def busy(name: str, since_s: int, service: str = "A", *services: str) -> Counter:
    return Counter(name, service, NOW - since_s * SECOND, frozenset(services))


def test_who_stands_behind_two_waits_for_the_rest_of_one_and_two_more() -> None:
    found = lives(taught(), newcomer(scene(2, busy("1", 40)), "A"))
    assert found.shape == (1, RUNS)
    # A tenth of the lives have somebody ahead leave or step aside, which the table never rules out.
    assert np.quantile(found, 0.8) == pytest.approx(TAKES_S - 40 + 2 * TAKES_S, abs=3)


def test_two_counters_halve_it() -> None:
    found = lives(taught(), newcomer(scene(2, busy("1", 40), busy("2", 90)), "A"))
    # Free after 10 s and 60 s: the first two go there, the newcomer follows whoever is done first.
    assert np.quantile(found, 0.8) == pytest.approx(110, abs=3)


def test_a_counter_that_does_not_take_the_service_is_no_help() -> None:
    able, other = busy("1", 40, "A", "A"), busy("2", 90, "B", "B")
    assert np.median(lives(taught(), newcomer(scene(0, able, other), "A"))) == pytest.approx(60, abs=3)


def test_nobody_calls_where_no_counter_takes_the_service() -> None:
    found = lives(taught(), newcomer(scene(1, busy("1", 40, "B", "B")), "A"))
    assert (found == FAR_S).all()
    assert (lives(taught(), newcomer(scene(1), "A")) == FAR_S).all()


def test_who_waits_is_asked_with_those_ahead_only() -> None:
    hall = scene(3, busy("1", 40))
    first, second, third = np.median(lives(taught(), *everybody(hall)), axis=1)
    assert [first, second, third] == pytest.approx([60, 160, 260], abs=4)


def test_in_a_hall_of_overtakers_those_who_came_just_before_count_less() -> None:
    close = Scene(NOW, (Waiting("A", NOW - 20 * SECOND),), (busy("1", 40),))
    in_order = lives(taught(), newcomer(close, "A")).mean()
    overtaking = lives(taught(overtakes=True), newcomer(close, "A")).mean()
    assert overtaking < in_order - 50


def test_an_appointment_that_comes_first_takes_its_turn() -> None:
    soon = (Coming("A", NOW + 30 * SECOND),)
    assert np.median(lives(taught(), newcomer(scene(0, busy("1", 40), coming=soon), "A"))) == pytest.approx(
        160, abs=4
    )
    unlikely = (Coming("A", NOW + 30 * SECOND, 0.01),)
    assert np.median(
        lives(taught(), newcomer(scene(0, busy("1", 40), coming=unlikely), "A"))
    ) == pytest.approx(60, abs=4)
    later = (Coming("A", NOW + 90 * SECOND),)
    assert np.median(lives(taught(), newcomer(scene(0, busy("1", 40), coming=later), "A"))) == pytest.approx(
        60, abs=4
    )


def test_an_answer_hangs_on_its_own_question_alone() -> None:
    model = taught()
    question = newcomer(scene(2, busy("1", 40)), "A")
    others = [newcomer(scene(n, *(busy(str(c), 10 * c) for c in range(6))), "B") for n in range(6)]
    alone = model.answer([model.see(question)]).seconds[0]
    among = model.answer([model.see(each) for each in [*others[:3], question, *others[3:]]]).seconds[3]
    assert among == pytest.approx(alone, rel=1e-4)
