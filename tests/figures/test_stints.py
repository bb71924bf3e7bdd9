"""A day's facts from its entries, against the fold that the hall runs on, over random days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from figures.days_by_hand import stored, thursday
from random_days import random_days

from server import journal, rebuild
from server import schema as tables
from server.database import Database
from server.domain import events as ev
from server.domain.day import Day, Visit
from server.domain.fold import fold
from server.figures import digests
from server.figures.packing import pack
from server.figures.stints import End, Facts, facts


def split(entries: list[ev.Entry]) -> Iterator[tuple[list[ev.Entry], int]]:
    """The entries of each day, with those that follow its end, and the seq before it."""
    begins = [n for n, entry in enumerate(entries) if isinstance(entry.event, ev.DayOpened)]
    for begin, until in pairwise([*begins, len(entries)]):
        yield entries[begin:until], entries[begin].seq - 1


def of_fold(visit: Visit) -> tuple[object, ...]:
    """What the hall's own state says of a visit."""
    ended_at = (
        visit.ended_at if visit.status.value not in ("waiting", "called", "serving", "parked") else None
    )
    return (visit.reported_at, visit.slot_at, visit.status, visit.first_called_at, ended_at, visit.range)


def calls_without_undone(entries: list[ev.Entry]) -> Counter[str]:
    """Calls of each counter, counted with a stack of its acts and nothing else."""
    acts: dict[str, list[ev.Event]] = {}
    for entry in entries:
        event = entry.event
        if isinstance(event, ev.Undone):
            acts[event.counter].pop()
        elif isinstance(event, ev.CounterEvent):
            acts.setdefault(event.counter, []).append(event)
    return Counter(name for name, done in acts.items() for act in done if isinstance(act, ev.Called))


def test_visits_end_as_in_the_hall_and_every_call_has_its_stint() -> None:
    undone = 0
    many = [each for seed in range(6) for each in split(random_days(seed, days=2).entries)]
    for entries, before in many:
        day = fold(Day(seq=before), entries)
        told = facts(entries)
        assert [
            (each.reported_at, each.slot_at, each.status, each.first_called_at, each.ended_at, each.range)
            for each in told.visits
        ] == [of_fold(visit) for visit in day.visits.values()]
        assert Counter(stint.counter for stint in told.stints) == calls_without_undone(entries)
        undone += sum(isinstance(entry.event, ev.Undone) for entry in entries)
        _in_order(told)
    assert undone, "these days try no undo"


def _in_order(told: Facts) -> None:
    """No stint begins before its wait or ends before it began, and no counter has two people at once."""
    last: dict[str, int] = {}
    for stint in told.stints:
        assert told.visits[stint.visit].reported_at <= stint.queued_at <= stint.called_at
        assert last.get(stint.counter, 0) <= stint.called_at
        if stint.ended_at is None:
            assert stint.end is End.HERE
            continue
        assert stint.called_at <= (stint.started_at or stint.called_at) <= stint.ended_at
        last[stint.counter] = stint.ended_at
    for shift in told.shifts:
        assert shift.end is None or shift.begin <= shift.end


def test_an_undone_step_leaves_no_trace() -> None:
    entries = thursday().journal
    undo = next(n for n, entry in enumerate(entries) if isinstance(entry.event, ev.Undone))
    acts = [
        n
        for n, entry in enumerate(entries[:undo])
        if isinstance(entry.event, ev.CounterEvent) and entry.event.counter == entries[undo].event.counter  # type: ignore[union-attr]
    ]
    without = [entry for n, entry in enumerate(entries) if n not in (undo, acts[-1])]
    assert pack(facts(entries)) == pack(facts(without))


def test_entries_that_begin_in_the_middle_of_a_day_are_refused() -> None:
    with pytest.raises(ValueError, match="begin with its opening"):
        facts(thursday().journal[1:])


def test_rebuild_makes_the_digests_and_check_finds_what_is_wrong(tmp_path: Path) -> None:
    database = stored(tmp_path, random_days(3, days=3).entries[:0])
    try:
        entries = random_days(3, days=3).entries
        database.write_now(tables.migrate)
        database.write_now(lambda connection: journal.append(connection, "one", entries))
        database.write_now(rebuild.rebuild)
        ended = [entry.seq for entry in entries if isinstance(entry.event, ev.DayEnded)]
        assert database.read_now(lambda c: digests.cursor(c, "one")) == ended[-1]
        assert database.read_now(rebuild.differences) == []
        spoil = "UPDATE digest SET packed = (SELECT packed FROM digest ORDER BY day DESC) WHERE day = :day"
        first = _first_day(database)
        database.write_now(lambda c: c.exec_driver_sql(spoil.replace(":day", "?"), (first,)))
        assert database.read_now(rebuild.differences) == [f"digest one {first}: differs"]
    finally:
        database.close()


def _first_day(database: Database) -> str:
    return str(database.read_now(lambda c: c.exec_driver_sql("SELECT min(day) FROM digest").scalar_one()))


def test_what_another_version_packed_is_packed_again(tmp_path: Path) -> None:
    database = stored(tmp_path, thursday().journal)
    try:
        assert digests.catch_up(database, "mechelen") == 1
        database.write_now(lambda c: c.exec_driver_sql("UPDATE digest SET format = 0, packed = x'00'"))
        assert digests.catch_up(database, "mechelen") == 1
        assert database.read_now(rebuild.differences) != []  # the rows of visits were never written here
        assert not [line for line in database.read_now(rebuild.differences) if line.startswith("digest")]
    finally:
        database.close()
