"""The database: engine, tables, transactions. The only place that knows a dialect.

SQLite by default: one file in WAL mode with ``synchronous=FULL``, every write transaction an explicit
``BEGIN IMMEDIATE`` run whole in one thread, so that the event loop pays one hop for it.
Work is a plain function over a ``sqlalchemy.Connection``; it must not keep the connection.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

metadata = sa.MetaData()

configuration = sa.Table(
    "configuration",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("imported_at", sa.BigInteger, nullable=False),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

visit = sa.Table(
    "visit",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("ticket", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("appointment", sa.Text),
    sa.Column("slot_at", sa.BigInteger),
    sa.Column("announced_late", sa.Boolean, nullable=False),
    sa.Column("reported_at", sa.BigInteger, nullable=False),
    sa.Column("first_called_at", sa.BigInteger),
    sa.Column("called_at", sa.BigInteger),
    sa.Column("started_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("counter", sa.Text),
    sa.Column("rule", sa.Text),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("persons", sa.Integer, nullable=False),
    sa.Column("language", sa.Text),
    sa.Column("priority", sa.Boolean, nullable=False),
    sa.Index("visit_day", "site", "day", "ticket", unique=True),
)

appointment = sa.Table(
    "appointment",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("booked_at", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("late_s", sa.Integer),
    sa.Column("language", sa.Text),
    sa.Column("persons", sa.Integer, nullable=False),
    sa.Column("rebooked_at", sa.BigInteger),
    sa.Column("was_at", sa.BigInteger),
    sa.Column("cancelled_at", sa.BigInteger),
    sa.Column("cancelled_by", sa.Text),
    sa.Column("visit", sa.Text),
    sa.Column("came", sa.Boolean, nullable=False),
    sa.Column("told_at", sa.BigInteger),
    sa.Column("call_back_at", sa.BigInteger),
    sa.Column("channel", sa.Text),
    sa.Index("appointment_at", "site", "at"),
    sa.Index(
        "appointment_was_at",
        *("site", "was_at"),
        sqlite_where=sa.text("was_at IS NOT NULL"),
        postgresql_where=sa.text("was_at IS NOT NULL"),
    ),
    sa.Index("appointment_call_back", "site", "call_back_at"),
)

reference = sa.Table(
    "reference",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("appointment", sa.Text, nullable=False, unique=True),
)

contact = sa.Table(
    "contact",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("erase_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("phone_mark", sa.LargeBinary, index=True),
    sa.Column("basis", sa.Text),
    sa.Column("basis_at", sa.BigInteger),
    sa.Column("basis_source", sa.Text),
)
"""People's own data, sealed. ``phone_mark`` finds whose number wrote to us without opening all of them;
``basis`` is what they are kept and written to on, since ``basis_at`` in real time and by whose word."""

planner = sa.Table(
    "planner",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
)
"""How far each site's journal has been planned for, and under which policy."""

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("slot_at", sa.BigInteger, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("planned_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("retry_at", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("lease_until", sa.BigInteger),
    sa.Column("reach_by", sa.BigInteger),
    sa.Column("ref", sa.Text),
    sa.Column("parts", sa.Integer),
    sa.Column("cost", sa.BigInteger),
    sa.Column("about", sa.Text, nullable=False),
    sa.Index("delivery_due", "state", "channel", "due_at"),
    sa.Index("delivery_once", "subject", "step", "slot_at", "channel", unique=True),
    sa.Index("delivery_site", "site", "due_at"),
    sa.Index("delivery_reach", "reach_by"),
)
"""One message to one person through one channel, "" as long as none is chosen; ``rank`` is how many were
tried before. ``planned_at``, ``due_at`` and ``until`` are house time; ``retry_at``, ``lease_until`` and
``reach_by`` real time. ``cost`` is in millionths of the currency; ``about`` what a notice says, as JSON."""

delivery_event = sa.Table(
    "delivery_event",
    metadata,
    sa.Column("delivery", sa.Text, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("real_at", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
)
"""What happened to a delivery: planned, sent, accepted, delivered, shown, clicked, answered, and the rest."""

message = sa.Table(
    "message",
    metadata,
    sa.Column("delivery", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("erase_at", sa.BigInteger, nullable=False, index=True),
)
"""What was written, sealed as contact data are, and erased with them."""

opt_out = sa.Table(
    "opt_out",
    metadata,
    sa.Column("mark", sa.LargeBinary, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
)
"""Addresses that want no messages. The mark is made with the server's key: it outlives the address."""

webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("sealed_before", sa.LargeBinary),
    sa.Column("rotated_at", sa.BigInteger),
    sa.Column("kinds", sa.Text, nullable=False),
    sa.Column("allow_private", sa.Boolean, nullable=False),
    sa.Column("from_seq", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("disabled_at", sa.BigInteger),
    sa.Column("delivered", sa.BigInteger, nullable=False),
    sa.Column("delivered_at", sa.BigInteger),
)
"""Other systems that are told of a site's events later than ``from_seq``. ``sealed`` is the secret that
signs, ``sealed_before`` the one until ``rotated_at``; ``kinds`` are types of event, none meaning all."""

webhook_cursor = sa.Table(
    "webhook_cursor",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)
"""How far each site's journal has been laid out in deliveries to its webhooks."""

webhook_delivery = sa.Table(
    "webhook_delivery",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("webhook", sa.Text, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("before", sa.Integer, nullable=False),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("code", sa.Text),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("failed_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger, index=True),
    sa.Index("webhook_delivery_once", "webhook", "seq", "about", unique=True),
    sa.Index("webhook_delivery_due", "webhook", "due_at"),
    sa.Index("webhook_delivery_failed", "site", "failed_at"),
)
"""One event for one webhook. ``due_at`` is when it may be tried (again), while it is sent the end of its
lease; ``before`` are attempts that no longer count, because somebody had it sent again; all real time."""

policy = sa.Table(
    "policy",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("early_s", sa.Integer, nullable=False),
    sa.Column("grace_s", sa.Integer, nullable=False),
    sa.Column("cancel_in_time_s", sa.Integer, nullable=False),
    sa.Column("first_at", sa.BigInteger, nullable=False),
)
"""Every policy of punctuality that a site ever had, since ``first_at`` in real time; never changed."""

assignment = sa.Table(
    "assignment",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("experiment", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("eligible", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("arm", sa.Text),
    sa.Column("probability", sa.Float),
    sa.Column("ladder", sa.Text),
    sa.Column("wording", sa.Text),
    sa.Column("slot_at", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("place", sa.Integer),
    sa.Column("ends", sa.Text),
    sa.Column("person", sa.LargeBinary),
    sa.Column("again", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("assignment_site", "site", "subject"),
    sa.Index("assignment_person", "person", "ends"),
)
"""Which arm of an experiment an appointment was drawn into with which probability, or the reason for none.
Written once, before anything is planned for it, and never changed: ``ladder`` and ``wording`` are the arm's,
``place`` is its place among the arms, ``ends`` the experiment's last day and ``slot_at`` the slot as they
were then. ``at`` is house time. Only ``person`` goes: a mark by which somebody is known again within the
experiment, until that is over; ``again`` is whether they had been drawn before, and stays."""

digest = sa.Table(
    "digest",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("format", sa.Integer, nullable=False),
    sa.Column("packed", sa.LargeBinary, nullable=False),
    sa.Index("digest_seq", "site", "seq"),
)
"""What figures need of a local day that has ended, packed; ``seq`` is that of its end."""

alert = sa.Table(
    "alert",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("raised_at", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("cleared_at", sa.BigInteger),
    sa.Column("told", sa.Integer, nullable=False),
    sa.Index("alert_site", "site", "raised_at"),
    sa.Index(
        "alert_standing",
        "site",
        "kind",
        "subject",
        unique=True,
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    ),
)
"""What was wrong: of one kind and about one thing at most one that is not cleared. ``subject`` is the
service, screen, counter or channel, or nothing; ``told`` how many it was told to. House time."""

recipient = sa.Table(
    "recipient",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False, index=True),
    sa.Column("site", sa.Text, nullable=False, index=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("over", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)
"""Where an account is told of alerts; the address lies sealed in ``contact``, under this id. ``over``: also
that they are over. Real time."""

forecast_model = sa.Table(
    "forecast_model",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("fitted_at", sa.BigInteger, nullable=False),
    sa.Column("first_day", sa.Text, nullable=False),
    sa.Column("last_day", sa.Text, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("comes", sa.Float, nullable=False),
    sa.Column("model", sa.LargeBinary, nullable=False),
)
"""What each site's waits are forecast by, learned from ``rows`` waits of these days; ``comes`` is the chance
that somebody comes to an appointment. Real time."""

promise = sa.Table(
    "promise",
    metadata,
    sa.Column("visit", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("low_s", sa.Integer, nullable=False),
    sa.Column("high_s", sa.Integer, nullable=False),
    sa.Column("p50_s", sa.Integer, nullable=False),
    sa.Column("p90_s", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Index("promise_site", "site", "at"),
)
"""What a visit was told first of its wait: the range as it was shown and the quantiles behind it. What came
of it stands in ``visit``. House time; ``source`` is the model's id, or plain."""

satisfaction = sa.Table(
    "satisfaction",
    metadata,
    sa.Column("visit", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("word", sa.LargeBinary),
    sa.Column("erase_at", sa.BigInteger, index=True),
    sa.Index("satisfaction_day", "site", "day"),
)
"""What a citizen said of a visit that is over, once: ``score`` from 0 to 10, ``at`` in house time when it
was given first. ``word`` is sealed, and forgotten at ``erase_at`` in real time; the score stays."""

first_free = sa.Table(
    "first_free",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("told_at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger),
)
"""The first free slot of a service as the booking side told it at ``told_at``, house time; ``at`` is null
where it said that there is none."""

phone_calls = sa.Table(
    "phone_calls",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("answered", sa.Integer),
)
"""Telephone calls within the hour that begins at ``at``; ``answered`` is null where nobody counted those."""

answer = sa.Table(
    "answer",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("stored_at", sa.BigInteger, nullable=False, index=True),
)

token = sa.Table(
    "token",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("counter", sa.Text),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("token", sa.Text),
    sa.Column("account", sa.Text),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
)
"""Browsers that are signed in, each by a token or by an account: one of the two is set."""

account = sa.Table(
    "account",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("login", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("counter", sa.Text),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("disabled_at", sa.BigInteger),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failed_at", sa.BigInteger, nullable=False),
)

unknown_login = sa.Table(
    "unknown_login",
    metadata,
    sa.Column("mark", sa.LargeBinary, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failed_at", sa.BigInteger, nullable=False, index=True),
)
"""Failures at logins that nobody has. The mark is made with the server's key: people type passwords there."""

device = sa.Table(
    "device",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("screen", sa.Text),
    sa.Column("token", sa.Text, unique=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("confirmed_by", sa.Text, nullable=False),
    sa.Column("last_seen_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
    sa.Index("device_site", "site", "created_at"),
)

pairing = sa.Table(
    "pairing",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("user_code", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("asked_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("denied", sa.Boolean, nullable=False),
    sa.Column("device", sa.Text),
)
"""Devices that ask to be let in, until their code expires."""


house_time = sa.Table(
    "house_time",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("set_to", sa.BigInteger),
)
"""One row: what the newest start of a server set house time to, null where it follows the machine's clock."""


class Unavailable(Exception):
    """The database does not take work now (locked, full, gone); worth trying again."""


class BadUrl(Exception):
    """A database URL that this version cannot use; the message says which can."""


def sqlite_path(url: str) -> Path:
    """The file behind ``sqlite:///relative`` or ``sqlite:////absolute``. Raises :class:`BadUrl`."""
    if not url.startswith("sqlite:///") or len(url) == len("sqlite:///"):
        raise BadUrl(
            f"database {url.split('://')[0]!r}: this version stores in SQLite, as sqlite:///path/to/file"
        )
    return Path(url.removeprefix("sqlite:///"))


class Database:
    """A SQLite file: one writing thread, one reading thread, a connection each."""

    def __init__(self, url: str) -> None:
        self.path = sqlite_path(url)
        self._writer = _engine(self.path, "BEGIN IMMEDIATE")
        self._reader = _engine(self.path, "BEGIN")
        self._write_thread = ThreadPoolExecutor(1, "onthaal-write")
        self._read_thread = ThreadPoolExecutor(1, "onthaal-read")

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in one write transaction; durable when this returns, undone if it raises."""
        return await self._run(self._write_thread, self._writer, work)

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` on one consistent snapshot."""
        return await self._run(self._read_thread, self._reader, work)

    def write_now(self, work: Work[T]) -> T:
        """The same as :meth:`write`, for the command line, where no loop runs."""
        return self._write_thread.submit(transact, self._writer, work).result()

    def read_now(self, work: Work[T]) -> T:
        """The same as :meth:`read`, for the command line, where no loop runs."""
        return self._read_thread.submit(transact, self._reader, work).result()

    async def _run(self, thread: ThreadPoolExecutor, engine: sa.Engine, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        # A transaction that has begun is finished even if who asked for it goes away.
        return await asyncio.shield(loop.run_in_executor(thread, transact, engine, work))

    def close(self) -> None:
        """Wait for work in progress and close both connections."""
        for thread, engine in ((self._write_thread, self._writer), (self._read_thread, self._reader)):
            thread.submit(engine.dispose).result()
            thread.shutdown()


def reading(url: str) -> sa.Engine:
    """A connection for one thread of another process, which cannot write. Raises :class:`BadUrl`."""
    engine = _engine(sqlite_path(url), "BEGIN")

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")

    return engine


def transact(engine: sa.Engine, work: Work[T]) -> T:
    """Run ``work`` in one transaction. Raises :class:`Unavailable` or :class:`BadUrl`."""
    try:
        with engine.begin() as connection:
            return work(connection)
    except sa.exc.OperationalError as error:
        raise Unavailable(str(error.orig)) from error
    except sa.exc.DatabaseError as error:
        if "not a database" in str(error.orig):
            raise BadUrl(f"{engine.url.database}: {error.orig}") from error
        raise


def _engine(path: Path, begin: str) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        # The pool is one connection that only its own thread uses; threads check is SQLAlchemy's to lift.
        poolclass=sa.StaticPool,
        connect_args={"check_same_thread": False, "timeout": 5.0},
    )

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions are ours to begin
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        # In kilobytes: by default two megabytes, less than the indexes of a year of appointments.
        connection.execute("PRAGMA cache_size=-32768")
        if os.name == "posix":
            path.chmod(0o600)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class packed(FunctionElement[str]):
    """An aggregate: all values of a column, none of them null, in one text with spaces between."""

    inherit_cache = True
    type = sa.Text()


@compiles(packed)
def _packed(element: packed, compiler: SQLCompiler, **more: Any) -> str:
    return f"string_agg(CAST({compiler.process(element.clauses, **more)} AS TEXT), ' ')"


@compiles(packed, "sqlite")
def _packed_by_sqlite(element: packed, compiler: SQLCompiler, **more: Any) -> str:
    # Told to cast, SQLite takes twice as long for what it does anyway.
    return f"group_concat({compiler.process(element.clauses, **more)}, ' ')"


def is_conflict(error: sa.exc.IntegrityError) -> bool:
    """Whether an insert met a row that is already there."""
    return isinstance(error.orig, sqlite3.IntegrityError) and "UNIQUE" in str(error.orig)


def upsert(table: sa.Table) -> str:
    """SQL that inserts a row or replaces it by primary key; the same for SQLite and PostgreSQL."""
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key]
    rest = [name for name in names if name not in keys]
    return (
        f'INSERT INTO "{table.name}" ({", ".join(_quoted(names))}) '
        f"VALUES ({', '.join(':' + name for name in names)}) "
        f"ON CONFLICT ({', '.join(_quoted(keys))}) DO UPDATE SET "
        + ", ".join(f'"{name}" = excluded."{name}"' for name in rest)
    )


def insert_new(table: sa.Table, names: Iterable[str]) -> str:
    """SQL that inserts a row of these columns unless it is there; the same for SQLite and PostgreSQL."""
    listed = list(names)
    return (
        f'INSERT INTO "{table.name}" ({", ".join(_quoted(listed))}) '
        f"VALUES ({', '.join(':' + name for name in listed)}) ON CONFLICT DO NOTHING"
    )


def _quoted(names: list[str]) -> list[str]:
    return [f'"{name}"' for name in names]
