"""``onthaal gateways``: the addresses to register with a gateway that cannot be told them by the message."""

from __future__ import annotations

import click

from server.command_line import database_option, failing, opened

__all__ = ["command"]


@click.command("gateways")
@click.option(
    "--public-url",
    envvar="ONTHAAL_PUBLIC_URL",
    required=True,
    metavar="URL",
    help="Where gateways reach this server. [ONTHAAL_PUBLIC_URL]",
)
@database_option
def command(public_url: str, database: str) -> None:
    """Print the addresses to register with an SMS gateway. Their last part is secret."""
    from notify.channels import addresses
    from server.keys import load_keys

    def work() -> None:
        with opened(database) as store:
            keys = load_keys(store.path)
        url = public_url.rstrip("/")
        click.echo(f"receipts\t{addresses.of_receipts(keys, url, 'sms')}")
        click.echo(f"incoming\t{addresses.of_incoming(keys, url, 'sms')}")

    failing(work)
