"""``onthaal whatif``: a day again with something changed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click
import msgspec
import sqlalchemy as sa
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from server import house_time
from server.command_line import check_site, config_option, database_option, failing, opened
from server.configuration import current
from server.domain.house import House
from server.ledger import newest_day
from server.whatif import said
from server.whatif.day import DayToPlay, take
from server.whatif.result import RUNS_LEAST, RUNS_MOST, Result, result
from server.whatif.run import runs
from server.whatif.scenario import Scenario, Wrong, scenario

NICE = 5
"""By how much a question of the page steps back behind the house's own server, as ``nice`` counts."""


@click.command("whatif")
@config_option
@database_option
@click.option("--site", required=True)
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The local day: one that has ended, or one that is planned. "
    "[default: the newest that has ended and on which anybody came]",
)
@click.option("--visitors", type=int, metavar="NUMBER", help="So many people come in all.")
@click.option(
    "--counter",
    "counters",
    multiple=True,
    metavar="'services=A,B from=10:00 to=12:00'",
    help="One counter more; services or kinds (reception, express, theme). May be repeated.",
)
@click.option(
    "--grace",
    multiple=True,
    metavar="SERVICE=SECONDS",
    help="Another grace for appointments; all=SECONDS for every service. May be repeated.",
)
@click.option(
    "--opening", metavar="08:00-13:00[,14:30-19:00]", help="Other hours; people and counters follow."
)
@click.option("--runs", "count", type=click.IntRange(RUNS_LEAST, RUNS_MOST), default=20, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other draws.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--report-progress", is_flag=True, hidden=True)
def command(
    config: str | None,
    database: str,
    site: str,
    day: datetime | None,
    visitors: int | None,
    counters: tuple[str, ...],
    grace: tuple[str, ...],
    opening: str | None,
    count: int,
    seed: int,
    as_json: bool,
    report_progress: bool,
) -> None:
    """Play a day of SITE again, without a change and with it, and say what the change does.

    Both are played many times: each time other people are drawn, and the same for both.
    """

    def work() -> None:
        began = time.monotonic()
        if report_progress:
            os.nice(NICE)
        try:
            house, taken, asked = _question(
                database,
                config,
                site,
                day,
                lambda house: scenario(
                    house, counters=counters, grace=grace, opening=opening, visitors=visitors
                ),
            )
        except Wrong as error:
            if report_progress:
                click.echo(f"wrong {error.code}", err=True)
            raise RuntimeError(str(error)) from error
        with _telling(report_progress, count + (taken.recorded is not None)) as told:
            as_it_was, pairs = runs(taken, asked, seed, count, told)
        took_s = time.monotonic() - began
        made = result(taken, asked, as_it_was, pairs, seed=seed, took_s=round(took_s, 1))
        made = msgspec.structs.replace(made, sentence=said.sentence(house, made))
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(made), indent=1))
        else:
            _print(house, made)

    failing(work)


def _question(
    database: str,
    config: str | None,
    site: str,
    day: datetime | None,
    asks: Callable[[House], Scenario],
) -> tuple[House, DayToPlay, Scenario]:
    """The house, the day and what is changed; the database is closed before anything is played."""
    with opened(database) as store:
        check_site(store, config, site, None)
        house = store.write_now(lambda connection: current(connection, config))[site]
        asked = asks(house)

        def read(connection: sa.Connection) -> DayToPlay:
            today = house.calendar.local_date(house_time.now(connection, site))
            wanted = newest_day(connection, site) if day is None else day.date()
            if wanted is None:
                raise Wrong("nothing-recorded", f"day: nothing is recorded yet at {site}; say --day")
            return take(connection, house, wanted, today)

        return house, store.read_now(read), asked


@contextmanager
def _telling(by_line: bool, total: int) -> Iterator[Callable[[int], None]]:
    """How far it is: a bar at a terminal, lines for the server that shows them on a page."""
    if by_line:
        yield lambda done: click.echo(f"progress {done} {total}", err=True)
        return
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("playing", total=total)
        yield lambda done: bar.update(task, completed=done)


def _print(house: House, made: Result) -> None:
    day = f"{made.day}, {'planned' if made.planned else 'recorded'}"
    click.echo(
        f"{house.name}, {day}: about {made.visitors:.0f} people. {made.runs} runs. Waits in minutes.\n"
    )
    for lines in (said.figures(made), said.by_group(made)):
        heads, *rows = lines
        table = Table(
            *(Column(head, justify="right" if index else "left") for index, head in enumerate(heads))
        )
        table.box, table.pad_edge = None, False
        for row in rows:
            table.add_row(*row)
        # A pipe has no width: nothing of a result may be cut.
        width = None if sys.stdout.isatty() else 200
        Console(highlight=False, markup=False, width=width).print(table)
        click.echo()
    click.echo(said.sentence(house, made))
