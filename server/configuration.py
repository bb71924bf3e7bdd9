"""The configuration that counts: the file seeds an empty database, after that the database's own."""

from __future__ import annotations

import json
import logging
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from server import database as db
from server import policies, schema, settings
from server.channel_tables import Channels
from server.clock import real_now
from server.domain.house import House

log = logging.getLogger("onthaal.configuration")

SHOWN = 300
"""How much of a value an import prints: a logo has thousands of characters."""

_PUT = sa.text(db.upsert(db.configuration))


class Refused(RuntimeError):
    """An import that would take a house away; the message names it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A key in which two configurations differ; None where one does not have it."""

    key: str
    old: object
    new: object

    def __str__(self) -> str:
        return f"{self.key}: {_shown(self.old)} -> {_shown(self.new)}"


def stored(connection: sa.Connection) -> str | None:
    """The configuration text in the database, or None."""
    return connection.execute(sa.select(db.configuration.c.text)).scalar()


def current(connection: sa.Connection, file: str | None) -> dict[str, House]:
    """The houses to run: of the database, which an empty one takes from ``file`` or the default.

    Where the two differ the database's counts, and the difference is logged. Raises ``ConfigError``.
    """
    text = stored(connection)
    if text is None:
        path = Path(file) if file else settings.default_config()
        houses = settings.load(path)
        policies.keep(connection, houses.values(), str(path))
        put(connection, path.name, _text(path))
        return houses
    if file is not None:
        settings.load(Path(file))  # a broken file stops the start even where it would not count
        changes = [change.key for change in differences(text, _text(Path(file)))]
        if changes:
            log.warning(
                "%s differs from the configuration in the database, which counts (%s); "
                "`onthaal config import %s` applies the file",
                file,
                "; ".join(changes[:10]) + ("; ..." if len(changes) > 10 else ""),
                file,
            )
    houses = settings.load_text(text, "the configuration in the database")
    policies.keep(connection, houses.values(), "the configuration in the database")
    return houses


def channels(connection: sa.Connection) -> Channels:
    """What carries messages, by the configuration in the database."""
    return settings.channels(stored(connection) or "", "the configuration in the database")


def put(connection: sa.Connection, name: str, text: str) -> None:
    """Make a text, already found valid, the configuration that counts; ``name`` is its file's."""
    row = {"id": 1, "name": name, "text": text, "imported_at": real_now()}
    connection.execute(_PUT, row)


def import_file(url: str, file: Path, *, remove_sites: bool, dry_run: bool) -> list[Change] | None:
    """Make a file the configuration that counts, and answer what that changes; None: there was none.

    With ``dry_run`` nothing is written. Raises ``ConfigError`` for a file that cannot be used, or changes
    the lines of a known policy of punctuality, and
    :class:`Refused` where a site with a journal would disappear, unless ``remove_sites``.
    """
    houses = settings.load(file)
    text = _text(file)

    def work(connection: sa.Connection) -> list[Change] | None:
        schema.migrate(connection)
        before = stored(connection)
        if before is not None and not remove_sites:
            _keep_sites(connection, tomllib.loads(before)["sites"].keys() - houses.keys(), file)
        policies.keep(connection, houses.values(), str(file))
        if not dry_run:
            put(connection, file.name, text)
        return None if before is None else differences(before, text)

    return _untouched(url, work) if dry_run else _on(url, work)


def show(url: str) -> str | None:
    """The configuration text that counts in a database, which stays as it is; None: it has none."""

    def work(connection: sa.Connection) -> str | None:
        schema.migrate(connection)
        return stored(connection)

    return _untouched(url, work)


def differences(old: str, new: str) -> list[Change]:
    """In what two configurations differ, by key, numbers in keys as numbers."""
    before, after = _flat(tomllib.loads(old)), _flat(tomllib.loads(new))
    both = before.keys() & after.keys()
    before, after = before | _orders(before, both), after | _orders(after, both)
    keys = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    return [Change(key, before.get(key), after.get(key)) for key in sorted(keys, key=_natural)]


def _keep_sites(connection: sa.Connection, gone: Iterable[str], file: Path) -> None:
    journal = db.journal.c
    lost = [
        site
        for site in sorted(gone)
        if connection.execute(sa.select(journal.seq).where(journal.site == site).limit(1)).first()
    ]
    if lost:
        sites = "the site" if len(lost) == 1 else "the sites"
        have = "which has" if len(lost) == 1 else "which have"
        raise Refused(
            f"{file} would remove {sites} {', '.join(lost)}, {have} a journal: nothing is imported; "
            "if that is meant, add --remove-sites (and --dry-run to see first what changes)"
        )


def _on(url: str, work: db.Work[db.T]) -> db.T:
    store = db.Database(url)
    try:
        return store.write_now(work)
    finally:
        store.close()


def _untouched(url: str, work: db.Work[db.T]) -> db.T | None:
    if not db.sqlite_path(url).exists():
        return None  # opening would make the file

    def undone(connection: sa.Connection) -> db.T:
        try:
            return work(connection)
        finally:
            # An older database must be migrated to be read, but stays as it was.
            connection.rollback()

    return _on(url, undone)


def _text(path: Path) -> str:
    return path.read_text("utf-8-sig")


def _shown(value: object) -> str:
    if value is None:
        return "(none)"
    said = json.dumps(value, ensure_ascii=False, default=str)
    return said if len(said) <= SHOWN else f"{said[:SHOWN]}... ({len(said)} characters)"


def _natural(key: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", key)]


def _orders(flat: dict[str, object], among: Iterable[str]) -> dict[str, object]:
    """The order of the items that both configurations have: it is the order in which people see them."""
    orders: dict[str, list[str]] = {}
    for key in flat:
        if key.endswith(".id") and key in among:
            place, name, _ = key.rsplit(".", 2)
            orders.setdefault(place, []).append(name)
    return dict(orders)


def _flat(value: object, key: str = "") -> dict[str, object]:
    if isinstance(value, dict):
        items = {str(name): item for name, item in value.items()}
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = {
            str(item.get("id", index)) if isinstance(item, dict) else str(index): item
            for index, item in enumerate(value)
        }
    else:
        return {key: value}
    flat: dict[str, object] = {}
    for name, item in items.items():
        flat |= _flat(item, f"{key}.{name}" if key else name)
    return flat
