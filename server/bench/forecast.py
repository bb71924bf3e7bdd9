"""What a forecast of a hall costs, against how many wait and how many counters are open.

The hall is decided by the domain; the model was told of made waits, and works as long as one that has learned
from true ones. ``ms`` is the median time of a whole recomputation: told what has
happened since, the scene, everybody's question and every newcomer's, the answers; ``worst_ms`` the longest,
``cpu_ms`` the mean CPU, for a machine that is shared.
"""

from __future__ import annotations

import itertools
import statistics
import time
from datetime import datetime
from random import Random
from typing import Any

from server.bench.machine import Progress
from server.bench.subject import HOUSE_TIME
from server.domain import commands as co
from server.domain.day import Day
from server.domain.events import Entry
from server.domain.fold import evolve
from server.domain.hall import decide
from server.domain.house import CounterPlan, House, Kind, Service
from server.domain.schedule import SECOND, to_instant
from server.forecasting.model import Model
from server.forecasting.saved import save
from server.forecasting.scene import Waiting
from server.promise.forecast import Forecast
from server.promise.store import Kept
from server.settings import default_config, load

AIM_MS = 20.0
AIM_AT = (60, 20)
"""People waiting and counters open in the hall that the aim is about."""

WAITING = (10, 30, 60, 100, 200, 300)
COUNTERS = (5, 10, 20, 40)
SERVICES = 10
REPEATS = 21
LESSONS = 3_000


def measure(progress: Progress) -> dict[str, Any]:
    """The time of a recomputation for each number of people and counters."""
    rows = []
    for counters in COUNTERS:
        house = _house(counters)
        kept = Kept("bench", 0.84, "", save(_model(house)))
        for waiting in WAITING:
            progress(f"{waiting} people, {counters} counters")
            rows.append({"waiting": waiting, "counters": counters, **_timed(house, kept, waiting)})
    (aimed,) = (row for row in rows if (row["waiting"], row["counters"]) == AIM_AT)
    return {
        "services": SERVICES,
        "rows": rows,
        "aim_ms": AIM_MS,
        "aim_waiting": AIM_AT[0],
        "aim_counters": AIM_AT[1],
        "met": aimed["ms"] <= AIM_MS,
    }


def _house(counters: int) -> House:
    """A house of ten services; each counter serves three, and one in four helps an express desk."""
    plain = load(default_config())["mechelen"]
    services = {
        f"s{n}": Service(
            id=f"s{n}", name=f"s{n}", kind=Kind.EXPRESS if n == 0 else Kind.THEME, range="A", target_s=300
        )
        for n in range(SERVICES)
    }
    plans = {
        str(n): CounterPlan(
            id=str(n),
            services=frozenset(f"s{(n + more) % SERVICES}" for more in range(3)),
            overflow=frozenset({"s0"}) if n % 4 == 3 else frozenset(),
        )
        for n in range(counters)
    }
    return House(site="bench", name="Bench", calendar=plain.calendar, services=services, counters=plans)


def _model(house: House) -> Model:
    """A model that has met every service and counter."""
    random, model = Random(1), Model()
    at = to_instant(datetime.fromisoformat(HOUSE_TIME)) - 86_400 * SECOND
    counters = list(house.counters.values())
    for _ in range(LESSONS):
        plan = random.choice(counters)
        service = random.choice(sorted(plan.services))
        at += random.randrange(1, 20) * SECOND
        model.past.arrived(at, service)
        waited = random.randrange(10, 1500) * SECOND
        model.past.called(at, plan.id, Waiting(service, at - waited), ())
        took = int(random.lognormvariate(0, 0.6) * 240) * SECOND
        model.past.ended(at, plan.id, service, at - took, True)
    model.past.tabulate()
    return model


def _hall(house: House, waiting: int) -> Day:
    """Every counter serves somebody, and so many wait: half of them for the last minutes only."""
    random, day = Random(2), Day()
    now = to_instant(datetime.fromisoformat(HOUSE_TIME))

    def do(command: co.Command) -> None:
        nonlocal day
        for event in decide(house, day, command, now):
            day = evolve(day, Entry(day.seq + 1, now, event))

    do(co.OpenDay(appointments=()))
    for counter in house.counters:
        do(co.OpenCounter(counter=counter))
    for number in range(len(house.counters) + waiting):
        now += random.randrange(1, 10) * SECOND
        service = f"s{number % SERVICES}"
        do(co.WalkIn(visit=f"v{number}", service=service))
        if number < len(house.counters):
            free = (name for name in house.counters if _takes(house, day, name, service))
            for counter in itertools.islice(free, 1):
                do(co.CallNext(counter=counter))
                do(co.Start(counter=counter))
    return day


def _takes(house: House, day: Day, counter: str, service: str) -> bool:
    return service in house.counters[counter].services and day.counter(counter).visit is None


def _timed(house: House, kept: Kept, waiting: int) -> dict[str, float]:
    day, forecast = _hall(house, waiting), Forecast(house, kept)
    said = forecast.made(day, day.at)
    times, used = [], time.process_time()
    for second in range(1, REPEATS + 1):
        began = time.perf_counter()
        said = forecast.made(day, day.at + second * SECOND, said)
        times.append((time.perf_counter() - began) * 1000)
    cpu_ms = (time.process_time() - used) * 1000 / REPEATS
    return {
        "ms": round(statistics.median(times), 1),
        "worst_ms": round(max(times), 1),
        "cpu_ms": round(cpu_ms, 1),
    }
