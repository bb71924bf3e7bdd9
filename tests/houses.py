"""Configurations that tests write to a file: houses as plain as a test needs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def house(
    folder: Path,
    counters: int,
    *,
    sites: Iterable[str] = ("mechelen",),
    hours: str = "08:00-13:00",
    services: tuple[str, ...] = ("onthaal",),
) -> Path:
    """A file of sites whose counters, numbered from 1, all serve the same services, open on every day.

    Every service has its own letter from A and takes both walk-ins and appointments.
    """
    offered = ", ".join(f'"{service}"' for service in services)
    lines = []
    for site in sites:
        lines.append(f'[sites.{site}]\nname = "{site}"\ntime_zone = "Europe/Brussels"\n')
        lines.append(f"[sites.{site}.opening]\n")
        lines += [f'{day} = ["{hours}"]\n' for day in DAYS]
        for letter, service in zip("ABCDEFG", services, strict=False):
            lines.append(
                f'[[sites.{site}.services]]\nid = "{service}"\nname = "{service}"\nkind = "theme"\n'
                f'range = "{letter}"\ntarget_s = 300\n'
            )
        for number in range(1, counters + 1):
            lines.append(f'[[sites.{site}.counters]]\nid = "{number}"\nservices = [{offered}]\n')
    file = folder / "house.toml"
    file.write_text("".join(lines))
    return file
