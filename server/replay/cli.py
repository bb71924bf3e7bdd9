"""``onthaal replay TRACE --config FILE``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from server import settings
from server.domain.house import House
from server.replay.figures import Report, as_json, as_table, report
from server.replay.run import replay
from server.replay.trace import TraceError, read

PATH = click.Path(path_type=Path)


@click.command("replay")
@click.argument("trace", type=PATH)
@click.option("--config", type=PATH, envvar="ONTHAAL_CONFIG", help="The house's configuration.")
@click.option("--site", help="The site of the configuration; needed where it has several.")
@click.option(
    "--within",
    "within_s",
    type=click.FloatRange(min=0, max=86_400),
    default=600,
    show_default=True,
    help="The wait that the service level allows, in seconds.",
)
@click.option("--json", "as_json_", is_flag=True, help="Print JSON.")
def command(trace: Path, config: Path | None, site: str | None, within_s: float, as_json_: bool) -> None:
    """Serve the recorded day TRACE by the rules of a house, in virtual time.

    TRACE is CSV with the columns arrived_at, service, appointment_at and service_seconds. No opening
    hours apply, and all counters are open all the time.
    """
    try:
        house = _site(settings.load(config or settings.default_config()), site)
        rows = read(trace, house)
    except (settings.ConfigError, TraceError) as error:
        raise click.ClickException(str(error)) from None
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("replaying", total=len(rows))
        result = replay(house, rows, lambda done: bar.update(task, completed=done))
    made = report(house, result, within_s)
    if as_json_:
        click.echo(as_json(made))
    else:
        _print(trace, made)


def _site(houses: dict[str, House], site: str | None) -> House:
    if site is None:
        if len(houses) == 1:
            return next(iter(houses.values()))
        raise click.UsageError(
            f"The configuration has several sites: say --site, one of {', '.join(houses)}."
        )
    if site not in houses:
        raise click.BadParameter(f'"{site}" is not one of {", ".join(houses)}.', param_hint="--site")
    return houses[site]


def _print(trace: Path, made: Report) -> None:
    def many(count: int, thing: str) -> str:
        return f"{count} {thing}{'' if count == 1 else 's'}"

    total = made.total
    click.echo(
        f"{trace.name} at {made.site}: {total.customers} people ({total.appointments} by appointment),"
        f" {many(made.counters, 'counter')}, {many(made.days, 'day')}. Waits in seconds."
    )
    heads, *lines = as_table(made)
    table = Table(*(Column(head, justify="right" if index else "left") for index, head in enumerate(heads)))
    table.box, table.pad_edge = None, False
    for line in lines:
        table.add_row(*line)
    # A pipe has no width: nothing of a result may be cut.
    width = None if sys.stdout.isatty() else 200
    Console(highlight=False, markup=False, width=width).print(table)
    click.echo("called by rule: " + ", ".join(f"{rule} {count}" for rule, count in total.rules.items()))
