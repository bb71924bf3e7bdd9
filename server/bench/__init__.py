"""`onthaal bench`: measures a real server in a process of its own, and says on what machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from server.bench.machine import Progress


@click.group("bench")
def command() -> None:
    """Measure this machine's Onthaal."""


@command.command("calls")
@click.option("--calls", default=2000, show_default=True, type=click.IntRange(40, 50_000))
@click.option(
    "--rate", default=5.0, show_default=True, type=click.FloatRange(0.5, 100), help="Calls a second."
)
@click.option(
    "--visits", default=108_277, show_default=True, type=click.IntRange(350), help="Visits in the year."
)
@click.option("--only", type=click.Choice(["latency", "growth"]), help="One half of the measurement.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def calls(calls: int, rate: float, visits: int, only: str | None, as_json: bool) -> None:
    """From the POST of a call to the frame at every client; and what a year of journal costs a command."""
    from server.bench import growth, latency

    def parts(folder: Path, progress: Progress) -> Iterator[tuple[str, Figures]]:
        if only != "growth":
            yield "latency", latency.measure(folder / "latency", calls, rate, progress)
        if only != "latency":
            yield "growth", growth.measure(folder / "growth", visits, progress)

    _measure(parts, as_json)


@command.command("glass")
@click.option("--calls", default=300, show_default=True, type=click.IntRange(5, 10_000))
@click.option(
    "--rate", default=2.0, show_default=True, type=click.FloatRange(0.2, 20), help="Calls a second."
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
@click.option(
    "--restarts", default=5, show_default=True, type=click.IntRange(1, 100), help="How often it is killed."
)
def on_glass(calls: int, rate: float, as_json: bool, restarts: int) -> None:
    """From the POST of a call to its picture on six screens in a real browser; and back after a restart."""
    from server.bench.glass import measure

    def parts(folder: Path, progress: Progress) -> Iterator[tuple[str, Figures]]:
        yield "glass", measure(folder / "glass", calls, rate, restarts, progress)

    _measure(parts, as_json)


@command.command("reminders")
@click.option("--appointments", default=100_000, show_default=True, type=click.IntRange(10, 1_000_000))
@click.option(
    "--due", default=10_000, show_default=True, type=click.IntRange(1, 100_000), help="In one minute."
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def reminders(appointments: int, due: int, as_json: bool) -> None:
    """Appointments imported and planned, and the reminders of one minute sent through a bad gateway."""
    from server.bench.reminders import measure

    if due > appointments:
        raise click.UsageError("no more can be due than there are appointments")

    def parts(folder: Path, progress: Progress) -> Iterator[tuple[str, Figures]]:
        yield "reminders", measure(folder / "reminders", appointments, due, progress)

    _measure(parts, as_json)


@command.command("figures")
@click.option(
    "--visits", default=108_277, show_default=True, type=click.IntRange(350), help="Visits in the year."
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def year_of_figures(visits: int, as_json: bool) -> None:
    """A year of visits: how long it takes to digest, and how long each report over it."""
    from server.bench.figures import measure

    def parts(folder: Path, progress: Progress) -> Iterator[tuple[str, Figures]]:
        yield "figures", measure(folder / "figures", visits, progress)

    _measure(parts, as_json)


@command.command("forecast")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def of_waits(as_json: bool) -> None:
    """What it costs to forecast a hall anew, against how many wait and how many counters are open."""
    from server.bench.forecast import measure

    def parts(_folder: Path, progress: Progress) -> Iterator[tuple[str, Figures]]:
        yield "forecast", measure(progress)

    _measure(parts, as_json)


Figures = dict[str, Any]


def _measure(parts: Callable[[Path, Progress], Iterator[tuple[str, Figures]]], as_json: bool) -> None:
    """Print the figures of all parts, and the machine that they were taken on."""
    import json
    import sys
    import tempfile

    from server.bench import report
    from server.bench.machine import Progress, load, machine

    progress = Progress(sys.stderr)
    about = machine()
    figures: Figures = {"machine": about}
    with tempfile.TemporaryDirectory(prefix="onthaal-bench-") as folder:
        try:
            for name, found in parts(Path(folder), progress):
                figures[name] = found
                about.setdefault("load_after", load())  # of the part that depends on it most
        except RuntimeError as error:
            raise click.ClickException(f"{error}: {error.__cause__ or 'no more is known'}") from error
        finally:
            progress.done()
    click.echo(json.dumps(figures, indent=2) if as_json else report.text(figures))
