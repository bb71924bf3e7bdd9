"""`onthaal bench`: measures a real server in a process of its own, and says on what machine."""

from __future__ import annotations

import click


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
    import json
    import sys
    import tempfile
    from pathlib import Path

    from server.bench import growth, latency, report
    from server.bench.machine import Progress, load, machine

    progress = Progress(sys.stderr)
    about = machine()
    figures: dict[str, object] = {"machine": about}
    with tempfile.TemporaryDirectory(prefix="onthaal-bench-") as folder:
        try:
            if only != "growth":
                figures["latency"] = latency.measure(Path(folder) / "latency", calls, rate, progress)
                about["load_after_calls"] = load()
            if only != "latency":
                figures["growth"] = growth.measure(Path(folder) / "growth", visits, progress)
        except RuntimeError as error:
            raise click.ClickException(f"{error}: {error.__cause__ or 'no more is known'}") from error
        finally:
            progress.done()
    click.echo(json.dumps(figures, indent=2) if as_json else report.text(figures))
