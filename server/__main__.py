"""The command line: ``onthaal ...``, or ``python -m server ...``.

Results go to standard output, everything else to standard error. Exit 0 done, 1 failed, 2 misused.
Commands import what they need when they run, so that each starts quickly.
"""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from server.command_line import (
    Instant,
    check_role,
    check_site,
    config_option,
    database_option,
    failing,
    opened,
)

if TYPE_CHECKING:
    import sqlalchemy as sa


class Commands(click.Group):
    """Commands of other modules, imported when one of them is asked for."""

    ELSEWHERE: ClassVar = {
        "demo": "server.demo",
        "account": "server.account_command",
        "device": "server.device_command",
        "evaluate": "server.evaluate",
        "forecast": "server.forecast_command",
        "gateways": "server.gateway_command",
        "webhook": "server.webhook_command",
        "whatif": "server.whatif",
        "export": "server.export_command",
        "report": "server.report_command",
        "import": "server.intake",
        "messages": "server.messages_command",
        "keys": "server.keys_command",
        "check-config": "server.check_config",
        "replay": "server.replay",
        "bench": "server.bench",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.ELSEWHERE:
            command: click.Command = importlib.import_module(self.ELSEWHERE[cmd_name]).command
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="onthaal", message="%(version)s")
def cli() -> None:
    """Onthaal: the live heart of a city's front office."""


@cli.command()
@config_option
@database_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--public-url", envvar="ONTHAAL_PUBLIC_URL", metavar="URL", help="Where citizens' links lead.")
@click.option("--house-time", envvar="ONTHAAL_HOUSE_TIME", type=Instant(), help="Begin at this instant.")
@click.option(
    "--speed",
    envvar="ONTHAAL_SPEED",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 100_000),
    help="House seconds per real second; 0 stands still.",
)
@click.option("--skip-nights", is_flag=True, help="Jump from the end of a day to the next opening.")
@click.option("--hurry-until", type=Instant(), help="Run at the speed of --hurry until this instant.")
@click.option("--hurry", type=click.FloatRange(1, 100_000), help="House seconds per real second until then.")
@click.option(
    "--show-messages", is_flag=True, help="Print whole the messages that no channel is configured for."
)
@click.option(
    "--max-viewers",
    default=15_000,
    show_default=True,
    type=click.IntRange(1),
    help="Live connections at most; one more is told to come back later.",
)
def serve(
    config: str | None,
    database: str,
    host: str,
    port: int,
    public_url: str | None,
    house_time: int | None,
    speed: float,
    skip_nights: bool,
    hurry_until: int | None,
    hurry: float | None,
    show_messages: bool,
    max_viewers: int,
) -> None:
    """Serve screens, panels, phones and the API."""
    import asyncio

    from server import app
    from server.clock import real_now

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if (hurry_until is None) != (hurry is None):
        raise click.UsageError("--hurry-until and --hurry go together")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells every address that it asks
    if house_time is None and (speed != 1.0 or skip_nights):
        house_time = real_now()
    hurried = None if hurry_until is None or hurry is None else (hurry_until, hurry)
    options = app.Options(
        database,
        config,
        host,
        port,
        public_url,
        house_time,
        speed,
        skip_nights,
        max_viewers,
        hurried,
        show_messages,
    )
    url = f"http://{'localhost' if host == '127.0.0.1' else host}:{port}/"
    failing(lambda: asyncio.run(app.serve(options, lambda: click.echo(f"Onthaal serves {url}", err=True))))


@cli.group()
def token() -> None:
    """Bearer tokens."""


@token.command("create")
@config_option
@database_option
@click.option("--site", required=True)
@click.option("--role", required=True, metavar="ROLE", help="screen, kiosk, reception, counter, ...")
@click.option("--counter", help="For the role counter: this counter only.")
def token_create(config: str | None, database: str, site: str, role: str, counter: str | None) -> None:
    """Make a token, and print it: it is shown this once."""
    from server.access import Role, create_token

    check_role(role, counter)

    def work() -> None:
        with opened(database) as store:
            check_site(store, config, site, counter)
            made = store.write_now(lambda connection: create_token(connection, site, Role(role), counter))
        click.echo(made)

    failing(work)


@token.command("list")
@database_option
def token_list(database: str) -> None:
    """List the tokens: id, site, role, counter, and when each was made."""
    from server import database as db
    from server.domain.schedule import iso

    def work(connection: sa.Connection) -> None:
        for row in connection.execute(db.token.select().order_by(db.token.c.created_at)):
            click.echo(f"{row.id}\t{row.site}\t{row.role}\t{row.counter or '-'}\t{iso(row.created_at)}")

    def list_all() -> None:
        with opened(database) as store:
            store.write_now(work)

    failing(list_all)


@token.command("revoke")
@click.argument("token_id")
@database_option
def token_revoke(token_id: str, database: str) -> None:
    """Revoke the token TOKEN_ID (the middle part of the token), with the sessions begun with it."""
    from server.access import revoke_token

    def work() -> None:
        with opened(database) as store:
            if not store.write_now(lambda connection: revoke_token(connection, token_id)):
                raise RuntimeError(f"there is no token {token_id}")

    failing(work)


@cli.group("config")
def config_group() -> None:
    """The configuration in the database."""


@config_group.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@database_option
@click.option("--dry-run", is_flag=True, help="Only print what would change.")
@click.option("--remove-sites", is_flag=True, help="Also where a site with a journal disappears.")
def config_import(file: Path, database: str, dry_run: bool, remove_sites: bool) -> None:
    """Make FILE the configuration that counts; a running server takes it at its next start.

    Prints what changes, as "key: old -> new".
    """
    from server.configuration import import_file

    def work() -> None:
        changes = import_file(database, file, remove_sites=remove_sites, dry_run=dry_run)
        for change in changes or ():
            click.echo(str(change))
        if changes is None:
            told = (
                "the database is empty, and would take the file"
                if dry_run
                else "imported into an empty database"
            )
        else:
            told = f"{len(changes)} key{'' if len(changes) == 1 else 's'} "
            told += "would change" if dry_run else "changed"
        then = "nothing is imported" if dry_run else "a running server takes this at its next start"
        click.echo(f"{told}; {then}", err=True)

    failing(work)


@config_group.command("show")
@database_option
def config_show(database: str) -> None:
    """Print the configuration that counts: the one in the database."""
    from server.configuration import show
    from server.database import sqlite_path

    def work() -> None:
        text = show(database)
        if text is None:
            raise RuntimeError(
                f"{sqlite_path(database)} has no configuration yet; "
                "`onthaal config import FILE` or the first start puts one in it"
            )
        click.echo(text, nl=not text.endswith("\n"))

    failing(work)


@cli.command()
@database_option
@click.option("--check", is_flag=True, help="Only compare; exit 1 where they differ.")
def rebuild(database: str, check: bool) -> None:
    """Make the rows of visits and appointments, and the digests of days, again from the journal."""
    from server import rebuild as rebuilding

    def work() -> None:
        try:
            with opened(database) as store:
                if not check:
                    click.echo(f"{store.write_now(rebuilding.rebuild)} rows rebuilt", err=True)
                    return
                found = store.write_now(rebuilding.differences)
        except ValueError as error:
            raise RuntimeError(str(error)) from error
        for line in found:
            click.echo(line)
        if found:
            raise RuntimeError(f"{len(found)} rows differ from the journal")
        click.echo("the rows agree with the journal", err=True)

    failing(work)


def main() -> None:
    """The console script."""
    cli(prog_name="onthaal")


if __name__ == "__main__":
    main()
