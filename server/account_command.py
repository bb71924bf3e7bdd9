"""``onthaal account ...``: the people who sign in by password."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from server.command_line import check_role, check_site, config_option, database_option, failing, opened

__all__ = ["command"]


@click.group("account")
def command() -> None:
    """People who sign in by login and password."""


@command.command("create")
@config_option
@database_option
@click.option("--site", required=True)
@click.option("--role", required=True, metavar="ROLE", help="reception, counter, supervisor, ...")
@click.option("--login", required=True, help="What the person types; no other account may have it.")
@click.option("--name", required=True, help="The person's name, for colleagues.")
@click.option("--counter", help="For the role counter: this counter only.")
def create(
    config: str | None, database: str, site: str, role: str, login: str, name: str, counter: str | None
) -> None:
    """Make an account. The password is asked for, or read from standard input; prints the account's id."""
    from server import accounts
    from server.access import Role

    check_role(role, counter)

    def work() -> None:
        try:
            with opened(database) as store:
                check_site(store, config, site, counter)
                hashed = accounts.hash_password(login, _password())
                made = store.write_now(
                    lambda connection: accounts.create(
                        connection, site, Role(role), login, name, counter, hashed
                    )
                )
        except accounts.BadAccount as error:
            raise RuntimeError(str(error)) from error
        click.echo(made)

    failing(work)


@command.command("list")
@database_option
def list_all(database: str) -> None:
    """List the accounts: login, id, site, role, counter, name, when each was made, whether it is disabled."""
    from server import database as db
    from server.domain.schedule import iso

    def work() -> None:
        with opened(database) as store:
            rows = store.write_now(
                lambda connection: connection.execute(db.account.select().order_by(db.account.c.login)).all()
            )
        for row in rows:
            state = "enabled" if row.disabled_at is None else "disabled"
            told = (row.login, row.id, row.site, row.role, row.counter or "-", row.name, iso(row.created_at))
            click.echo("\t".join((*told, state)))

    failing(work)


@command.command("password")
@click.argument("login")
@database_option
def password(login: str, database: str) -> None:
    """Give the account LOGIN another password, and end its sessions."""
    from server import accounts

    def work() -> None:
        try:
            hashed = accounts.hash_password(login, _password())
        except accounts.BadAccount as error:
            raise RuntimeError(str(error)) from error
        _change(database, login, lambda connection: accounts.set_password(connection, login, hashed))

    failing(work)


@command.command("disable")
@click.argument("login")
@database_option
def disable(login: str, database: str) -> None:
    """Let the account LOGIN in no longer, and end its sessions."""
    from server import accounts

    failing(lambda: _change(database, login, lambda connection: accounts.disable(connection, login)))


@command.command("enable")
@click.argument("login")
@database_option
def enable(login: str, database: str) -> None:
    """Let the account LOGIN in again, also where it has to wait after wrong passwords."""
    from server import accounts

    failing(lambda: _change(database, login, lambda connection: accounts.enable(connection, login)))


def _change(database: str, login: str, change: Callable[..., bool]) -> None:
    with opened(database) as store:
        if not store.write_now(change):
            raise RuntimeError(f"there is no account {login}")


def _password() -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")
