"""``onthaal messages ...``: what is written to citizens, to look at before anybody gets it."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from server.command_line import config_option, failing

if TYPE_CHECKING:
    from notify.messages import Kind, Values
    from server.domain.house import House

__all__ = ["command"]

LINK = "https://wachten.example.be/t/0123456789abcdefghij0123456789ABCDE"
"""As long as a citizen's link."""


@click.group("messages")
def command() -> None:
    """What is written to citizens."""


@command.command("preview")
@config_option
@click.option("--site", help="This site only.")
@click.option("--language", "languages", multiple=True, help="This language; may be given again.")
@click.option("--kind", help="This kind only: reminder, almost, go, ...")
@click.option("--channel", help="This channel only: push, sms, mail.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def preview(
    config: str | None,
    site: str | None,
    languages: tuple[str, ...],
    kind: str | None,
    channel: str | None,
    as_json: bool,
) -> None:
    """Print every message in every language of the house, each SMS with its encoding and parts."""
    from notify.messages import BadTemplate, Kind
    from server import settings
    from server.domain.messages import CHANNELS

    if kind is not None and kind not in set(Kind):
        raise click.BadParameter(f"{kind!r}: choose from {', '.join(Kind)}", param_hint="--kind")
    if channel is not None and channel not in CHANNELS:
        raise click.BadParameter(f"{channel!r}: choose from {', '.join(CHANNELS)}", param_hint="--channel")

    def work() -> None:
        houses = settings.load(Path(config) if config else settings.default_config())
        if site is not None and site not in houses:
            raise RuntimeError(f"there is no site {site!r}; there is {', '.join(houses)}")
        kinds = [Kind(kind)] if kind else list(Kind)
        rows: list[dict[str, Any]] = []
        try:
            for house in [houses[site]] if site else houses.values():
                rows += _rows(house, _languages(house, languages), kinds, channel)
        except BadTemplate as error:
            raise RuntimeError(str(error)) from error
        if as_json:
            click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        else:
            _print(rows)

    failing(work)


def _languages(house: House, wanted: Sequence[str]) -> tuple[str, ...]:
    from notify import messages

    offered = messages.offered(house)
    for language in wanted:
        if language not in offered:
            listed = any(tag.partition("-")[0] == language for tag in house.languages)
            why = "not every message is translated" if listed else "the house does not list it"
            raise RuntimeError(
                f"{house.site} writes nothing in {language!r}: {why} (it writes in {', '.join(offered)})"
            )
    return tuple(wanted) or offered


def _rows(
    house: House, languages: Sequence[str], kinds: Sequence[Kind], channel: str | None
) -> Iterator[dict[str, Any]]:
    from notify import messages
    from notify.sms_text import count

    for kind in kinds:
        for through in messages.channels(kind):
            if channel not in (None, through):
                continue
            for name, values, options in _variants(house, kind, through):
                for language in languages:
                    text = messages.render(house, kind, through, values, language=language, **options)
                    row = {"site": house.site, "kind": str(kind), "channel": through, "variant": name}
                    row |= {"for": language, **dataclasses.asdict(text)}
                    if through == "sms":
                        row |= dataclasses.asdict(count(text.plain))
                    yield row


def _variants(house: House, kind: Kind, channel: str) -> Iterator[tuple[str, Values, dict[str, Any]]]:
    """Each way that a message may come: its name, what it is about, and how it is rendered."""
    from notify import messages

    values = _sample(house)
    yield "plain", values, {}
    if kind is messages.Kind.REMINDER:
        yield "cost", values, {"wording": messages.COST}
        if channel == "sms":
            yield "with replies", dataclasses.replace(values, replies=True), {}
            yield "with replies, 2h", dataclasses.replace(values, replies=True, step="2h"), {}
    if kind not in messages.ANSWERS:
        yield "safe", values, {"safe": True}


def _sample(house: House) -> Values:
    """A made-up appointment, for the service that makes the longest texts."""
    from datetime import date, time

    from notify.messages import Values

    services = [s for s in house.services.values() if s.appointments and not s.discreet]
    longest = max(
        services, key=lambda s: len(s.name) + max(map(len, s.bring.values()), default=0), default=None
    )
    at = house.calendar.at(date(2026, 11, 23), time(12))
    return Values(
        service=longest.id if longest else None,
        at=at,
        step="3d",
        ticket="A012",
        counter=next(iter(house.counters)),
        ahead=2,
        minutes=10,
        later=at + 10 * 60_000_000,
        link=LINK,
    )


def _print(rows: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console

    # Messages are not wrapped: what is printed is what is sent.
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for row in rows:
        about = f"{row['site']}  {row['kind']}  {row['channel']}  {row['for']}  {row['variant']}"
        if "parts" in row:
            parts = f"{row['parts']} part{'' if row['parts'] == 1 else 's'}"
            about += f"  ({row['encoding']}, {row['units']} units, {parts})"
        console.print(about, style="bold")
        lines = (
            [row["subject"], ""]
            if row["subject"] and row["plain"]
            else [row["subject"]] * bool(row["subject"])
        )
        for line in [*lines, *row["plain"].splitlines()]:
            console.print(f"    {line}" if line else "")
        console.print()
    if not rows:
        click.echo("no message goes that way", err=True)
        sys.exit(1)
