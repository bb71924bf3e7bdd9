"""``onthaal keys``: the key pair for messages to browsers."""

from __future__ import annotations

import os

import click

from server.command_line import database_option, failing

__all__ = ["command"]


@click.command("keys")
@database_option
def command(database: str) -> None:
    """Make the VAPID key pair beside the database if there is none, and print its public key.

    Push services know the server by it. It is never replaced: with another one nobody would be reached
    who has subscribed before.
    """
    from server.database import sqlite_path
    from server.vapid import load_vapid

    def work() -> None:
        path = sqlite_path(database)
        click.echo(load_vapid(path).public)
        lies = "ONTHAAL_VAPID" if "ONTHAAL_VAPID" in os.environ else f"{path}.vapid"
        click.echo(f"the private key is in {lies}", err=True)

    failing(work)
