"""displays/PROTOCOL.md says what the wire does: examples from a real server, tables from the types."""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from running import ROOT, Onthaal
from watching import watching

from displays import alerts, protocol, views
from server import hub, presence, sockets, wire
from server.access import RIGHTS, Right

DOC = (ROOT / "displays" / "PROTOCOL.md").read_text()

STRUCTS = {
    name: kind
    for name, kind in inspect.getmembers(views, inspect.isclass)
    if issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct
}

HOUSE = """
[sites.mechelen]
name = "Huis van de Mechelaar"
time_zone = "Europe/Brussels"

[sites.mechelen.opening]
mon = ["08:00-13:00"]
tue = ["08:00-13:00"]

[[sites.mechelen.services]]
id = "onthaal"
name = "Onthaal"
kind = "reception"
range = "A"
target_s = 120
appointments = false

[[sites.mechelen.services]]
id = "burgerzaken"
name = "Burgerzaken"
kind = "theme"
range = "C"
target_s = 600

[[sites.mechelen.counters]]
id = "1"
services = ["onthaal"]

[[sites.mechelen.counters]]
id = "5"
services = ["burgerzaken"]
"""


def examples() -> list[tuple[str, str]]:
    """(the line before, the text) of each block of JSON."""
    return re.findall(r"^([^\n]*)\n+```json\n(.*?)```", DOC, re.DOTALL | re.MULTILINE)


