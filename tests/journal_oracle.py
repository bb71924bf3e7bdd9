"""Judges a journal by what was told outside: answers that clients got, frames that watchers saw.

It knows the words of the journal and the plain meaning of a call; it imports nothing of the server.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from driven_day import HALL, Log, Said, Shown

Entry = dict[str, Any]

KIND_OF_STEP = {
    "visits": "visit-reported",
    "return": "visit-returned",
    "open": "counter-opened",
    "next": "called",
    "recall": "recalled",
    "start": "service-started",
    "finish": "service-finished",
    "no-show": "not-present",
    "park": "parked",
    "transfer": "transferred",
    "undo": "undone",
}
CALLS_SHOWN = 10


def judge(journal: list[Entry], log: Log) -> None:
    """Asserts that the journal, whole, is what the outside was told."""
    assert [entry["seq"] for entry in journal] == list(range(1, len(journal) + 1))
    assert [entry["at"] for entry in journal] == sorted(entry["at"] for entry in journal)
    numbers_are_unique(journal)
    nobody_is_called_twice(journal)
    answers_are_kept(journal, log.said)
    frames_agree(journal, log.shown)


def numbers_are_unique(journal: list[Entry]) -> None:
    drawn: dict[str, list[int]] = {}
    for entry in journal:
        if entry["kind"] == "visit-reported":
            drawn.setdefault(entry["range"], []).append(entry["number"])
    for numbers in drawn.values():
        assert numbers == list(range(1, len(numbers) + 1))


def nobody_is_called_twice(journal: list[Entry]) -> None:
    """Unless the call was undone, or the visit came back in between."""
    called: dict[str, str] = {}
    last: dict[str, tuple[str, dict[str, str]]] = {}
    for entry in journal:
        kind, counter = entry["kind"], entry.get("counter", "")
        before = dict(called)
        if kind == "called":
            assert entry["visit"] not in called, f"{entry['call']} is called twice"
            assert counter not in called.values(), f"counter {counter} has two people"
            called[entry["visit"]] = counter
        elif kind in ("service-finished", "not-present", "parked"):
            called[entry["visit"]] = "gone"
        elif kind in ("transferred", "visit-returned"):
            called.pop(entry["visit"], None)
        elif kind == "undone":
            undid, was = last[counter]
            assert undid == entry["undid"]
            visit = entry_of_last(journal, entry)
            if visit in was:
                called[visit] = was[visit]
            else:
                called.pop(visit, None)
        if counter:
            last[counter] = (kind, before)


def entry_of_last(journal: list[Entry], undone: Entry) -> str:
    """The visit of the counter's entry before an undo."""
    for entry in reversed(journal[: undone["seq"] - 1]):
        if entry.get("counter") == undone["counter"]:
            return str(entry.get("visit", ""))
    raise AssertionError(f"{undone} undoes nothing")


def answers_are_kept(journal: list[Entry], said: list[Said]) -> None:
    """Each success is the entry of its seq, and each entry is one success: nothing lost, nothing double."""
    assert {answer.status for answer in said} <= {200, 409}, [a for a in said if a.status not in (200, 409)]
    told: Counter[int] = Counter()
    for answer in said:
        if answer.status != 200 or (answer.path.endswith("/next") and answer.body["ticket"] is None):
            continue
        step = answer.path.rsplit("/", 1)[1]
        assert answer.body["seq"] <= len(journal), f"answered but not in the journal: {answer}"
        entry = journal[answer.body["seq"] - 1]
        assert entry["kind"] == KIND_OF_STEP[step], (answer, entry)
        if step == "visits":
            assert entry["visit"] == answer.body["visit"]
            assert f"{entry['range']}{entry['number']:03d}" == answer.body["ticket"]
        if step in ("next", "recall"):
            assert entry["call"] == answer.body["call"]
        if answer.path.startswith("/counters/"):
            assert entry["counter"] == answer.path.split("/")[2]
        told[answer.body["seq"]] += 1
    commands = [entry["seq"] for entry in journal if entry["kind"] not in ("day-opened", "day-ended")]
    assert told == Counter(commands)


def frames_agree(journal: list[Entry], shown: list[Shown]) -> None:
    """Every frame is one the journal led to at that seq, and no connection saw an older one after it."""
    halls, counters = [[]], [{}]  # type: ignore[var-annotated]
    tickets: dict[str, str] = {}
    calls: list[tuple[str, str]] = []
    here: dict[str, str | None] = {}
    gone_again: set[str] = set()
    acts: dict[str, tuple[list[tuple[str, str]], str | None]] = {}
    for entry in journal:
        kind, counter = entry["kind"], entry.get("counter", "")
        if kind == "visit-reported":
            tickets[entry["visit"]] = f"{entry['range']}{entry['number']:03d}"
        before = (calls, here.get(counter))
        if kind in ("called", "recalled"):
            calls = [(entry["call"], entry["visit"]), *calls]
            here[counter] = entry["visit"]
            gone_again.discard(entry["visit"])
        elif kind in ("service-finished", "not-present", "parked", "transferred"):
            here[counter] = None
            if kind != "service-finished" or entry["goes_on"]:
                gone_again.add(entry["visit"])
        elif kind == "undone":
            their_calls, here[counter] = acts[counter]
            if here[counter]:
                gone_again.discard(here[counter])
            if entry["undid"] in ("called", "recalled"):
                gone = next(call for call in calls if call[1] == entry_of_last(journal, entry))
                assert gone not in their_calls
                calls = [call for call in calls if call != gone]
                if entry["undid"] == "called":
                    gone_again.add(gone[1])
        if counter:
            acts[counter] = before
        halls.append(_shown_calls([call for call in calls if call[1] not in gone_again]))
        counters.append({name: tickets[visit] for name, visit in here.items() if visit})
    newest: dict[tuple[str, int], int] = {}
    for frame in shown:
        assert frame.seq < len(halls), f"shown but not in the journal: {frame.topic} {frame.seq}"
        assert newest.get((frame.topic, frame.connection), 0) <= frame.seq
        newest[frame.topic, frame.connection] = frame.seq
        if frame.view is None:
            continue
        if frame.topic == HALL:
            assert [call["id"] for call in frame.view["calls"]] == halls[frame.seq], frame
        else:
            current = frame.view["current"]
            expected = counters[frame.seq].get(frame.topic.split("/")[1])
            assert (current and current["ticket"]) == expected, frame


def _shown_calls(calls: list[tuple[str, str]]) -> list[str]:
    """The newest call of each ticket, newest first."""
    lines: dict[str, str] = {}
    for call, visit in calls:
        if len(lines) == CALLS_SHOWN:
            break
        lines.setdefault(visit, call)
    return list(lines.values())
