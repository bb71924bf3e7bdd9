"""Reminders by the thousand: imported, planned, and all that fall due in one minute sent.

A server in a process of its own sends through a loopback gateway in another, which is slow, fails now and
then, and tells receipts twice (``server.bench.gateway``). What went out is judged by the gateway's log, not
by the ledger.
"""

from __future__ import annotations

import contextlib
import csv
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from server import database as db
from server.bench.machine import Progress
from server.bench.subject import SITE, Subject, free_port
from server.database import Database

BEFORE = datetime.fromisoformat("2026-11-23T09:15:00+01:00")
"""House time while the appointments come in; the clock stands still."""

DUE = datetime.fromisoformat("2026-11-23T10:40:00+01:00")
"""The minute in which so many reminders are due: a day before their slots."""

COMMANDS = 300
PAIRS = 5
AIM_S = 60.0
AIM_COST = 1.2
GIVES_UP_S = 300.0


def measure(folder: Path, appointments: int, due: int, progress: Progress) -> dict[str, Any]:
    """Rows a second of the import, a command's cost before and after, and how the due ones went out."""
    folder.mkdir(parents=True)
    file = folder / "appointments.csv"
    _write_appointments(file, appointments, due)
    port, log = free_port(), folder / "gateway.log"
    with _gateway(port, log):
        subject = Subject(folder, channels=channels(port), house_time=BEFORE.isoformat(), speed=0)
        # Beside it one that imports nothing and gets the same commands: a day that fills costs more too.
        empty = Subject(folder / "empty", channels=channels(port), house_time=BEFORE.isoformat(), speed=0)
        with subject, empty:
            costs = [_Cost(each) for each in (empty, subject)]
            for cost in costs:
                cost.measure()  # imports and caches are not what is compared
            progress(f"importing {appointments} appointments")
            imported_s = _import(subject, file)
            planned_s = _wait(subject, "planned", lambda: _planned(subject) >= appointments)
            pairs = [(costs[0].measure(), costs[1].measure()) for _ in range(PAIRS)]
        progress(f"sending {due} reminders")
        subject.house_time, subject.speed = DUE.isoformat(), 1
        with subject:
            return {
                "appointments": appointments,
                "rows_per_s": round(appointments / imported_s),
                "planned_after_s": round(planned_s, 1),
                "command_without_ms": round(statistics.median(without for without, _ in pairs), 3),
                "command_with_ms": round(statistics.median(with_ for _, with_ in pairs), 3),
                "cost_ratio": round(ratio(pairs), 3),
                "aim_cost": AIM_COST,
                "cost_met": ratio(pairs) <= AIM_COST,
                **_sent(subject, log, due, progress),
            }


def _sent(subject: Subject, log: Path, due: int, progress: Progress) -> dict[str, Any]:
    began, used = time.monotonic(), subject.cpu_s()
    memory = [subject.resident_mb()]
    out_s = None
    while time.monotonic() - began < GIVES_UP_S:
        taken = Counter(name for name, said in requests(log) if said == "taken")
        memory.append(subject.resident_mb())
        progress(f"sent {len(taken)} of {due}")
        if len(taken) >= due:
            out_s = out_s or time.monotonic() - began
            if delivered(subject.url) >= due:
                break
        time.sleep(0.25)
    asked = requests(log)
    taken = Counter(name for name, said in asked if said == "taken")
    return {
        "due": due,
        "out_s": None if out_s is None else round(out_s, 1),
        "receipts_s": round(time.monotonic() - began, 1),
        "requests": len(asked),
        "refused": sum(said != "taken" for _, said in asked),
        "missing": due - len(taken),
        "twice": sum(count - 1 for count in taken.values()),
        "delivered": delivered(subject.url),
        "server_cpu_s": round(subject.cpu_s() - used, 1),
        "memory_mb": [round(min(memory)), round(max(memory))],
        "aim_s": AIM_S,
        "met": out_s is not None and out_s <= AIM_S and len(taken) == due == sum(taken.values()),
    }


