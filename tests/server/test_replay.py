"""Replay: days worked out by hand, what always holds, and what the command prints."""

from __future__ import annotations

import json
import re
import shlex
import time
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from server import settings
from server.domain.house import House
from server.domain.schedule import SECOND
from server.replay import Row, Served, command, replay
from server.replay.figures import percentile, report

ROOT = Path(__file__).resolve().parents[2]

ONE = """
[sites.town]
name = "Town"
time_zone = "Europe/Brussels"
[sites.town.rules]
grace_s = 300
waiting_limit_s = 1200
[sites.town.opening]
sun = ["09:00-09:01"]
[[sites.town.services]]
id = "passport"
name = "Passports"
kind = "theme"
range = "A"
target_s = 300
[[sites.town.counters]]
id = "1"
services = ["passport"]
"""
SECOND_COUNTER = '[[sites.town.counters]]\nid = "2"\nservices = ["passport"]\n'
EXPRESS = """
[[sites.town.services]]
id = "pick-up"
name = "Pick up"
kind = "express"
range = "B"
target_s = 120
[[sites.town.counters]]
id = "9"
services = ["pick-up"]
"""

NINE = 1_795_420_800 * SECOND
"""Monday 2026-11-23, 09:00 in Brussels; long after the house's only opening, which must not matter."""


def house(text: str) -> House:
    return settings.load_text(text, "town.toml")["town"]


def row(at: float, service_s: float, slot: float | None = None, service: str = "passport") -> Row:
    """A row of that morning; times in seconds from nine."""
    return Row(
        arrived_at=NINE + round(at * SECOND),
        service=service,
        appointment_at=None if slot is None else NINE + round(slot * SECOND),
        service_us=round(service_s * SECOND),
    )


def told(served: tuple[Served, ...]) -> list[tuple[str, str, float, str]]:
    """(ticket, counter, called in seconds from nine, rule) of each call."""
    return [(s.ticket, s.counter, (s.called_at - NINE) / SECOND, s.rule) for s in served]


# --- by hand ------------------------------------------------------------------------------------


def test_one_counter_serves_in_turn() -> None:
    town = house(ONE)
    result = replay(town, [row(0, 100), row(30, 60), row(60, 0), row(60, 10)])
    assert told(result.served) == [
        ("A001", "1", 0, "walk-in"),
        ("A002", "1", 100, "walk-in"),
        ("A003", "1", 160, "walk-in"),
        ("A004", "1", 160, "walk-in"),  # A003 took no time at all
    ]
    made = report(town, result, 90).total
    assert (made.wait_s.mean, made.wait_s.longest) == ((0 + 70 + 100 + 100) / 4, 100)
    assert (made.wait_s.p50, made.wait_s.p90, made.wait_s.p95) == (70, 100, 100)
    assert made.service_level == 2 / 4
    assert (result.staffed_us, made.busy_s, made.occupancy, made.load) == (170 * SECOND, 170, 1, 1)


def test_the_counter_that_is_free_for_longest_calls_first() -> None:
    result = replay(house(ONE + SECOND_COUNTER), [row(0, 10), row(5, 10), row(20, 1), row(30, 1)])
    # At first both are free since nine: the order of the configuration. At 20 counter 1 is free
    # since 10, counter 2 since 15; at 30 counter 1 since 21.
    assert [entry.counter for entry in result.served] == ["1", "2", "1", "2"]


def test_who_leaves_at_the_moment_of_an_arrival_makes_room_for_it() -> None:
    result = replay(house(ONE), [row(0, 60), row(60, 60)])
    assert told(result.served)[1] == ("A002", "1", 60, "walk-in")


def test_rows_need_not_be_sorted_and_equal_arrivals_keep_their_order() -> None:
    rows = [row(60, 1), row(0, 60), row(60, 2)]
    assert [entry.row for entry in replay(house(ONE), rows).served] == [rows[1], rows[0], rows[2]]


def test_the_rules_of_the_hall_choose() -> None:
    town = house(ONE)
    rows = [
        row(0, 600),  # A001 keeps the counter until 600
        row(60, 60),  # A002
        row(120, 100, slot=300),  # A003, due at 600
        row(180, 60, slot=900),  # A004, early
        row(240, 30, slot=-400),  # A005, 640 s after its slot: past the grace
    ]
    result = replay(town, rows)
    assert told(result.served) == [
        ("A001", "1", 0, "walk-in"),
        ("A003", "1", 600, "appointment"),
        ("A002", "1", 700, "walk-in"),
        ("A005", "1", 760, "walk-in"),
        ("A004", "1", 790, "early"),
    ]
    assert [entry.overtook for entry in result.served] == [(), ("A002",), (), ("A004",), ()]
    # Waits: from the later of slot and arrival; the early call counts as 0.
    assert [entry.waited_us / SECOND for entry in result.served] == [0, 300, 640, 520, 0]
    made = report(town, result, 600).total
    assert (made.customers, made.appointments, made.overtaken) == (5, 3, 2)
    assert made.rules == {"appointment": 1, "walk-in": 3, "early": 1}
    assert made.service_level == 4 / 5
    assert made.wait_s.mean == pytest.approx(1460 / 5)


