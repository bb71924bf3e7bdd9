"""The committer in one process, over real SQLite files: groups, failures, days, and others' journals.

Where a commit is to fail the file itself is made to refuse: locked by another connection, full, read only.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from houses import house

from server import database as db
from server import journal, ledger, live, rebuild, schema
from server.clock import HouseClock
from server.database import Database, Unavailable
from server.domain import commands as co
from server.domain import events as ev
from server.domain.appointment import Appointment
from server.domain.day import Day, Status
from server.domain.fold import fold
from server.domain.refusal import Code, Refused
from server.live import Decided, Key, KeyReused, Live, Request, Site
from server.settings import load

SITE = "mechelen"


def utc(text: str) -> int:
    """Microseconds of ``2026-11-23 08:15`` UTC, worked out without the server."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


MORNING = utc("2026-11-23 08:15")


class Bench:
    """A committer over a file, its journal, and what it showed when."""

    def __init__(self, folder: Path, database: Database, clock: HouseClock) -> None:
        self.database = database
        self.clock = clock
        self.shown: list[tuple[int, int]] = []
        self.beside: list[tuple[int, int]] = []
        houses = load(folder / "house.toml")
        self.live = Live(database, clock, houses, self._changed)
        self.visits = 0

    @property
    def site(self) -> Site:
        return self.live.sites[SITE]

    def _changed(self, site: Site) -> None:
        # What is shown must be in the file already: another connection, as another process would, looks.
        with contextlib.closing(sqlite3.connect(self.database.path)) as other:
            (stored,) = other.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
            beside = other.execute("SELECT (SELECT count(*) FROM visit), (SELECT count(*) FROM answer)")
            self.beside.append(beside.fetchone())
        self.shown.append((site.day.seq, stored))

    def request(self, command: co.Command, key: str | None = None, body: bytes = b"") -> Request:
        return Request(
            SITE,
            lambda _known: command,
            lambda decided: str(decided.day.seq).encode(),
            key=None if key is None else Key("token", key, body),
        )

    def walk_in(self, key: str | None = None) -> Request:
        self.visits += 1
        return self.request(co.WalkIn(visit=f"v{self.visits}", service="onthaal"), key)

    async def do(self, command: co.Command, key: str | None = None) -> bytes:
        return await self.live.execute(self.request(command, key))

    async def entries(self) -> list[ev.Entry]:
        return await self.database.read(lambda connection: list(journal.read(connection, SITE, 0)))

    async def kinds(self) -> list[str]:
        return [entry.kind for entry in await self.entries()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    house(tmp_path, counters=3)
    return tmp_path


@asynccontextmanager
async def opened(
    folder: Path, clock: HouseClock | None = None, *, running: bool = True
) -> AsyncIterator[Bench]:
    database = Database(f"sqlite:///{folder / 'onthaal.db'}")
    try:
        await database.write(schema.migrate)
        bench = Bench(folder, database, clock or HouseClock(MORNING, 0))
        await bench.live.load()
        task = asyncio.create_task(bench.live.run()) if running else None
        try:
            yield bench
        finally:
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
    finally:
        database.close()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another connection that holds the file, as a stuck process would."""
    with contextlib.closing(sqlite3.connect(folder / "onthaal.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def pragma(database: Database, text: str) -> None:
    """Set something on the writer's own connection, outside any transaction."""
    raw = database._writer.raw_connection()
    raw.cursor().execute(f"PRAGMA {text}")
    raw.close()


def impatient(database: Database) -> None:
    """Wait 20 ms for a lock rather than seconds."""
    pragma(database, "busy_timeout = 20")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


# --- groups ---------------------------------------------------------------------------------------


async def test_a_group_is_one_commit(folder: Path) -> None:
    async with opened(folder, running=False) as bench:
        asked = [asyncio.create_task(bench.live.execute(bench.walk_in())) for _ in range(10)]
        await asyncio.sleep(0)  # all ten are in the queue before the committer looks
        committer = asyncio.create_task(bench.live.run())
        seqs = [int(answer) for answer in await asyncio.gather(*asked)]
        committer.cancel()
        assert seqs == list(range(2, 12))  # after the opening of the day, each with its own
        assert bench.shown == [(11, 11)]  # shown once, after it was stored
        assert [visit.ticket for visit in bench.site.day.visits.values()] == [
            f"A{n:03d}" for n in range(1, 11)
        ]


async def test_a_refused_command_leaves_the_others_of_its_group(folder: Path) -> None:
    async with opened(folder, running=False) as bench:
        asked = [
            asyncio.create_task(bench.live.execute(request))
            for request in (
                bench.walk_in(),
                bench.request(co.CallNext(counter="1")),  # not open
                bench.walk_in(),
                bench.request(co.OpenCounter(counter="1")),
                bench.request(co.CallNext(counter="1")),
                bench.request(co.CallNext(counter="1")),  # busy, by a command of the same group
            )
        ]
        await asyncio.sleep(0)
        committer = asyncio.create_task(bench.live.run())
        answers = await asyncio.gather(*asked, return_exceptions=True)
        committer.cancel()
    refused = [answer.code for answer in answers if isinstance(answer, Refused)]
    assert refused == [Code.COUNTER_NOT_OPEN, Code.COUNTER_BUSY]
    assert [answer for answer in answers if isinstance(answer, bytes)] == [b"2", b"3", b"4", b"5"]


def _breaks(*_arguments: object) -> object:
    raise ZeroDivisionError("a bug")


@pytest.mark.parametrize("where", ["build", "answer", "also"])
async def test_a_bug_in_one_command_fails_that_one_alone(folder: Path, where: str) -> None:
    async with opened(folder, running=False) as bench:
        broken = bench.walk_in(key="broken")
        setattr(broken, where, _breaks)
        requests = [bench.walk_in(key="first"), broken, bench.walk_in(key="last")]
        asked = [asyncio.create_task(bench.live.execute(request)) for request in requests]
        await asyncio.sleep(0)
        committer = asyncio.create_task(bench.live.run())
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert answers[0] == b"2"
        assert isinstance(answers[1], ZeroDivisionError)
        assert answers[2] == b"3"
        assert list(bench.site.day.visits) == ["v2", "v3"]
        # The same key may be tried again once the bug is mended.
        assert await bench.live.execute(bench.walk_in(key="broken")) == b"4"
        assert await bench.database.read(rebuild.differences) == []
        committer.cancel()


async def test_what_is_committed_stays_answered_when_showing_it_fails(folder: Path) -> None:
    async with opened(folder) as bench:
        bench.live.changed = lambda site: site.no_such_attribute  # type: ignore[attr-defined]
        assert await bench.live.execute(bench.walk_in()) == b"2"
        assert await bench.live.execute(bench.walk_in()) == b"3"
        assert await bench.kinds() == ["day-opened", "visit-reported", "visit-reported"]


# --- keys -----------------------------------------------------------------------------------------


async def test_a_retry_gets_the_stored_answer_also_where_it_would_now_be_refused(folder: Path) -> None:
    async with opened(folder) as bench:
        await bench.do(co.OpenCounter(counter="1"))
        await bench.live.execute(bench.walk_in())
        first = await bench.do(co.CallNext(counter="1"), key="call")
        assert await bench.do(co.CallNext(counter="1"), key="call") == first
        with pytest.raises(Refused):
            await bench.do(co.CallNext(counter="1"), key="another")
        with pytest.raises(KeyReused):
            await bench.live.execute(bench.request(co.CallNext(counter="1"), "call", body=b"other"))
        assert (await bench.kinds()).count("called") == 1
    async with opened(folder) as again:  # the answer outlives the process
        assert await again.do(co.CallNext(counter="1"), key="call") == first


async def test_rows_and_answers_are_in_the_commands_own_transaction(folder: Path) -> None:
    async with opened(folder) as bench:
        for number in range(1, 4):
            await bench.live.execute(bench.walk_in(key=f"draw-{number}"))
        # At the moment at which each was shown, another connection saw its visit and its answer.
        assert bench.beside == [(1, 1), (2, 2), (3, 3)]


async def test_a_refusal_is_not_kept_under_its_key(folder: Path) -> None:
    async with opened(folder) as bench:
        with pytest.raises(Refused):
            await bench.do(co.CallNext(counter="1"), key="call")
        await bench.do(co.OpenCounter(counter="1"))
        await bench.live.execute(bench.walk_in())
        assert await bench.do(co.CallNext(counter="1"), key="call") == b"4"


# --- commits that fail ----------------------------------------------------------------------------


async def assert_nothing_happened_and_a_retry_works(
    bench: Bench, mend: Callable[[], None], command: co.Command, before: Day
) -> None:
    shown = list(bench.shown)
    with pytest.raises(Unavailable):
        await bench.do(command, key="again")
    assert bench.site.day is before
    assert bench.shown == shown
    mend()
    assert await bench.entries() == [] or (await bench.entries())[-1].seq == before.seq
    answer = await bench.do(command, key="again")
    assert int(answer) == before.seq + 1
    assert await bench.do(command, key="again") == answer
    assert bench.shown == [*shown, (before.seq + 1, before.seq + 1)]
    assert await bench.database.read(rebuild.differences) == []


async def test_a_locked_file_takes_nothing_and_shows_nothing(folder: Path) -> None:
    async with opened(folder) as bench:
        await bench.live.execute(bench.walk_in())
        impatient(bench.database)
        lock = contextlib.ExitStack()
        lock.enter_context(locked(folder))
        command = co.WalkIn(visit="late", service="onthaal")
        await assert_nothing_happened_and_a_retry_works(bench, lock.close, command, bench.site.day)


async def test_a_full_disk_takes_nothing_and_shows_nothing(folder: Path) -> None:
    async with opened(folder) as bench:
        await bench.live.execute(bench.walk_in())

        with contextlib.closing(sqlite3.connect(bench.database.path)) as other:
            (pages,) = other.execute("PRAGMA page_count").fetchone()
        pragma(bench.database, f"max_page_count = {pages}")
        # The room that the tables still have in their pages is used up, until a row does not fit.
        for _ in range(200):
            before = bench.site.day
            try:
                await bench.live.execute(bench.walk_in())
            except Unavailable:
                break
        assert bench.site.day is before
        command = co.WalkIn(visit="late", service="onthaal", then=("onthaal",) * 400)

        def make_room() -> None:
            pragma(bench.database, "max_page_count = 1000000")

        await assert_nothing_happened_and_a_retry_works(bench, make_room, command, before)


async def test_a_file_that_may_not_be_written_takes_nothing_and_shows_nothing(folder: Path) -> None:
    async with opened(folder) as bench:
        await bench.live.execute(bench.walk_in())

        pragma(bench.database, "query_only = 1")
        command = co.WalkIn(visit="late", service="onthaal")

        def allow() -> None:
            pragma(bench.database, "query_only = 0")

        await assert_nothing_happened_and_a_retry_works(bench, allow, command, bench.site.day)


async def test_all_of_a_group_fail_with_its_commit_and_none_is_lost(folder: Path) -> None:
    async with opened(folder) as bench:
        impatient(bench.database)
        with locked(folder):
            asked = [bench.live.execute(bench.walk_in(key=f"k{n}")) for n in range(5)]
            answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unavailable}
        assert bench.site.day.seq == 0
        bench.visits = 0
        asked = [bench.live.execute(bench.walk_in(key=f"k{n}")) for n in range(5)]
        assert await asyncio.gather(*asked) == [b"2", b"3", b"4", b"5", b"6"]
        # Nor was a number lost: the next five are the first five.
        assert list(bench.site.day.tickets) == [f"A{n:03d}" for n in range(1, 6)]


