"""``onthaal report KIND``: the figures of a site over local days, for people and for programs."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from server.command_line import config_option, database_option, failing, house_of, opened
from server.figures.kinds import KINDS

if TYPE_CHECKING:
    from server.figures.report import Report

__all__ = ["command"]

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("report")
@click.argument("kind", type=click.Choice(list(KINDS)))
@config_option
@database_option
@click.option("--site", required=True)
@click.option("--from", "first", required=True, type=_DAY, metavar="DAY", help="The first local day.")
@click.option("--to", "last", required=True, type=_DAY, metavar="DAY", help="The last local day, included.")
@click.option("--by", default="", metavar="NAMES", help="One row for each of these, such as service,hour.")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv", "html"]), default="table")
@click.option(
    "--table", "only", metavar="ID", help="This table alone; CSV has one, the first if none is named."
)
def command(
    kind: str,
    config: str | None,
    database: str,
    site: str,
    first: datetime,
    last: datetime,
    by: str,
    shape: str,
    only: str | None,
) -> None:
    """Print the figures of a site over local days.

    docs/figures.md says what each figure is. Times are whole seconds in JSON and CSV, shares from 0 to 1.
    """
    from server.clock import real_now
    from server.figures import digests, kinds
    from server.figures.report import BadQuestion

    def work() -> None:
        with opened(database) as store:
            house = house_of(store, config, site)
            # What has ended is digested first, a day in each transaction: this may run beside a server.
            digests.catch_up(store, site)
            names = tuple(name.strip() for name in by.split(",") if name.strip())
            try:
                made = store.read_now(
                    lambda connection: kinds.report(
                        connection, kind, house, first.date(), last.date(), names, real_now()
                    )
                )
            except BadQuestion as error:
                raise click.UsageError(str(error)) from error
        click.echo(_rendered(made, shape, only), nl=False)

    failing(work)


def _rendered(made: Report, shape: str, only: str | None) -> str:
    from dataclasses import replace

    from server.figures.rendering import as_csv, as_html, as_json, as_table

    if only is not None:
        chosen = tuple(table for table in made.tables if table.id == only)
        if not chosen:
            known = ", ".join(table.id for table in made.tables)
            raise click.BadParameter(f"{only!r}: choose from {known}", param_hint="--table")
        made = replace(made, tables=chosen)
    if shape == "json":
        return as_json.render(made)
    if shape == "html":
        return as_html.render(made)
    if shape == "csv":
        others = [table.id for table in made.tables[1:]]
        if others:
            click.echo(f"left out, CSV has one table: {', '.join(others)} (see --table)", err=True)
        return as_csv.render(made.tables[0])
    return as_table.render(made, shutil.get_terminal_size().columns if sys.stdout.isatty() else None)
