"""``python -m server.simulate``: the demo's client, a process of its own.

Tokens come by the environment, one variable a role: a command line is readable by everybody.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from datetime import date, datetime
from pathlib import Path

import click
from rich.logging import RichHandler

from server.command_line import Instant
from server.domain.house import House
from server.settings import ConfigError, load
from server.simulate import ROLES, inbox, variable
from server.simulate.driver import Driver
from server.simulate.housetime import HouseTime
from server.simulate.outside import Outside, Refusal, Unanswered
from server.simulate.progress import Terminal
from server.simulate.screens import Screen
from server.simulate.watch import Hall


async def play(
    url: str,
    house: House,
    tokens: dict[str, str],
    *,
    seed: int,
    left: str | None,
    days: int | None,
    first: date | None = None,
    hurry_until: int | None = None,
    messages: bool = False,
) -> None:
    """Play days until told to stop. Raises ``Refusal`` or ``Unanswered`` where that cannot be done."""
    stop_on_signals()
    clock, hall = HouseTime(hurry_until), Hall(url, house.site, tokens["supervisor"])
    screens = {name: Screen(url, house.site, plan, tokens["screen"]) for name, plan in house.screens.items()}
    terminal = Terminal(house, clock, hall)
    # Through the terminal's own console, or what is logged would break its line.
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=terminal.err, show_time=False, show_path=False)],
    )
    async with Outside(url, house.site, tokens) as outside:
        await clock.read(outside)
        driver = Driver(house, outside, hall, clock, seed=seed, left=left)
        async with asyncio.TaskGroup() as parts:
            beside = (
                parts.create_task(clock.follow(outside), name="clock"),
                parts.create_task(hall.follow(), name="hall"),
                parts.create_task(terminal.show(driver.tally), name="progress"),
                parts.create_task(driver.telephones.follow(), name="telephones"),
                *(
                    parts.create_task(screen.follow(), name=f"screen {name}")
                    for name, screen in screens.items()
                ),
            )
            if messages:
                beside += (parts.create_task(inbox.follow(0, terminal.message), name="messages"),)
            await driver.run(days, terminal.tell, first)
            for task in beside:
                task.cancel()


def stop_on_signals() -> None:
    """Let SIGINT and SIGTERM cancel the running task, so that everything it owns ends with it."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def reason(error: BaseException) -> str:
    """The first sentence of what went wrong, also from within groups of tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


@click.command()
@click.option("--url", required=True, help="Where the server listens, as http://127.0.0.1:8080.")
@click.option("--config", type=click.Path(path_type=Path), required=True, help="The house to plan for.")
@click.option("--site", required=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--leave", metavar="COUNTER", help="A counter that gets no simulated staff.")
@click.option("--days", type=click.IntRange(min=1), help="Stop after so many days.")
@click.option(
    "--first", type=click.DateTime(["%Y-%m-%d"]), help="The day to play first, else the house's today."
)
@click.option("--hurry-until", type=Instant(), help="The house hurries until this instant.")
@click.option("--messages", is_flag=True, help="Show the messages that come on standard input.")
def main(
    url: str,
    config: Path,
    site: str,
    seed: int,
    leave: str | None,
    days: int | None,
    first: datetime | None,
    hurry_until: int | None,
    messages: bool,
) -> None:
    """Play a house's days against a running server."""
    try:
        house = load(config)[site]
        tokens = {role: os.environ[variable(role)] for role in ROLES}
        asyncio.run(
            play(
                url,
                house,
                tokens,
                seed=seed,
                left=leave,
                days=days,
                first=None if first is None else first.date(),
                hurry_until=hurry_until,
                messages=messages,
            )
        )
    except (asyncio.CancelledError, KeyboardInterrupt):
        sys.exit(0)
    except KeyError as missing:
        raise click.UsageError(f"there is no {missing}") from missing
    except (ConfigError, Refusal, Unanswered, LookupError, BaseExceptionGroup) as error:
        click.echo(f"the simulated day cannot go on: {reason(error)}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
