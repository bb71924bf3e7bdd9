"""From the POST of a call to the frame at every client that it concerns.

Everybody waits for one service that all forty counters serve, so each call concerns every screen,
every panel, the phone that is called and the phone of everybody who still waits (one fewer is ahead).
Which clients those are is known here from the answers alone. For each of them the first frame whose
``seq`` is at least the answer's ends the time; a newer frame shows the call as well.
"""

from __future__ import annotations

import array
import bisect
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.bench.machine import Progress
from server.bench.subject import COUNTERS, SITE, Client, Subject
from server.bench.watchers import NOTE, watch

SCREENS = 30
PHONES = 300
AIM_P99_MS = 50.0
CALLERS = 4
"""Connections that send the calls in turn, so that a slow answer does not hold up the next call."""

KEPT = 60
"""Calls after which the phone of somebody who was called is put away."""

NEVER = 2**62


@dataclass(slots=True)
class Call:
    """A call: when it was sent and answered (monotonic nanoseconds), its seq and ticket."""

    sent: int
    answered: int
    seq: int
    ticket: str


@dataclass(slots=True)
class Phone:
    """A ticket page: its client and the seq at which its ticket was called."""

    client: int
    called: int = NEVER


class Hall:
    """The people of the measurement: who draws, who is called, who goes."""

    def __init__(self, subject: Subject, pipe: Any) -> None:
        self.subject = subject
        self.pipe = pipe
        self.phones: dict[str, Phone] = {}
        self.calls: list[Call] = []
        self._clients = SCREENS + COUNTERS
        self._lock = threading.Lock()

    def watch(self, client: int, path: str, role: str | None) -> None:
        token = self.subject.token(role) if role else ""
        with self._lock:
            self.pipe.send(("watch", client, path, token))

    def draw(self, client: Client) -> str:
        """A walk-in draws a ticket; its link."""
        answer = client.post("/visits", {"service": "desk"})
        self._clients += 1
        self.phones[answer["ticket"]] = Phone(self._clients)
        return str(answer["link"])

    def arrive(self, client: Client) -> None:
        """A walk-in draws a ticket and opens its page."""
        self.look(self.draw(client), self._clients)

    def look(self, link: str, client: int) -> None:
        """Open a ticket's page."""
        self.watch(client, f"/live/visits/{link.rsplit('/', 1)[1]}", None)

    def call(self, client: Client, counter: int) -> None:
        """A counter calls who is next."""
        sent = time.monotonic_ns()
        answer = client.post(f"/counters/{counter}/next")
        call = Call(sent, time.monotonic_ns(), answer["seq"], answer["ticket"])
        with self._lock:
            self.calls.append(call)
            self.phones[call.ticket].called = call.seq
            if len(self.calls) > KEPT:
                gone = self.phones[self.calls[-KEPT].ticket]
                self.pipe.send(("drop", gone.client))


def measure(folder: Path, calls: int, rate: float, progress: Progress) -> dict[str, Any]:
    """The figures of so many calls at so many a second, in milliseconds."""
    context = multiprocessing.get_context("spawn")
    with Subject(folder) as subject:
        ours, theirs = context.Pipe()
        watchers = context.Process(target=watch, args=(subject.port, theirs), daemon=True)
        watchers.start()
        hall = Hall(subject, ours)
        _gather(hall, progress)
        began, cpu, own = time.monotonic(), subject.cpu_s(), time.process_time()
        behind_s = _drive(hall, calls, rate, progress)
        took = time.monotonic() - began
        cpu, own = subject.cpu_s() - cpu, time.process_time() - own
        time.sleep(1.0)  # the last frames are on their way
        ours.send(("stop",))
        losses, watching, raw = ours.recv()
        watchers.join()
    notes = array.array("q")
    notes.frombytes(raw)
    times, missed = _times(hall, notes)
    everything = sorted(value for values in times.values() for value in values)
    return {
        "calls": calls,
        "calls_per_s": rate,
        "commands_per_s": round(3 * calls / took, 1),
        "behind_schedule_ms": round(behind_s * 1000, 1),
        "screens": SCREENS,
        "panels": COUNTERS,
        "phones": PHONES,
        "answer": figures(sorted(call.answered - call.sent for call in hall.calls)),
        **{audience: figures(sorted(values)) for audience, values in times.items()},
        "all": figures(everything),
        "missed": missed,
        "connections_lost": losses,
        "cpu_share": {
            "server": round(cpu / took, 3),
            "watchers": round(watching / took, 3),
            "callers": round(own / took, 3),
        },
        "aim_p99_ms": AIM_P99_MS,
        "met": not missed and rank(everything, 99) < AIM_P99_MS,
    }


