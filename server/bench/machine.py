"""The machine that is measured on, and what processes use of it (Linux: read from ``/proc``)."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path
from typing import TextIO

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def machine() -> dict[str, object]:
    """What the figures are taken on, and its load before."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "load_before": load(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def load() -> list[float]:
    """The mean number of runnable tasks in the last 1, 5 and 15 minutes; the measurement counts itself."""
    return [round(mean, 2) for mean in os.getloadavg()]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def cpu_s(pid: int) -> float:
    """User and system time that a process has used, in seconds, in steps of a clock tick (10 ms)."""
    # The name, in brackets, may hold anything; the fields after it are counted from 3.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def resident_mb(pid: int) -> float:
    """The memory that a process holds, in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Progress:
    """One line that is written over, on a terminal only."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None

    def __call__(self, line: str) -> None:
        if self._stream is not None:
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()

    def done(self) -> None:
        """Leave a clean line."""
        self("")