def test_an_overdue_walk_in_goes_before_appointments() -> None:
    town = house(ONE.replace("waiting_limit_s = 1200", "waiting_limit_s = 200"))
    rows = [row(0, 300), row(10, 60), row(20, 60, slot=20), row(30, 60, slot=30)]
    calls = told(replay(town, rows).served)
    assert calls[1:] == [
        ("A002", "1", 300, "overdue"),
        ("A003", "1", 360, "appointment"),
        ("A004", "1", 420, "appointment"),
    ]


def test_an_idle_theme_counter_helps_the_express_desk() -> None:
    town = house(ONE + EXPRESS)
    rows = [row(0, 1000), row(0, 100, service="pick-up"), row(10, 50, service="pick-up"), row(20, 5)]
    result = replay(town, rows)
    assert told(result.served) == [
        ("A001", "1", 0, "walk-in"),
        ("B001", "9", 0, "walk-in"),
        ("B002", "9", 100, "walk-in"),
        ("A002", "1", 1000, "walk-in"),
    ]
    result = replay(town, [row(0, 1), *rows[1:3]])
    assert told(result.served)[2] == ("B002", "1", 10, "overflow")
    made = report(town, result, 600)
    # Staffed 0 to 100: counter 1 was busy 1 + 50 of it, counter 9 all the time.
    assert made.services["passport"].occupancy == pytest.approx(0.51)
    assert made.services["passport"].load == pytest.approx(0.01)
    assert made.services["pick-up"].occupancy == pytest.approx(1.0)
    assert made.services["pick-up"].load == pytest.approx(1.5)
    assert made.total.occupancy == pytest.approx(1.51 / 2)


def test_each_local_day_starts_anew() -> None:
    town = house(ONE)
    midnight = 15 * 3600  # nine in the morning, and fifteen hours
    rows = [row(midnight - 60, 600), row(midnight - 30, 10), row(midnight + 60, 40)]
    result = replay(town, rows)
    # The first day works past midnight; the second has its own counter, free from its first arrival.
    assert [(s.ticket, s.day, (s.called_at - NINE) / SECOND - midnight) for s in result.served] == [
        ("A001", date(2026, 11, 23), -60),
        ("A002", date(2026, 11, 23), 540),
        ("A001", date(2026, 11, 24), 60),
    ]
    assert (result.days, result.staffed_us) == (2, (610 + 40) * SECOND)


def test_people_of_two_days_with_one_number_are_told_apart() -> None:
    # A002 is overtaken on the first day only.
    town = house(ONE)
    first = [row(0, 100), row(10, 5), row(20, 5, slot=20)]
    second = [row(86_400 + r.arrived_at / SECOND - NINE / SECOND, 5) for r in first]
    assert report(town, replay(town, first + second), 600).total.overtaken == 1


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    # 2026-10-25 in Brussels: 02:30 summer time, and an hour later 02:30 winter time.
    summer = 1_792_888_200 * SECOND
    rows = [Row(arrived_at=summer + h * 3600 * SECOND, service="passport", service_us=60) for h in (0, 1)]
    result = replay(house(ONE), rows)
    assert (result.days, [entry.waited_us for entry in result.served]) == (1, [0, 0])


def test_a_day_without_work_has_no_occupancy() -> None:
    town = house(ONE)
    made = report(town, replay(town, [row(0, 0)]), 0).total
    assert (made.occupancy, made.load, made.service_level, made.wait_s.p95) == (None, None, 1, 0)


def test_percentiles_are_by_nearest_rank() -> None:
    twenty = list(range(1, 21))
    assert [percentile(twenty, p) for p in (5, 50, 90, 95, 100)] == [1, 10, 18, 19, 20]
    assert [percentile([7], p) for p in (1, 50, 95)] == [7, 7, 7]


# --- what always holds --------------------------------------------------------------------------

BUSY = house(ONE + SECOND_COUNTER + EXPRESS)
ABLE = {"passport": {"1", "2"}, "pick-up": {"1", "2", "9"}}
"""Which counters may serve what, said again by hand: theme counters help the express desk."""

arrivals = st.builds(
    row,
    at=st.integers(0, 400),
    service_s=st.integers(0, 120),
    slot=st.none() | st.integers(-600, 1200),
    service=st.sampled_from(["passport", "pick-up"]),
)


