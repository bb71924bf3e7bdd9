"""``onthaal webhook ...``: other systems that are told of appointments and visits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from server.command_line import check_site, config_option, database_option, failing, opened

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["command"]


@click.group("webhook")
def command() -> None:
    """Other systems that are told of appointments and visits; docs/webhooks.md has what they get."""


@command.command("add")
@click.argument("url")
@config_option
@database_option
@click.option("--site", required=True)
@click.option("--kinds", default="", metavar="TYPE,...", help="Only these types of event. [default: all]")
@click.option("--allow-private", is_flag=True, help="Also http:// and private addresses: a closed network.")
def add(url: str, config: str | None, database: str, site: str, kinds: str, allow_private: bool) -> None:
    """Tell URL what happens at a site from now on. Prints the webhook's id and its secret, this once."""
    import asyncio

    from notify import webhook_ledger as ledger
    from notify.targets import BadTarget, checked
    from server.keys import load_keys

    wanted = [kind.strip() for kind in kinds.split(",") if kind.strip()]

    def work() -> None:
        try:
            asyncio.run(checked(url, allow_private=allow_private))
            with opened(database) as store:
                check_site(store, config, site, None)
                keys = load_keys(store.path)
                identity, secret = store.write_now(
                    lambda connection: ledger.add(connection, keys, site, url, wanted, allow_private)
                )
        except (BadTarget, ledger.BadKind) as error:
            raise RuntimeError(str(error)) from error
        click.echo(f"{identity}\t{secret}")

    failing(work)


@command.command("list")
@database_option
def list_all(database: str) -> None:
    """List the webhooks: id, site, URL, types of event, when each was made, whether it is disabled."""
    from server import database as db
    from server.domain.schedule import iso

    def work() -> None:
        with opened(database) as store:
            rows = store.write_now(
                lambda connection: connection.execute(
                    db.webhook.select().order_by(db.webhook.c.created_at)
                ).all()
            )
        for row in rows:
            state = "enabled" if row.disabled_at is None else "disabled"
            told = (row.id, row.site, row.url, row.kinds or "all", iso(row.created_at), state)
            click.echo("\t".join(told))

    failing(work)


@command.command("rotate")
@click.argument("webhook")
@database_option
def rotate(webhook: str, database: str) -> None:
    """Give WEBHOOK another secret, and print it; for a day the one before signs as well."""
    from notify import webhook_ledger as ledger
    from server.keys import load_keys

    def work() -> None:
        with opened(database) as store:
            keys = load_keys(store.path)
            _known(lambda: click.echo(store.write_now(lambda found: ledger.rotate(found, keys, webhook))))

    failing(work)


@command.command("enable")
@click.argument("webhook")
@database_option
def enable(webhook: str, database: str) -> None:
    """Tell WEBHOOK again what happens from now on, after it said that it wants nothing more."""
    from notify import webhook_ledger as ledger

    failing(lambda: _change(database, lambda connection: ledger.enable(connection, webhook)))


@command.command("remove")
@click.argument("webhook")
@database_option
def remove(webhook: str, database: str) -> None:
    """Tell WEBHOOK nothing more, and forget it with all that waited for it."""
    from notify import webhook_ledger as ledger

    failing(lambda: _change(database, lambda connection: ledger.remove(connection, webhook)))


def _change(database: str, change: Callable[[sa.Connection], None]) -> None:
    with opened(database) as store:
        _known(lambda: store.write_now(change))


def _known(work: Callable[[], None]) -> None:
    from notify.webhook_ledger import Unknown

    try:
        work()
    except Unknown as error:
        raise RuntimeError(str(error)) from error