# --- queue, callers that go, shutdown -------------------------------------------------------------


async def test_a_full_queue_says_so_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "QUEUE", 4)
    async with opened(folder, running=False) as bench:
        asked = [asyncio.create_task(bench.live.execute(bench.walk_in())) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await bench.live.execute(bench.walk_in())
        committer = asyncio.create_task(bench.live.run())
        assert await asyncio.gather(*asked) == [b"2", b"3", b"4", b"5"]
        committer.cancel()


async def test_a_command_whose_caller_goes_away_is_carried_out_once(folder: Path) -> None:
    async with opened(folder, running=False) as bench:
        impatient_caller = asyncio.create_task(bench.live.execute(bench.walk_in(key="gone")))
        await asyncio.sleep(0)
        impatient_caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient_caller
        committer = asyncio.create_task(bench.live.run())
        bench.visits = 7  # the retry would make another visit
        assert await bench.live.execute(bench.walk_in(key="gone")) == b"2"
        assert list(bench.site.day.visits) == ["v1"]
        committer.cancel()


async def test_an_answer_that_takes_too_long_is_found_under_its_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EXECUTE_S", 0.01)
    async with opened(folder, running=False) as bench:
        with pytest.raises(Unavailable):
            await bench.live.execute(bench.walk_in(key="slow"))
        monkeypatch.setattr(live, "EXECUTE_S", 10.0)
        committer = asyncio.create_task(bench.live.run())
        assert await bench.live.execute(bench.walk_in(key="slow")) == b"2"
        assert list(bench.site.day.visits) == ["v1"]
        committer.cancel()


async def test_shutting_down_commits_what_was_taken_and_refuses_the_rest(folder: Path) -> None:
    async with opened(folder, running=False) as bench:
        committer = asyncio.create_task(bench.live.run())
        await asyncio.sleep(0)
        lock = contextlib.ExitStack()
        lock.enter_context(locked(folder))  # holds the group in its commit
        decided = asyncio.Event()

        def build(_known: Appointment | None) -> co.Command:
            decided.set()
            return co.WalkIn(visit="taken", service="onthaal")

        taken = asyncio.create_task(bench.live.execute(Request(SITE, build, lambda _decided: b"taken")))
        await decided.wait()
        committer.cancel()
        queued = asyncio.create_task(bench.live.execute(bench.walk_in(key="queued")))
        await asyncio.sleep(0)
        lock.close()
        with pytest.raises(asyncio.CancelledError):
            await committer
        assert await taken == b"taken"
        with pytest.raises(Unavailable):
            await queued
        assert await bench.kinds() == ["day-opened", "visit-reported"]


# --- the journal of others ------------------------------------------------------------------------


async def test_who_is_behind_catches_up_shows_it_and_decides_again(folder: Path) -> None:
    async with opened(folder) as one, opened(folder) as other:
        other.visits = 100
        await one.do(co.OpenCounter(counter="1"))
        await one.do(co.OpenCounter(counter="2"))
        for _ in range(2):
            await one.live.execute(one.walk_in())
        assert other.site.day.seq == 0
        # The other has seen nothing of it; by its own state counter 2 is closed and nobody waits.
        assert await one.do(co.CallNext(counter="1")) == b"6"
        assert await other.do(co.CallNext(counter="2")) == b"7"
        assert other.shown == [(6, 6), (7, 7)]
        assert [(call.ticket, call.counter) for call in other.site.day.calls] == [
            ("A002", "2"),
            ("A001", "1"),
        ]
        assert await other.live.execute(other.walk_in()) == b"8"
        assert await one.do(co.Start(counter="1")) == b"9"
        assert one.site.day == fold(Day(), await one.entries())
        # A refusal out of a state that is behind is decided again as well.
        await one.do(co.Finish(counter="1"))
        assert await other.do(co.CallNext(counter="1")) == b"11"


async def test_what_others_append_is_noticed_without_a_command(folder: Path) -> None:
    async with opened(folder) as one, opened(folder) as other:
        following = asyncio.create_task(other.live.follow(0.01))
        try:
            for _ in range(2):
                await one.live.execute(one.walk_in())
            await until(lambda: other.site.day.seq == 3)
            assert other.site.day == fold(Day(), await one.entries())
            assert all(seq == stored for seq, stored in other.shown)
            assert other.shown[-1] == (3, 3)
            # What it committed itself is no news: nothing is shown twice.
            await other.do(co.OpenCounter(counter="1"))
            assert await one.do(co.OpenCounter(counter="2")) == b"5"
            await until(lambda: other.site.day.seq == 5)
            seqs = [seq for seq, _ in other.shown]
            assert seqs == sorted(set(seqs))
        finally:
            following.cancel()


async def test_a_long_absence_is_read_in_pieces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CATCH_UP", 3)
    async with opened(folder) as one, opened(folder) as other:
        for _ in range(8):
            await one.live.execute(one.walk_in())
        assert await other.do(co.OpenCounter(counter="1")) == b"10"
        # However many pieces it took, it is shown once.
        assert other.shown == [(9, 9), (10, 10)]


async def test_two_committers_on_one_file_leave_no_gap_and_no_double(folder: Path) -> None:
    async with opened(folder) as one, opened(folder) as other:
        other.visits = 100
        asked = [bench.live.execute(bench.walk_in()) for _ in range(40) for bench in (one, other)]
        seqs = sorted(int(answer) for answer in await asyncio.gather(*asked))
        assert seqs == list(range(2, 82))
        entries = await one.entries()
        assert [entry.seq for entry in entries] == list(range(1, 82))
        numbers = [entry.event.number for entry in entries if isinstance(entry.event, ev.VisitReported)]
        assert numbers == list(range(1, 81))
        assert await one.database.read(rebuild.differences) == []


async def test_two_committers_agree_on_one_key_and_one_reference(folder: Path) -> None:
    async with opened(folder) as one, opened(folder) as other:

        def book(name: str) -> Request:
            def build(known: Appointment | None) -> co.Book:
                fresh = known.id if known else name
                return co.Book(appointment=fresh, service="onthaal", at=MORNING, known=known)

            def answer(decided: Decided) -> bytes:
                return next(iter(decided.day.appointments)).encode()

            return Request(SITE, build, answer, ref="ref-1")

        asked = [bench.live.execute(book(f"{n}")) for n in range(5) for bench in (one, other)]
        assert len(set(await asyncio.gather(*asked))) == 1
        other.visits = 100
        asked = [bench.live.execute(bench.walk_in(key="draw")) for _ in range(5) for bench in (one, other)]
        assert len(set(await asyncio.gather(*asked))) == 1
        assert await one.kinds() == ["day-opened", "appointment-booked", "visit-reported"]


# --- days and clocks ------------------------------------------------------------------------------


class SetClock(HouseClock):
    """A machine's clock that a test sets: also backwards, which the real one does not promise not to."""

    def __init__(self, instant: int) -> None:
        super().__init__()
        self.instant = instant

    def now(self) -> int:
        return self.instant


async def book(bench: Bench, name: str, at: int) -> None:
    command = co.Book(appointment=name, service="onthaal", at=at, known=None)
    await bench.live.execute(Request(SITE, lambda _k: command, lambda _d: b"", ref=name))


async def test_days_open_and_end_by_the_clock_alone(folder: Path) -> None:
    clock = SetClock(utc("2026-11-23 03:00"))
    async with opened(folder, clock) as bench:
        timekeeper = asyncio.create_task(bench.live.keep_time(every_s=0.005))
        await until(lambda: bench.site.day.date == "2026-11-23")
        await book(bench, "tomorrow", utc("2026-11-24 08:00"))
        await book(bench, "today", utc("2026-11-23 08:00"))
        clock.instant = utc("2026-11-23 12:30")  # closed at 13:00 local time, ends an hour later
        await bench.do(co.NoteCame(known=bench.site.day.appointments["today"]))
        assert not bench.site.day.ended
        clock.instant = utc("2026-11-23 13:00")
        await until(lambda: bench.site.day.ended)
        clock.instant = utc("2026-11-23 23:00")  # midnight in Brussels
        await until(lambda: bench.site.day.date == "2026-11-24")
        assert list(bench.site.day.appointments) == ["tomorrow"]
        timekeeper.cancel()
        assert await bench.kinds() == [
            "day-opened",
            "appointment-booked",
            "appointment-booked",
            "appointment-came",
            "day-ended",
            "day-opened",
        ]
        assert await bench.database.read(rebuild.differences) == []


@pytest.mark.parametrize(
    ("back_at", "date"), [("2026-11-24 08:15", "2026-11-24"), ("2026-11-27 08:15", "2026-11-27")]
)
async def test_a_server_that_was_off_over_nights_ends_the_old_day_and_opens_the_new(
    folder: Path, back_at: str, date: str
) -> None:
    async with opened(folder) as bench:
        await book(bench, "ahead", utc(back_at) + 1)
        await bench.live.execute(bench.walk_in())
    async with opened(folder, HouseClock(utc(back_at), 0)) as bench:
        assert bench.site.day.date == "2026-11-23"
        bench.visits = 10
        assert await bench.live.execute(bench.walk_in()) == b"6"
        assert bench.site.day.date == date
        assert [visit.ticket for visit in bench.site.day.visits.values()] == ["A001"]
        assert list(bench.site.day.appointments) == ["ahead"]
        assert (await bench.kinds())[3:] == ["day-ended", "day-opened", "visit-reported"]

        def statuses(connection: sa.Connection) -> list[str]:
            return list(connection.execute(sa.select(db.visit.c.status).order_by(db.visit.c.day)).scalars())

        assert await bench.database.read(statuses) == [Status.NOT_SERVED, Status.WAITING]


async def test_a_restart_does_not_go_behind_the_journal(folder: Path) -> None:
    async with opened(folder, HouseClock(utc("2026-11-23 09:00"), 0)) as bench:
        await bench.live.execute(bench.walk_in())
    async with opened(folder, HouseClock(utc("2026-11-23 08:00"), 0)) as bench:
        assert bench.clock.now() == utc("2026-11-23 09:00")
        bench.visits = 10
        await bench.live.execute(bench.walk_in())
        assert [entry.at for entry in await bench.entries()] == [utc("2026-11-23 09:00")] * 3


async def test_the_machines_clock_may_step_back_the_journals_does_not(folder: Path) -> None:
    clock = SetClock(utc("2026-11-23 23:00"))  # midnight in Brussels
    async with opened(folder, clock) as bench:
        await bench.do(co.OpenCounter(counter="1"))
        assert bench.site.day.date == "2026-11-24"
        clock.instant = utc("2026-11-23 22:30")  # by this clock it is yesterday again
        timekeeper = asyncio.create_task(bench.live.keep_time(every_s=0.001))
        await bench.do(co.PauseCounter(counter="1"))
        await bench.do(co.OpenCounter(counter="1"))
        timekeeper.cancel()
        assert [entry.at for entry in await bench.entries()] == [utc("2026-11-23 23:00")] * 4
        clock.instant = utc("2026-11-24 08:00")
        await bench.live.execute(bench.walk_in())
        assert (await bench.entries())[-1].at == utc("2026-11-24 08:00")


@pytest.mark.parametrize(
    ("date", "begins", "until"),
    [
        ("2026-03-29", "2026-03-28 23:00", "2026-03-29 22:00"),  # 23 hours
        ("2026-10-25", "2026-10-24 22:00", "2026-10-25 23:00"),  # 25 hours
    ],
)
async def test_the_days_when_clocks_change_lose_nobody(
    folder: Path, date: str, begins: str, until: str
) -> None:
    hour = 3_600_000_000
    clock = SetClock(utc(begins))
    async with opened(folder, clock) as bench:
        slots = list(range(utc(begins), utc(until), hour))
        assert len(slots) in (23, 25)
        for number, slot in enumerate(slots):
            await book(bench, f"a{number}", slot)
        assert bench.site.day.date == date
        assert len(bench.site.day.appointments) == len(slots)
        clock.instant = utc(f"{date} 08:00")
        await bench.live.execute(bench.walk_in())
        clock.instant = utc(until) - 1
        await bench.do(co.EndDay())
        assert (bench.site.day.date, bench.site.day.ended) == (date, True)
        clock.instant = utc(until)
        await bench.do(co.EndDay())
        assert bench.site.day.date > date
        assert (await bench.kinds()).count("day-opened") == 2
        assert await bench.database.read(rebuild.differences) == []


async def test_the_morning_lists_the_appointments_that_stand(folder: Path) -> None:
    day = "2026-11-24"
    async with opened(folder) as bench:
        for name, at in (("a", "07:00"), ("b", "08:00"), ("c", "22:59"), ("d", "23:00")):
            await book(bench, name, utc(f"{day} {at}"))
        known = await bench.database.read(lambda connection: ledger.by_reference(connection, SITE, ["b"]))
        cancel = Request(SITE, lambda known: co.Cancel(known=known, by="citizen"), lambda _d: b"", ref="b")  # type: ignore[arg-type]
        assert list(known) == ["b"]
        await bench.live.execute(cancel)
    async with opened(folder, HouseClock(utc(f"{day} 07:30"), 0)) as bench:
        await bench.do(co.OpenCounter(counter="1"))
        assert list(bench.site.day.appointments) == ["a", "c"]  # d is of the next day
        assert await bench.database.read(rebuild.differences) == []
