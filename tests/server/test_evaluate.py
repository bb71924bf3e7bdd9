"""`onthaal evaluate`: nothing is known before its time, and the figures of a hall whose law is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from recorded import HEADER, hall, line, text

from server.evaluate import command
from server.evaluate.run import OWN, Outcome, Run
from server.evaluate.table import Row, read
from server.forecasting.past import SECOND

KEYS = {"pinball", "coverage", "before_p90", "median_hit", "mae", "mean_bias"}


def rows(folder: Path, lines: list[str]) -> list[Row]:
    path = folder / "days.csv"
    path.write_text(text(lines))
    return read(path).rows


def evaluated(recorded: list[Row]) -> Outcome:
    return Run().outcome(recorded)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments])


def test_a_future_that_changes_leaves_every_earlier_forecast_as_it_was(tmp_path: Path) -> None:
    """On the third day somebody waits ten minutes more, and everybody who comes later finds another hall."""
    before = rows(tmp_path, hall(3, people=120))
    number = 2 * 120 + 60
    while before[number].waited_s in (None, 0.0):
        number += 1
    row = before[number]
    assert row.called_at is not None
    assert row.ended_at is not None
    late = 600 * SECOND
    after = [
        replace(each, called_at=row.called_at + late, ended_at=row.ended_at + 2 * late)
        if each is row
        else replace(each, counter="9", service="B")
        if place > number and each.called_at
        else each
        for place, each in enumerate(before)
    ]
    one, other = evaluated(before), evaluated(after)
    known = one.arrived_at <= row.arrived_at
    assert known.sum() > 150
    for name, forecast in one.forecasts.items():
        np.testing.assert_allclose(other.forecasts[name][: known.sum()], forecast[known], rtol=1e-4)
    assert not np.allclose(other.forecasts[OWN][known.sum() :][:20], one.forecasts[OWN][~known][:20])


def test_the_chance_of_no_wait_is_told_before_the_call_in_the_same_second(tmp_path: Path) -> None:
    """Two people a day come to an empty hall; the second of the last day is called at once or never."""
    lines = [
        line(day * 86_400 + at, day * 86_400 + at, day * 86_400 + at + 60)
        for day in range(3)
        for at in (0, 600)
    ]
    one = evaluated(rows(tmp_path, lines))
    last = 2 * 86_400 + 600
    other = evaluated(rows(tmp_path, [*lines[:-1], line(last, None, last + 30)]))
    assert other.chances[OWN] == pytest.approx(one.chances[OWN], rel=1e-4)
    assert (one.none[-1], other.none[-1]) == (1, 0)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("months")
    earlier, later = folder / "earlier.csv", folder / "later.csv"
    earlier.write_text(text(hall(8, seed=3)))
    later.write_text(text(hall(4, seed=4, first_day=8)))
    return earlier, later


@pytest.fixture(scope="module")
def told(files: tuple[Path, Path]) -> dict[str, dict[str, dict[str, float]]]:
    result = run(files[1], "--json", "--train", files[0])
    assert result.exit_code == 0, result.output
    found: dict[str, dict[str, dict[str, float]]] = json.loads(result.stdout)
    return found


def test_the_json_has_what_the_design_names(told: dict[str, dict[str, dict[str, float]]]) -> None:
    assert set(told["methods"]) == {"onthaal", "rolling", "queue_length", "les", "hol", "city_formula"}
    for each in told["methods"].values():
        assert set(each) >= KEYS
    assert told["waiters"] > 300


def test_it_counts_who_waited_and_who_left(
    files: tuple[Path, Path], told: dict[str, dict[str, dict[str, float]]]
) -> None:
    lines = files[1].read_text().splitlines()[1:]
    fields = [each.split(",") for each in lines]
    assert told["left"] == sum(not each[1] for each in fields)
    assert told["waiters"] == sum(bool(each[1]) and each[1] > each[0] for each in fields)


def test_in_a_hall_with_a_law_it_promises_well(told: dict[str, dict[str, dict[str, float]]]) -> None:
    own = told["methods"]["onthaal"]
    assert own["pinball"] < 0.75 * told["methods"]["rolling"]["pinball"]
    assert own["pinball"] < 1.1 * min(each["pinball"] for each in told["methods"].values())
    assert own["coverage"] == pytest.approx(0.8, abs=0.06)
    assert own["median_hit"] == pytest.approx(0.5, abs=0.06)
    assert abs(own["mean_bias"]) < 0.06
    assert own["brier"] < 0.1


def test_it_is_the_same_every_time(files: tuple[Path, Path]) -> None:
    recorded = read(files[1]).rows[:300]
    one, other = evaluated(recorded), evaluated(recorded)
    assert np.array_equal(one.forecasts[OWN], other.forecasts[OWN])


def test_the_table_for_people(tmp_path: Path) -> None:
    path = tmp_path / "days.csv"
    path.write_text(text([*hall(2, people=60), line(100, 50, 200)]))
    result = run(path)
    assert result.exit_code == 0, result.output
    assert "120 people on 2 days" in result.stdout
    assert "onthaal" in result.stdout
    assert "left out: called before the arrival: 1" in result.stdout
    assert not result.stderr


def test_an_empty_day_gives_an_empty_result(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text(HEADER + "\n")
    found = json.loads(run(path, "--json").stdout)
    assert (found["waiters"], found["left"]) == (0, 0)
    assert found["methods"]["onthaal"]["pinball"] is None
    assert run(path).exit_code == 0


def test_a_bad_file_is_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text([line(0, 10, 20)])[:-40])
    result = run(path)
    assert result.exit_code == 1
    assert f"{path}:2: " in result.stderr


def test_a_day_cannot_be_learned_from_and_forecast(files: tuple[Path, Path]) -> None:
    result = run(files[1], "--train", files[0], files[1])
    assert result.exit_code == 1
    assert "2026-03-10 is in a file to forecast and in one of --train" in result.stderr


def test_no_file_is_a_misuse() -> None:
    assert run("--train", "x.csv").exit_code == 2
