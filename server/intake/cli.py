"""``onthaal import appointments FILE --site SITE``, and ``import calls``."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import Progress

from server import schema, settings
from server.command_line import Instant, config_option, database_option, failing, opened
from server.configuration import stored
from server.database import Database, sqlite_path
from server.domain.house import House
from server.intake import calls, events, table
from server.intake.booking import PIECE, Books, Tally
from server.intake.lines import lines
from server.intake.rows import BadFile, BadRow, Row
from server.keys import KEY_BYTES, Keys, load_keys

CALENDAR = b"BEGIN:VCALENDAR"


@click.group("import")
def command() -> None:
    """What other systems know, out of their files."""


@command.command("appointments")
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@database_option
@click.option("--site", required=True)
@click.option("--dry-run", is_flag=True, help="Only tell what would be done, and every bad row.")
@click.option(
    "--house-time",
    type=Instant(),
    metavar="INSTANT",
    envvar="ONTHAAL_HOUSE_TIME",
    help="What is past by now. [ONTHAAL_HOUSE_TIME; default: the house's own clock]",
)
def appointments(
    file: Path, config: str | None, database: str, site: str, dry_run: bool, house_time: int | None
) -> None:
    """Book, change and cancel the appointments of FILE, CSV or iCalendar, also beside a running server.

    Bad rows are told on standard error and stop no others; exit 1 where there are any. The same file again
    changes nothing.
    """

    def work() -> None:
        with file.open("rb") as source, _store(database, dry_run) as store:
            house = _house(store, config, site)
            keys = Keys(bytes(KEY_BYTES)) if dry_run and store.fresh else load_keys(store.database.path)
            books = Books(store.database, house, keys, house_time, dry=dry_run)
            with _telling(source) as (say, progress):
                try:
                    asyncio.run(_take(_rows(source, house), books, say, progress, pause=not dry_run))
                except BadFile as error:
                    raise RuntimeError(f"{file}: {error}") from None
        click.echo(_summary(books.tally, dry_run))
        if books.tally.bad:
            sys.exit(1)

    failing(work)


@command.command("calls")
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@database_option
@click.option("--site", required=True)
@click.option("--dry-run", is_flag=True, help="Only tell what would be done, and every bad row.")
def phone_calls(file: Path, config: str | None, database: str, site: str, dry_run: bool) -> None:
    """Keep the telephone calls of each hour of FILE, CSV with at,calls,answered, beside a running server too.

    An hour that is kept already is replaced. Bad rows are told on standard error and stop no others; exit 1
    where there are any. The same file again changes nothing.
    """

    def work() -> None:
        tally = calls.Tally()
        with file.open("rb") as source, _store(database, dry_run) as store:
            zone = _house(store, config, site).calendar.zone
            take = store.database.read_now if dry_run else store.database.write_now
            with _telling(source) as (say, progress):
                try:
                    rows = calls.read(lines(source), zone)
                    while piece := list(itertools.islice(rows, calls.PIECE)):
                        hours = [row for row in piece if isinstance(row, calls.Hour)]
                        take(partial(calls.keep, site=site, hours=hours, tally=tally, dry=dry_run))
                        for row in piece:
                            if isinstance(row, BadRow):
                                tally.bad += 1
                                say(f"line {row.line}: {row}")
                        progress()
                except BadFile as error:
                    raise RuntimeError(f"{file}: {error}") from None
        new, changed, unchanged, bad = astuple(tally)
        told = f"{new} new, {changed} changed, {unchanged} unchanged, {bad} bad"
        click.echo(f"would be: {told}; nothing was written" if dry_run else told)
        if bad:
            sys.exit(1)

    failing(work)


class _Store:
    """A database to work on; ``fresh`` where a dry run has one of its own, because there is none yet."""

    def __init__(self, database: Database, fresh: bool) -> None:
        self.database = database
        self.fresh = fresh


@contextlib.contextmanager
def _store(url: str, dry: bool) -> Iterator[_Store]:
    if not dry:
        with opened(url) as database:
            yield _Store(database, False)
    elif not sqlite_path(url).exists():
        with tempfile.TemporaryDirectory() as folder, opened(f"sqlite:///{folder}/dry.db") as database:
            yield _Store(database, True)
    else:
        database = Database(url)
        try:
            if not database.write_now(schema.is_current):
                raise RuntimeError(
                    f"{database.path} is of an older version, and a dry run leaves it so: "
                    "start the server once, or import without --dry-run"
                )
            yield _Store(database, False)
        finally:
            database.close()


def _house(store: _Store, config: str | None, site: str) -> House:
    """The site in the configuration that counts, else of the file that the first start would take."""
    text = store.database.write_now(stored)
    if text is not None:
        houses = settings.load_text(text, "the configuration in the database")
    else:
        houses = settings.load(Path(config) if config else settings.default_config())
    if site not in houses:
        raise RuntimeError(f"there is no site {site!r}; there is {', '.join(houses)}")
    return houses[site]


def _rows(source: BinaryIO, house: House) -> Iterator[Row | BadRow]:
    begin = source.read(4096)
    source.seek(0)
    read = events.read if begin.lstrip(b"\xef\xbb\xbf \r\n").upper().startswith(CALENDAR) else table.read
    seen: dict[bytes, int] = {}
    for row in read(lines(source), house):
        if isinstance(row, Row):
            # A mark of eight bytes: of a hundred thousand references the marks are some megabytes.
            mark = hashlib.blake2b(row.ref.encode(), digest_size=8).digest()
            first = seen.setdefault(mark, row.line)
            if first != row.line:
                yield BadRow(row.line, f"the reference stands in line {first} already")
                continue
        yield row


async def _take(
    rows: Iterator[Row | BadRow],
    books: Books,
    say: Callable[[str], None],
    progress: Callable[[], None],
    *,
    pause: bool,
) -> None:
    while True:
        piece: list[Row] = []
        bad: list[BadRow] = []
        for row in rows:
            (piece if isinstance(row, Row) else bad).append(row)  # type: ignore[arg-type]
            if len(piece) + len(bad) >= PIECE:
                break
        if not piece and not bad:
            return
        books.tally.bad += len(bad)
        if piece:
            bad += await books.take(piece)
        for told in sorted(bad, key=lambda one: one.line):
            say(f"line {told.line}: {told}")
        progress()
        if pause and piece:
            # Whoever else writes gets as much of the time as we do.
            await asyncio.sleep(books.held_s)


@contextlib.contextmanager
def _telling(source: BinaryIO) -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """How to say something, and how to show that it goes on: the bar is for a terminal only."""
    if not sys.stderr.isatty():
        yield lambda text: click.echo(text, err=True), lambda: None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        size = source.seek(0, 2)
        source.seek(0)
        task = bar.add_task("importing", total=size)
        yield (
            lambda text: bar.console.print(text, markup=False, highlight=False),
            lambda: bar.update(task, completed=source.tell()),
        )


def _summary(tally: Tally, dry: bool) -> str:
    booked, changed, cancelled, unchanged, bad = astuple(tally)
    told = f"{booked} booked, {changed} changed, {cancelled} cancelled, {unchanged} unchanged, {bad} bad"
    return f"would be: {told}; nothing was written" if dry else told