@given(st.lists(arrivals, min_size=1, max_size=40))
@effort(max_examples=60, deadline=None)
def test_everyone_is_served_exactly_once_and_no_able_counter_stands_idle(rows: list[Row]) -> None:
    served = replay(BUSY, rows).served
    assert sorted(id(entry.row) for entry in served) == sorted(id(one) for one in rows)
    assert len({entry.ticket for entry in served}) == len(rows)
    work: dict[str, list[tuple[int, int]]] = {"1": [], "2": [], "9": []}
    for entry in served:
        assert entry.counter in ABLE[entry.row.service]
        assert entry.called_at >= entry.row.arrived_at
        assert entry.ended_at == entry.called_at + entry.row.service_us
        # Calls come in order, so that a counter's next begins when its last has ended.
        assert not work[entry.counter] or work[entry.counter][-1][1] <= entry.called_at
        work[entry.counter].append((entry.called_at, entry.ended_at))
    for entry in served:
        for counter in ABLE[entry.row.service]:
            reached = entry.row.arrived_at
            for begin, end in work[counter]:
                if begin <= reached < end:
                    reached = end
            assert reached >= entry.called_at, f"{entry.ticket} waited while counter {counter} was free"


def test_a_day_of_the_real_size_takes_well_under_five_seconds() -> None:
    rows = [row(at=40 * index, service_s=150 + index % 100) for index in range(1523)]
    begin = time.process_time()
    replay(BUSY, rows)
    assert time.process_time() - begin < 5


def test_progress_counts_to_the_end() -> None:
    seen: list[int] = []
    replay(house(ONE), [row(0, 5), row(1, 5), row(100_000, 5)], seen.append)
    assert seen == [1, 2, 3]


# --- the command --------------------------------------------------------------------------------

TRACE = """arrived_at,service,appointment_at,service_seconds
2026-11-23T09:00:00+01:00,passport,,100
2026-11-23T09:00:30+01:00,passport,,60
2026-11-23T09:01:00+01:00,passport,2026-11-23T09:01:00+01:00,40
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "town.toml").write_text(ONE)
    (tmp_path / "trace.csv").write_text(TRACE)
    return tmp_path


def run(folder: Path, *more: str, trace: str = "trace.csv", config: str = "town.toml") -> Result:
    return CliRunner().invoke(command, [str(folder / trace), "--config", str(folder / config), *more])


def test_json(folder: Path) -> None:
    answer = run(folder, "--json", "--within", "60")
    assert (answer.exit_code, answer.stderr) == (0, "")
    # Called at 0, 100 (the appointment, due since 60) and 140.
    figures = {
        "customers": 3,
        "appointments": 1,
        "wait_s": {"mean": 50, "p50": 40, "p90": 110, "p95": 110, "longest": 110},
        "service_level": 0.6667,
        "occupancy": 1,
        "load": 1,
        "busy_s": 200,
        "rules": {"appointment": 1, "walk-in": 2},
        "overtaken": 1,
    }
    assert json.loads(answer.stdout) == {
        "site": "town",
        "days": 1,
        "counters": 1,
        "staffed_s": 200,
        "within_s": 60,
        "total": figures,
        "services": {"passport": figures},
    }


def test_a_bad_row_fails_with_its_line_and_prints_no_figures(folder: Path) -> None:
    bad = TRACE.replace("09:00:30+01:00", "09:00:30")
    (folder / "bad.csv").write_text(bad)
    answer = run(folder, trace="bad.csv")
    assert (answer.exit_code, answer.stdout) == (1, "")
    place = f"{folder / 'bad.csv'}:3: arrived_at: "
    assert answer.stderr == f'Error: {place}"2026-11-23T09:00:30" has no offset from UTC, such as +02:00\n'


def test_a_bad_configuration_fails(folder: Path) -> None:
    (folder / "town.toml").write_text(ONE.replace("target_s", "targt_s"))
    answer = run(folder)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert 'targt_s: unknown key (nearest valid name: "target_s")' in answer.stderr


def test_misuse_is_exit_status_2(folder: Path) -> None:
    (folder / "two.toml").write_text(ONE + ONE.replace("town", "port"))
    assert run(folder, config="two.toml").exit_code == 2
    assert run(folder, "--site", "tawn").exit_code == 2
    assert run(folder, "--within", "-1").exit_code == 2
    assert CliRunner().invoke(command, []).exit_code == 2
    answer = run(folder, "--site", "port", "--json", config="two.toml")
    assert json.loads(answer.stdout)["site"] == "port"


def test_the_example_in_the_documentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs/replay.md").read_text()
    trace, console = re.findall(
        r"```(?:csv|console)\n(arrived_at.*?|\$ onthaal replay morning.*?)```", text, re.S
    )
    (tmp_path / "morning.csv").write_text(trace)
    line, _, shown = console.partition("\n")
    arguments = shlex.split(line.removeprefix("$ onthaal replay "))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").symlink_to(ROOT / "config")
    answer = CliRunner().invoke(command, arguments)
    assert answer.exit_code == 0
    assert [printed.rstrip() for printed in answer.stdout.splitlines()] == shown.splitlines()
