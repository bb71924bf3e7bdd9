"""``onthaal check-config FILE``: whether a configuration can be used, and what house it makes."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from server import settings
from server.domain.experiment import WHOLE, Experiment
from server.domain.house import House, Service
from server.domain.layout import layout
from server.settings import DAYS

__all__ = ["command"]


@click.command("check-config")
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Say what the configuration FILE makes, or which key of it cannot be used.

    Exit status 1 means that it cannot be used.
    """
    try:
        houses = settings.load(file)
    except settings.ConfigError as error:
        raise click.ClickException(str(error)) from None
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        # A pipe has no width: nothing of a result may be cut.
        console = Console(highlight=False, markup=False, width=200)
    for house in houses.values():
        console.print(f"{house.site}: {house.name} ({house.calendar.zone.key})")
        console.print(f"open: {_openings(house)}")
        console.print(_services(house))
        console.print(_counters(house))
        if house.screens:
            console.print(_screens(house))
        console.print(f"aims to call {house.norm.percent} of 100 within {house.norm.within_s} s")
        if house.experiment is not None:
            console.print(_experiment(house.experiment))
    console.print(f"{file}: {len(houses)} site{'s' if len(houses) > 1 else ''}, no error")


def _experiment(experiment: Experiment) -> str:
    arms = ", ".join(
        f"{arm.id} {arm.share / WHOLE:.1%} ({' '.join(step.name for step in arm.ladder) or 'no reminder'})"
        for arm in experiment.arms
    )
    return f"experiment {experiment.id} from {experiment.starts} to {experiment.ends}: {arms}"


def _openings(house: House) -> str:
    days = []
    for name, periods in zip(DAYS, house.calendar.weekly, strict=True):
        if periods:
            hours = " and ".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in periods)
            days.append(f"{name} {hours}")
    return ", ".join(days)


def _table(*heads: str) -> Table:
    return Table(*(Column(head, overflow="fold") for head in heads), box=None, pad_edge=False)


def _services(house: House) -> Table:
    table = _table("service", "name", "kind", "range", "for", "target", "counters")
    for service in house.services.values():
        at = ", ".join(plan.id for plan in house.home_counters(service.id))
        # A discreet service shows no letter, because it has none of its own.
        letter = "discreet" if service.discreet else service.range
        table.add_row(
            service.id, service.name, service.kind, letter, _takes(service), f"{service.target_s} s", at
        )
    return table


def _takes(service: Service) -> str:
    if service.walk_ins and service.appointments:
        return "both"
    return "walk-ins" if service.walk_ins else "appointments"


def _counters(house: House) -> Table:
    table = _table("counter", "services", "helps with")
    for plan in house.counters.values():
        order = list(house.services)
        own = ", ".join(sorted(plan.services, key=order.index))
        table.add_row(plan.id, own, ", ".join(sorted(plan.overflow, key=order.index)))
    return table


def _screens(house: House) -> Table:
    table = _table("screen", "name", "zone", "sounds", "read from", "older calls")
    for plan in house.screens.values():
        rows = layout(plan, house.counters).rows
        sounds = "yes" if plan.sounds else "no"
        table.add_row(plan.id, plan.name, plan.zone, sounds, f"{plan.distance_m:g} m", str(rows))
    return table
