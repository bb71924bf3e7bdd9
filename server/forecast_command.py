"""``onthaal forecast``: learn by hand what a running house learns by itself when its day has ended."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from server.command_line import config_option, database_option, failing, house_of, opened

__all__ = ["command"]

_DAY = click.DateTime(["%Y-%m-%d"])

MONTHS = 6
"""How far back is learned from: longer ago, services and staff were others."""


@click.group("forecast")
def command() -> None:
    """What waiting times are forecast by."""


@command.command("fit")
@config_option
@database_option
@click.option("--site", required=True)
@click.option("--to", "last", type=_DAY, metavar="DAY", help="The last local day; the newest that has ended.")
@click.option(
    "--months",
    default=MONTHS,
    show_default=True,
    type=click.IntRange(1, 60),
    help="How far back from there.",
)
def fit(config: str | None, database: str, site: str, last: datetime | None, months: int) -> None:
    """Learn from a site's ended days how long people wait, and keep what was learned.

    A running server that did not start this takes it at its next start. Under 2,000 waits or 10 days nothing
    is learned and the plain forecast goes on (exit 1).
    """
    from datetime import date, timedelta

    from server.clock import real_now
    from server.promise import store
    from server.promise.fit import TooLittle
    from server.promise.fit import fit as learn

    def tell(day: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"\rlearned from {day} ", nl=False, err=True)

    def work() -> None:
        with opened(database) as kept:
            house = house_of(kept, config, site)
            newest = kept.read_now(lambda connection: store.last_ended(connection, site))
            upto = date.fromisoformat(newest or "1970-01-01") if last is None else last.date()
            begin = upto - timedelta(days=31 * months)
            try:
                made = learn(kept, house, begin.isoformat(), upto.isoformat(), real_now(), tell)
            except TooLittle as error:
                raise RuntimeError(str(error)) from error
        click.echo(f"learned up to {made.days[-1]} from {made.waits} waits", err=True)

    failing(work)
