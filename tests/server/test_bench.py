"""The measurement counts what it says: every client that a call concerns, from the POST to its frame."""

from __future__ import annotations

import array
import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
from program import environment
from running import ROOT

from server.bench import latency, report
from server.bench.glass import SCREENS as GLASS_SCREENS
from server.bench.glass import _times as glass_times
from server.bench.latency import COUNTERS, PHONES, SCREENS, Call, Phone
from server.bench.machine import cpu_s, machine

MS = 1_000_000


def test_a_client_is_timed_up_to_the_first_frame_that_shows_the_call() -> None:
    calls = [Call(10 * MS, 11 * MS, seq=100, ticket="A001"), Call(20 * MS, 22 * MS, seq=103, ticket="A002")]
    first, second, third, late = 1001, 1002, 1003, 1004
    notes = [(client, 100, 15 * MS) for client in range(SCREENS + COUNTERS)]
    notes += [(client, 104, 27 * MS) for client in range(SCREENS + COUNTERS)]  # newer than the second call
    notes += [
        *[(first, 99, 1 * MS), (first, 100, 12 * MS), (first, 104, 90 * MS)],  # called by the first call
        *[(second, 99, 1 * MS), (second, 103, 50 * MS)],  # was told of both calls in one frame
        *[(third, 99, 1 * MS), (third, 101, 14 * MS)],  # never heard of the second call
        (late, 101, 13 * MS),  # came after the first call
        (late, 103, 26 * MS),
    ]
    phones = {
        "A001": Phone(first, called=100),
        "A002": Phone(second, called=103),
        "A003": Phone(third),
        "A004": Phone(late),
    }
    hall = SimpleNamespace(calls=calls, phones=phones)
    times, missed = latency._times(hall, array.array("q", [n for note in notes for n in note]))  # type: ignore[arg-type]
    assert times["hall"] == [5 * MS, 7 * MS] * SCREENS
    assert times["counters"] == [5 * MS, 7 * MS] * COUNTERS
    assert times["visits"] == [2 * MS, 40 * MS, 30 * MS, 4 * MS, 6 * MS]
    assert missed == 1


def test_percentiles_are_nearest_rank() -> None:
    assert [latency.rank([n * MS for n in range(1, 201)], percent) for percent in (50, 99)] == [100, 198]
    assert latency.rank([7 * MS], 99) == 7


def test_cpu_time_is_that_of_the_process() -> None:
    until = time.process_time() + 0.2
    before = cpu_s(os.getpid())
    while time.process_time() < until:
        pass
    assert 0.15 <= cpu_s(os.getpid()) - before <= 0.3
    assert set(machine()) == {"cores", "processor", "load_before", "system", "python", "sqlite"}


def test_the_command_measures_a_real_server() -> None:
    calls = 40
    command = [sys.executable, "-m", "server", "bench", "calls", "--calls", str(calls)]
    command += ["--rate", "10", "--only", "latency", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # progress is for terminals
    figures: dict[str, Any] = json.loads(done.stdout)
    found = figures["latency"]
    assert (found["missed"], found["connections_lost"]) == (0, 0)
    assert found["hall"]["frames"] == calls * SCREENS
    assert found["counters"]["frames"] == calls * COUNTERS
    # As many draw as are called, so each call concerns some three hundred phones.
    assert abs(found["visits"]["frames"] - calls * PHONES) < calls * PHONES * 0.1
    assert found["all"]["p50_ms"] <= found["all"]["p99_ms"] <= found["all"]["max_ms"]
    assert f"{SCREENS} screens, {COUNTERS} panels, {PHONES} phones" in report.text(figures)


def test_a_screen_is_timed_up_to_the_first_picture_that_shows_the_call() -> None:
    sent = [(10, 1000.0), (12, 2000.0), (15, 3000.0)]
    quick = [(9, 900.0), (10, 1020.0), (11, 1500.0), (12, 2030.0), (15, 3040.0)]
    slow = [(9, 900.0), (13, 2500.0)]  # one picture for two calls, and none for the last
    times, missed = glass_times(sent, [quick, slow])
    assert times == [20 * MS, 30 * MS, 40 * MS, 1500 * MS, 500 * MS]
    assert missed == 1


@pytest.mark.browser
def test_the_command_measures_real_screens() -> None:
    calls = 5
    command = [sys.executable, "-m", "server", "bench", "glass", "--calls", str(calls), "--json"]
    command += ["--restarts", "1"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["glass"]
    assert found["missed"] == 0
    assert found["painted"]["frames"] == calls * GLASS_SCREENS
    assert 0 < found["painted"]["p50_ms"] <= found["painted"]["p99_ms"]
    assert found["back"]["frames"] == GLASS_SCREENS
    assert 0 < found["back"]["p50_ms"] <= found["back"]["max_ms"]


def test_the_year_that_figures_are_measured_on_has_as_many_visits_as_asked_for() -> None:
    command = [sys.executable, "-m", "server", "bench", "figures", "--visits", "700", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["figures"]
    assert (found["visits"], found["days"], found["digested_days"]) == (700, 2, 10)
    assert {each["kind"] for each in found["reports"]} >= {"visits", "waits"}
    assert all(each["warm_ms"] > 0 for each in found["reports"])
