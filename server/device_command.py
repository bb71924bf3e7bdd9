"""``onthaal device ...``: screens and kiosks that were let in by a code."""

from __future__ import annotations

import click

from server.command_line import database_option, failing, opened

__all__ = ["command"]


@click.group("device")
def command() -> None:
    """Screens and kiosks that were let in by a code."""


@command.command("list")
@database_option
def list_all(database: str) -> None:
    """List the devices: id, site, role, screen, name, when each was let in, last seen and revoked."""
    from server import database as db
    from server.domain.schedule import iso

    def work() -> None:
        with opened(database) as store:
            rows = store.write_now(
                lambda connection: connection.execute(
                    db.device.select().order_by(db.device.c.created_at)
                ).all()
            )
        for row in rows:
            moments = (row.created_at, row.last_seen_at, row.revoked_at)
            told = ("-" if moment is None else iso(moment) for moment in moments)
            click.echo("\t".join((row.id, row.site, row.role, row.screen or "-", row.name, *told)))

    failing(work)


@command.command("revoke")
@click.argument("device_id")
@database_option
def revoke(device_id: str, database: str) -> None:
    """Let the device DEVICE_ID in no longer."""
    from server import devices

    def work() -> None:
        with opened(database) as store:
            if not store.write_now(lambda connection: devices.revoke(connection, device_id)):
                raise RuntimeError(f"there is no device {device_id}")

    failing(work)