def _gather(hall: Hall, progress: Progress) -> None:
    progress("opening counters, drawing tickets, connecting screens, panels and phones")
    # Nobody watches while the tickets are drawn: showing each to all would take the longest.
    counter, kiosk = hall.subject.client("counter"), hall.subject.client("kiosk")
    for number in range(1, COUNTERS + 1):
        counter.post(f"/counters/{number}/open")
    links = [hall.draw(kiosk) for _ in range(PHONES)]
    for number in range(SCREENS):
        hall.watch(number, f"/live/{SITE}/hall", "screen")
    for number in range(COUNTERS):
        hall.watch(SCREENS + number, f"/live/{SITE}/counters/{number + 1}", "counter")
    for number, link in enumerate(links):
        hall.look(link, SCREENS + COUNTERS + 1 + number)
    hall.pipe.send(("ready",))
    if not hall.pipe.poll(60) or hall.pipe.recv() != SCREENS + COUNTERS + PHONES:
        raise RuntimeError("not every client could connect")
    counter.close()
    kiosk.close()


def _drive(hall: Hall, calls: int, rate: float, progress: Progress) -> float:
    """Calls, tickets drawn and counters freed, each at its own third of the beat.

    Returns by how many seconds the latest call was sent after its moment.
    """
    begin = time.monotonic() + 0.5
    failures: list[BaseException] = []
    behind = [0.0]
    free = [threading.Event() for _ in range(COUNTERS)]
    for event in free:
        event.set()

    def at_moments(
        role: str, first: int, step: int, phase: float, act: Callable[[Client, int], None]
    ) -> None:
        client = hall.subject.client(role)
        try:
            for number in range(first, calls, step):
                moment = begin + (number + phase) / rate
                time.sleep(max(0.0, moment - time.monotonic()))
                if failures:
                    return
                if phase == 0:
                    behind[0] = max(behind[0], time.monotonic() - moment)
                act(client, number)
        except BaseException as error:
            failures.append(error)
        finally:
            client.close()

    def call(client: Client, number: int) -> None:
        if not free[number % COUNTERS].wait(30):
            raise RuntimeError("the server does not keep up with this rate")
        free[number % COUNTERS].clear()
        hall.call(client, number % COUNTERS + 1)
        if number % 20 == 0:
            progress(f"{number} of {calls} calls")

    def finish(client: Client, number: int) -> None:
        """The counter that calls half a round later sends its person home."""
        counter = (number + COUNTERS // 2) % COUNTERS
        if number >= COUNTERS // 2:
            client.post(f"/counters/{counter + 1}/finish")
            free[counter].set()

    threads = [
        *(threading.Thread(target=at_moments, args=("counter", n, CALLERS, 0, call)) for n in range(CALLERS)),
        threading.Thread(
            target=at_moments, args=("kiosk", 0, 1, 1 / 3, lambda client, _n: hall.arrive(client))
        ),
        threading.Thread(target=at_moments, args=("counter", 0, 1, 2 / 3, finish)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError("a command failed") from failures[0]
    return behind[0]


def _times(hall: Hall, notes: array.array[int]) -> tuple[dict[str, list[int]], int]:
    """Nanoseconds by audience, and how many frames never came."""
    seqs: dict[int, list[int]] = {}
    moments: dict[int, list[int]] = {}
    for at in range(0, len(notes), NOTE):
        client, seq, moment = notes[at : at + NOTE]
        seqs.setdefault(client, []).append(seq)
        moments.setdefault(client, []).append(moment)
    missed = 0
    times: dict[str, list[int]] = {"hall": [], "counters": [], "visits": []}

    def take(audience: str, client: int, calls: list[Call]) -> None:
        nonlocal missed
        for call in calls:
            index = bisect.bisect_left(seqs[client], call.seq)
            if index == len(seqs[client]):
                missed += 1
            else:
                times[audience].append(moments[client][index] - call.sent)

    calls = sorted(hall.calls, key=lambda call: call.seq)
    for client in range(SCREENS):
        take("hall", client, calls)
    for client in range(SCREENS, SCREENS + COUNTERS):
        take("counters", client, calls)
    order = [call.seq for call in calls]
    for phone in hall.phones.values():
        if phone.client not in seqs:
            missed += 1
            continue
        first = bisect.bisect_right(order, seqs[phone.client][0])
        last = bisect.bisect_right(order, phone.called)
        take("visits", phone.client, calls[first:last])
    return times, missed


def figures(ordered: list[int]) -> dict[str, Any]:
    """How many there are, and their P50, P99 and longest in milliseconds, of sorted nanoseconds."""
    return {
        "frames": len(ordered),
        "p50_ms": round(rank(ordered, 50), 1),
        "p99_ms": round(rank(ordered, 99), 1),
        "max_ms": round(ordered[-1] / 1e6, 1) if ordered else 0.0,
    }


def rank(ordered: list[int], percent: int) -> float:
    """Nearest-rank percentile of nanoseconds, in milliseconds."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] / 1e6 if ordered else 0.0