def compact(text: str) -> str:
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, their cells without markup."""
    _, found, rest = DOC.partition(f"\n{heading}\n")
    assert found, f"no heading {heading!r}"
    section = re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [[cell.strip().replace("`", "") for cell in line.strip("|").split(" | ")] for line in lines]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def spoken(annotation: Any) -> str:
    """A field's type in the words of the document."""
    plain = {str: "string", int: "integer", float: "number", bool: "boolean"}
    if annotation in plain:
        return plain[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return f"list of {spoken(arguments[0])}"
    if origin in (typing.Union, types.UnionType):
        first, second = arguments
        assert second is type(None)
        return f"{spoken(first)} or null"
    if origin is typing.Literal:
        return " or ".join(json.dumps(value) for value in arguments)
    assert annotation in STRUCTS.values(), annotation
    return str(annotation.__name__)


# --- the tables -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STRUCTS)
def test_a_table_of_fields_names_exactly_what_its_type_has(name: str) -> None:
    hints = typing.get_type_hints(STRUCTS[name])
    fields = STRUCTS[name].__struct_fields__
    assert [(row[0], row[1]) for row in table(f"#### {name}")] == [(f, spoken(hints[f])) for f in fields]


def test_there_is_no_table_of_a_type_that_is_not() -> None:
    assert set(re.findall(r"^#### (\w+)$", DOC, re.MULTILINE)) == set(STRUCTS)


def test_the_envelope_and_the_receipt() -> None:
    assert [row[0] for row in table("## Frames")] == list(protocol.Frame.__struct_fields__)
    assert list(protocol.Heartbeat.__struct_fields__) == list(protocol.Frame.__struct_fields__)[:-1]
    hints = typing.get_type_hints(protocol.Receipt)
    fields = protocol.Receipt.__struct_fields__
    assert [(row[0], row[1]) for row in table("## Receipts")] == [(f, spoken(hints[f])) for f in fields]


def test_the_close_codes() -> None:
    assert [int(row[0]) for row in table("## Closing")] == [int(code) for code in protocol.Close]


def test_who_may_watch() -> None:
    rights = {
        "hall": Right.WATCH_HALL,
        "counters/{counter}": Right.WATCH_COUNTER,
        "reception": Right.WATCH_RECEPTION,
        "management": Right.WATCH_MANAGEMENT,
    }
    rows = {row[0]: row[2] for row in table("## Topics")}
    assert set(rows) == {f"/live/{{site}}/{path}" for path in rights} | {"/live/visits/{secret}"}
    for path, right in rights.items():
        said = rows[f"/live/{{site}}/{path}"]
        named = set(re.findall(r"[a-z]+", said.partition("(")[0])) - {"and"}
        assert named == ({"every", "role"} if path == "hall" else set(RIGHTS[right])), path


def test_the_kinds_of_alert_worst_first() -> None:
    assert [row[0] for row in table("##### Kinds of alert")] == list(alerts.SEVERITY)


def test_the_numbers() -> None:
    known = {
        "heartbeat of screens and panels": protocol.HEARTBEAT_S,
        "heartbeat of phones": protocol.PHONE_HEARTBEAT_S,
        "stale": protocol.STALE_S,
        "lost": protocol.LOST_S,
        "longest message": protocol.RECEIPT_BYTES,
        "pieces of a message": protocol.RECEIPT_PIECES,
        "pace of receipts": 1 / sockets.PACE_S,
        "blocked": hub.BLOCKED_S,
        "goodbye": wire.GOODBYE_S,
        "asked again": sockets.RECHECK_S,
        "viewers": hub.FULL_AT,
        "silent": presence.SILENT_S,
        "latencies": presence.WINDOW,
    }
    said = {row[0]: float(row[1].split()[0].replace(",", "")) for row in table("## Numbers")}
    assert said == known


# --- the examples ---------------------------------------------------------------------------------

TYPES: dict[str, Any] = {
    "hall": views.HallView,
    "counters": views.CounterView,
    "reception": views.ReceptionView,
    "management": views.ManagementView,
    "visits": views.TicketView,
}


def kind_of(example: dict[str, Any]) -> Any:
    if "view" in example:
        return protocol.FrameOf[TYPES[example["topic"].split("/")[1]]]  # type: ignore[misc]
    return protocol.Heartbeat if "topic" in example else protocol.Receipt


@pytest.mark.parametrize("text", [text for _, text in examples()], ids=[name for name, _ in examples()])
def test_an_example_is_of_its_type_with_every_field_in_its_place(text: str) -> None:
    example = json.loads(text)
    kind = kind_of(example)
    value = msgspec.json.decode(text, type=kind, strict=True)
    if kind is not protocol.Receipt:
        assert msgspec.json.encode(value).decode() == compact(text)
    else:
        assert set(example) <= set(protocol.Receipt.__struct_fields__)


def told(folder: Path) -> dict[str, str]:
    """The story of the document on a real server: the frames of its topics at the end."""
    config = folder / "house.toml"
    config.write_text(HOUSE)
    server = Onthaal(folder, config, house_time="2026-11-23T09:15:00+01:00")
    try:
        server.start()
        booking, kiosk, desk = (server.client(role) for role in ("integrator", "kiosk", "counter"))
        site = "/sites/mechelen"
        for ref, at in (("r1", "09:20"), ("r2", "09:40")):
            body = {"service": "burgerzaken", "at": f"2026-11-23T{at}:00+01:00"}
            assert booking.put(f"{site}/appointments/{ref}", json=body).is_success
        names = []
        for path, body in (
            ("visits", {"service": "onthaal"}),
            ("visits", {"service": "burgerzaken", "language": "fr", "persons": 2}),
            ("appointments/r1/report", {}),
        ):
            answer = kiosk.post(f"{site}/{path}", json=body)
            assert answer.is_success, answer.text
            names.append(answer.json())
        server.stop()

        server.house_time = "2026-11-23T09:21:30+01:00"
        server.start()
        for path, body in (
            ("1/open", {}),
            ("5/open", {"staff": "an"}),
            ("1/next", {}),
            ("1/recall", {}),
            ("5/next", {}),
        ):
            answer = desk.post(f"{site}/counters/{path}", json=body)
            assert answer.is_success, answer.text
        assert answer.json()["ticket"] == names[2]["ticket"]

        phone = f"visits/{names[1]['link'].rsplit('/', 1)[1]}"
        frames = {}
        for topic, role in (
            ("mechelen/hall", "screen"),
            ("mechelen/counters/5", "counter"),
            ("mechelen/reception", "reception"),
            ("mechelen/management", "supervisor"),
            (phone, None),
        ):
            with watching(server, topic, role) as watcher:
                frames[topic.split("/")[1 if role else 0]] = json.dumps(
                    watcher.views[0], separators=(",", ":"), ensure_ascii=False
                )
    finally:
        server.close()
    return frames


def plain(text: str) -> str:
    """A frame with its random ids numbered in the order in which they appear."""
    seen: dict[str, str] = {}
    return re.sub(r"\b[a-z2-7]{16}\b", lambda found: seen.setdefault(found[0], f"id-{len(seen) + 1}"), text)


def test_the_frames_are_those_of_a_real_server(tmp_path: Path) -> None:
    said = {}
    for _before, text in examples():
        example = json.loads(text)
        if "view" in example:
            said[example["topic"].split("/")[1]] = plain(compact(text))
    assert said == {audience: plain(text) for audience, text in told(tmp_path).items()}
