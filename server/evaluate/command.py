"""``onthaal evaluate FILE... [--train FILE...] [--json]``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Column
from rich.table import Table as Printed

from server.evaluate.table import Row, Table, TableError, read

PATH = click.Path(path_type=Path)


class Many(click.Command):
    """A command whose option ``--train`` takes every name up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        spread: list[str] = []
        taking = False
        for arg in args:
            if arg.startswith("-") and arg != "-":
                taking = arg == "--train"
                if not taking:
                    spread.append(arg)
            else:
                spread += ["--train", arg] if taking else [arg]
        return super().parse_args(ctx, spread)


@click.command("evaluate", cls=Many)
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...")
@click.option(
    "--train", multiple=True, type=PATH, metavar="FILE...", help="Earlier months, to learn from first."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(files: tuple[Path, ...], train: tuple[Path, ...], as_json: bool) -> None:
    """Hold the forecast against recorded days.

    FILE is CSV, or CSV packed with gzip, with the columns arrived_at, called_at, ended_at, service, counter
    and left_at. --train takes every name up to the next option; without it nothing is known before the
    first row.
    """
    try:
        tables, before = [read(path) for path in files], [read(path) for path in train]
    except TableError as error:
        raise click.ClickException(str(error)) from None
    test, earlier = _rows(tables), _rows(before)
    _check_apart(test, earlier)
    result = _evaluated(test, earlier)
    result["left_out"] = _summed(table.left_out for table in [*tables, *before])
    result["noted"] = _summed(table.noted for table in [*tables, *before])
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(_rounded(result)), indent=2).decode())
    else:
        _print(result)


def _rows(tables: Iterable[Table]) -> list[Row]:
    return sorted((row for table in tables for row in table.rows), key=lambda row: row.arrived_at)


def _check_apart(test: list[Row], earlier: list[Row]) -> None:
    """A day that is learned from cannot be forecast honestly."""
    both = {row.day for row in test} & {row.day for row in earlier}
    if both:
        day = datetime.fromtimestamp(min(both) * 86_400, UTC).date()
        raise click.ClickException(
            f"{day} is in a file to forecast and in one of --train: {len(both)} days would be known before"
        )


def _evaluated(test: list[Row], earlier: list[Row]) -> dict[str, Any]:
    # numpy, and what is built on it, is needed by this command alone.
    from server.evaluate.run import OWN, Run
    from server.evaluate.scores import less, losses, scores

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("evaluating", total=len(test) + len(earlier))
        run = Run(progress=lambda done: bar.update(task, completed=done))
        if earlier:
            run.train(earlier)
        found = run.outcome(test)
    pinball = {
        name: losses(forecast[:, :3], found.waits).mean(1) for name, forecast in found.forecasts.items()
    }
    return {
        "methods": {
            name: asdict(scores(forecast, found.waits, found.chances[name], found.none))
            for name, forecast in found.forecasts.items()
        },
        "waiters": len(found.waits),
        "left": found.left,
        "people": len(test),
        "days": len({row.day for row in test}),
        "trained_on": len(earlier),
        "mean_wait": float(found.waits.mean()) if len(found.waits) else None,
        "less_than": {
            name: None if difference is None else asdict(difference)
            for name, loss in pinball.items()
            if name != OWN
            for difference in [less(pinball[OWN], loss, found.days)]
        },
    }


def _summed(counts: Iterable[dict[str, tuple[int, int]]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in counts:
        for reason, (number, _line) in each.items():
            found[reason] = found.get(reason, 0) + number
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def _print(result: dict[str, Any]) -> None:
    click.echo(
        f"{result['people']} people on {_many(result['days'], 'day')}: {result['waiters']} waited and were"
        f" served, {result['left']} left. Learned before from {result['trained_on']}. Losses in seconds."
    )
    heads = ["pinball", "P10", "P50", "P90", "in P10-P90", "before P90", "before P50", "abs. error", "bias"]
    table = Printed(
        *(Column(head, justify="right") for head in ("", *heads, "Brier")), box=None, pad_edge=False
    )
    table.columns[0].justify = "left"
    for name, one in result["methods"].items():
        seconds = [one[key] for key in ("pinball", "pinball_p10", "pinball_p50", "pinball_p90")]
        shares = [one[key] for key in ("coverage", "before_p90", "median_hit")]
        table.add_row(
            name,
            *("-" if each is None else f"{each:.2f}" for each in seconds),
            *("-" if each is None else f"{each:.1%}" for each in shares),
            "-" if one["mae"] is None else f"{one['mae']:.1f}",
            "-" if one["mean_bias"] is None else f"{one['mean_bias']:+.1%}",
            "-" if one["brier"] is None else f"{one['brier']:.4f}",
        )
    wide = Console(width=140)
    wide.print(table)
    for name, less in result["less_than"].items():
        if less is not None:
            click.echo(
                f"onthaal's loss is {less['less']:.1%} under {name}'s"
                f" (95 %: {less['low']:.1%} to {less['high']:.1%})"
            )
    for kind in ("left_out", "noted"):
        for reason, number in result[kind].items():
            click.echo(f"{'left out' if kind == 'left_out' else 'noted'}: {reason}: {number}")


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
