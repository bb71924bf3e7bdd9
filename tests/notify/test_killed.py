"""A server killed at random moments of sending: no reminder is missing, and only what was in the air repeats.

The judge is the log of the gateway, which writes down each request before it answers.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import program
import pytest
from houses import house
from running import Onthaal, free_port

AT_ONCE = 16
BEFORE, DUE = "2026-11-23T09:15:00+01:00", "2026-11-23T10:40:00+01:00"


@contextlib.contextmanager
def gateway(port: int, log: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "server.bench.gateway", str(port), str(log)]
    process = subprocess.Popen(command, cwd=program.ROOT, env=program.environment())
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def taken(log: Path) -> Counter[str]:
    """How often the gateway took each delivery."""
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter(line.split()[0] for line in lines if line.endswith(" taken"))


def until(holds: object, what: str, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def send_and_kill(folder: Path, reminders: int, kills: int, seed: int) -> None:
    port, log, draw = free_port(), folder / "gateway.log", Random(seed)
    config = house(folder, 2)
    config.write_text(
        f'{config.read_text()}[channels.sms]\ngateway = "kannel"\nsender = "Onthaal"\n'
        f"at_once = {AT_ONCE}\ntimeout_s = 1\n"
        f'[channels.sms.kannel]\nurl = "http://127.0.0.1:{port}/cgi-bin/sendsms"\n'
        'username = "u"\npassword = "p"\n'
    )
    rows = [f"R{n},onthaal,2026-11-24T10:40,+3247{n:07d}" for n in range(reminders)]
    (folder / "rows.csv").write_text("\n".join(["ref,service,at,phone", *rows]))
    server = Onthaal(folder, config=config, house_time=DUE, speed=1)
    with gateway(port, log), contextlib.closing(server):
        server.token("supervisor")
        file = str(folder / "rows.csv")
        done = program.run(
            *("import", "appointments", file, "--site", "mechelen", "--database", server.url),
            *("--config", str(config), "--house-time", BEFORE),
        )
        assert done.returncode == 0, done.stderr
        server.start()
        for number in range(kills):
            so_far = len(taken(log))
            more = draw.randrange(1, max(2, (reminders - so_far) // (kills - number)))
            until(
                lambda so_far=so_far, more=more: len(taken(log)) >= min(reminders, so_far + more), "sent none"
            )
            time.sleep(draw.uniform(0, 0.1))  # the moment of death is what is tried here
            server.stop(signal.SIGKILL)
            server.start()
        until(lambda: len(taken(log)) >= reminders, f"missing: {reminders - len(taken(log))}")
        assert server.stop() == 0
    counts = taken(log)
    twice = sum(count - 1 for count in counts.values())
    assert len(counts) == reminders
    assert twice <= kills * AT_ONCE
    assert " ERROR " not in server.log()
    print(f"{kills} kills, {reminders} reminders, {twice} twice")


def test_five_deaths_while_reminders_go_out(tmp_path: Path) -> None:
    send_and_kill(tmp_path, reminders=300, kills=5, seed=1)


@pytest.mark.soak
def test_fifty_deaths_while_reminders_go_out(tmp_path: Path) -> None:
    send_and_kill(tmp_path, reminders=3000, kills=50, seed=2)