def ratio(pairs: list[tuple[float, float]]) -> float:
    """The median of what a command costs with the appointments over what it costs without."""
    return statistics.median(with_ / without for without, with_ in pairs)


def channels(port: int) -> str:
    """The configuration of SMS through the loopback gateway."""
    return (
        '[channels.sms]\ngateway = "kannel"\nsender = "Onthaal"\npart_price = 0.05\n'
        f'[channels.sms.kannel]\nurl = "http://127.0.0.1:{port}/cgi-bin/sendsms"\n'
        'username = "bench"\npassword = "bench"\n'
    )


def requests(log: Path) -> list[tuple[str, str]]:
    """Every request that the gateway got: the delivery's name, and what it answered."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [(name, said) for name, _, said in (line.partition(" ") for line in lines)]


def delivered(url: str) -> int:
    """How many deliveries the ledger knows to have reached their person."""
    return _count(url, db.delivery.c.state == "delivered")


def _planned(subject: Subject) -> int:
    return _count(subject.url, db.delivery.c.state == "planned", distinct=True)


def _count(url: str, which: sa.ColumnElement[bool], *, distinct: bool = False) -> int:
    column = db.delivery.c.subject
    counted = sa.func.count(column.distinct() if distinct else column)
    database = Database(url)
    try:
        return database.read_now(lambda c: c.execute(sa.select(counted).where(which)).scalar_one())
    finally:
        database.close()


def _wait(subject: Subject, what: str, holds: Any) -> float:
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > GIVES_UP_S:
            raise RuntimeError(f"not {what} within {GIVES_UP_S:.0f} s: {subject.log()}")
        time.sleep(0.25)
    return time.monotonic() - began


@contextlib.contextmanager
def _gateway(port: int, log: Path) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "server.bench.gateway", str(port), str(log)])
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _write_appointments(file: Path, appointments: int, due: int) -> None:
    """So many appointments, ``due`` of them a day after :data:`DUE`, the others in the weeks after."""
    with file.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["ref", "service", "at", "name", "phone"])
        for number in range(appointments):
            if number < due:
                at = DUE + timedelta(days=1)
            else:
                later = number - due
                at = (DUE + timedelta(days=6 + later % 60)).replace(
                    hour=8 + later % 12, minute=5 * (later % 12)
                )
            rows.writerow(
                [
                    f"R{number}",
                    "desk",
                    at.replace(tzinfo=None).isoformat(),
                    f"Person {number}",
                    f"+3247{number:07d}",
                ]
            )


def _import(subject: Subject, file: Path) -> float:
    began = time.monotonic()
    command = [sys.executable, "-m", "server", "import", "appointments", str(file), "--site", SITE]
    command += ["--database", subject.url, "--house-time", BEFORE.isoformat()]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ONTHAAL_")}
    done = subprocess.run(command, capture_output=True, text=True, env=kept)
    if done.returncode != 0:
        raise RuntimeError(f"the import failed: {done.stdout}{done.stderr[-2000:]}")
    return time.monotonic() - began


class _Cost:
    """The time of a command from its POST to its answer, one after the other: draw, call, start, finish."""

    def __init__(self, subject: Subject) -> None:
        self._kiosk, self._counter = subject.client("kiosk"), subject.client("counter")
        self._counter.post("/counters/1/open")

    def measure(self) -> float:
        """The median in milliseconds."""
        times = []
        for _ in range(COMMANDS // 4):
            for client, path, body in (
                (self._kiosk, "/visits", {"service": "desk"}),
                (self._counter, "/counters/1/next", {}),
                (self._counter, "/counters/1/start", {}),
                (self._counter, "/counters/1/finish", {}),
            ):
                began = time.perf_counter()
                client.post(path, body)
                times.append((time.perf_counter() - began) * 1000)
        return statistics.median(times)
