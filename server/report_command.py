"""``onthaal report KIND``: the figures of a site over local days, for people and for programs."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from pathlib import Path
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
@click.option("--site")
@click.option("--from", "first", type=_DAY, metavar="DAY", help="The first local day.")
@click.option("--to", "last", type=_DAY, metavar="DAY", help="The last local day, included.")
@click.option("--by", default="", metavar="NAMES", help="One row for each of these, such as service,hour.")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv", "html"]), default="table")
@click.option("--policy", metavar="VERSION", help="Punctuality under this version of the house's policy.")
@click.option(
    "--observed",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Reminders: of this CSV of appointments, in place of a site's days.",
)
@click.option(
    "--table",
    "only",
    metavar="ID",
    help="This table alone. CSV has one: where none is named the first, with --by the first that is divided.",
)
def command(
    kind: str,
    config: str | None,
    database: str,
    site: str | None,
    first: datetime | None,
    last: datetime | None,
    by: str,
    shape: str,
    policy: str | None,
    observed: Path | None,
    only: str | None,
) -> None:
    """Print the figures of a site over local days: --site, --from and --to.

    docs/figures.md says what each figure is. Times are whole seconds in JSON and CSV, shares from 0 to 1.
    """
    from server import house_time
    from server.figures import digests, kinds
    from server.figures.report import BadQuestion

    if observed is not None:
        if kind != "reminders":
            raise click.BadParameter("is read by `report reminders` alone", param_hint="--observed")
        failing(lambda: click.echo(_rendered(_observed(observed), shape, only), nl=False))
        return
    for name, given in (("--site", site), ("--from", first), ("--to", last)):
        if given is None:
            raise click.UsageError(f"Missing option '{name}'.")

    def work() -> None:
        assert site is not None
        assert first is not None
        assert last is not None
        with opened(database) as store:
            house = house_of(store, config, site)
            # What has ended is digested first, a day in each transaction: this may run beside a server.
            digests.catch_up(store, site)
            names = tuple(name.strip() for name in by.split(",") if name.strip())
            try:
                made = store.read_now(
                    lambda connection: kinds.report(
                        connection,
                        kind,
                        house,
                        first.date(),
                        last.date(),
                        names,
                        house_time.now(connection, site),
                        policy,
                    )
                )
            except BadQuestion as error:
                raise click.UsageError(str(error)) from error
        click.echo(_rendered(made, shape, only, divided=bool(names)), nl=False)

    failing(work)


def _observed(file: Path) -> Report:
    from server.figures import observed
    from server.figures.report import BadQuestion

    try:
        return observed.observed(file)
    except BadQuestion as error:
        raise RuntimeError(str(error)) from error


def _rendered(made: Report, shape: str, only: str | None, *, divided: bool = False) -> str:
    from dataclasses import replace

    from server.figures.rendering import as_csv, as_html, as_json, as_table
    from server.figures.rendering.words import labels

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
        asked = (table for table in made.tables if labels(table)) if divided else iter(())
        first = next(asked, made.tables[0])
        others = [table.id for table in made.tables if table is not first]
        if others:
            click.echo(f"left out, CSV has one table: {', '.join(others)} (see --table)", err=True)
        return as_csv.render(first)
    return as_table.render(made, shutil.get_terminal_size().columns if sys.stdout.isatty() else None)
