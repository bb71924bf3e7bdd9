"""What the commands of ``onthaal`` share: their options, how they fail, and the database they work on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from server.database import Database
    from server.domain.house import House

DATABASE = "sqlite:///onthaal.db"

config_option = click.option(
    "--config",
    "config",
    envvar="ONTHAAL_CONFIG",
    metavar="FILE",
    help="The houses, as TOML. [ONTHAAL_CONFIG]",
)
database_option = click.option(
    "--database",
    envvar="ONTHAAL_DATABASE",
    default=DATABASE,
    show_default=True,
    metavar="URL",
    help="sqlite:///path/to/file. [ONTHAAL_DATABASE]",
)


class Instant(click.ParamType[int]):
    """An RFC 3339 instant with offset, as microseconds UTC."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from server.domain.schedule import to_instant

        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no instant such as 2026-11-23T08:00:00+01:00", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} needs an offset, as in 2026-11-23T08:00:00+01:00", param, ctx)
        return to_instant(moment)


def failing(work: Callable[[], None]) -> None:
    """Run a command's work; what is expected to go wrong ends it with a sentence and exit 1."""
    from server.database import BadUrl, Unavailable
    from server.keys import BadKey
    from server.settings import ConfigError

    try:
        work()
    except (ConfigError, BadUrl, BadKey, Unavailable, RuntimeError, OSError) as error:
        click.echo(f"onthaal: {error}", err=True)
        sys.exit(1)


@contextlib.contextmanager
def opened(url: str) -> Iterator[Database]:
    """A database brought to this version's tables, for a command's work."""
    from server import schema
    from server.database import Database

    store = Database(url)
    try:
        store.write_now(schema.migrate)
        yield store
    finally:
        store.close()


def house_of(store: Database, config: str | None, site: str) -> House:
    """The house as the database has it configured, else as the file does. Raises ``RuntimeError``."""
    from server.configuration import stored
    from server.settings import load, load_text

    text = store.read_now(stored)
    if text:
        houses = load_text(text, "the configuration in the database")
    elif config is not None:
        houses = load(Path(config))
    else:
        raise RuntimeError("the database has no configuration yet: name one with --config")
    if site not in houses:
        raise RuntimeError(f"there is no site {site!r}; there is {', '.join(houses)}")
    return houses[site]


def check_role(role: str, counter: str | None) -> None:
    """Refuse a role that there is none, and a counter where it means nothing."""
    from server.access import Role

    if role not in set(Role):
        raise click.BadParameter(f"{role!r}: choose from {', '.join(Role)}", param_hint="--role")
    if counter is not None and role != Role.COUNTER:
        raise click.BadParameter("only the role counter is for one counter", param_hint="--counter")


def check_site(store: Database, config: str | None, site: str, counter: str | None) -> None:
    """Raise ``RuntimeError`` for a site or counter that the configuration, if there is any, does not have."""
    from server.configuration import stored
    from server.settings import load, load_text

    text = store.write_now(stored)
    houses = load_text(text, "the configuration in the database") if text else None
    if houses is None and config is not None:
        houses = load(Path(config))
    if houses is not None and site not in houses:
        raise RuntimeError(f"there is no site {site!r}; there is {', '.join(houses)}")
    if houses is not None and counter is not None and counter not in houses[site].counters:
        raise RuntimeError(f"site {site!r} has no counter {counter!r}")
