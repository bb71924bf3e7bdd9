"""Privacy by type: no view has a field in which a person's data could travel."""

from __future__ import annotations

import inspect

import msgspec

from displays import protocol, views

FRAME = {"v", "topic", "seq", "at", "view"}
RECEIPT = {"painted", "sounded", "sound"}

ALLOWED = {
    "house": {"name", "time_zone", "speed", "date", "state", "changes_at"},
    "people as numbers": {"ticket", "visit", "appointment", "persons", "language", "priority", "accompanied"},
    "calls": {"id", "call", "calls", "called_at", "recalls", "no_show_after", "rule", "overtook"},
    "places": {"counter", "counters", "services", "elsewhere", "service", "range", "staff", "mode", "kind"},
    "moments": {"at", "since", "reported_at", "slot_at", "started_at", "status_since", "until", "told_at"},
    "waits": {"longest_since", "low_s", "high_s", "late_s", "ahead", "median_wait_s", "p90_wait_s"},
    "states": {"status", "then", "undo", "current", "away", "takes_tickets", "walk_ins", "open_counters"},
    "doors": {"tickets_over"},
    "ties": {"bound"},
    "lists": {"waiting", "queue", "appointments", "visits", "alerts", "today", "notice", "house"},
    "what an alert is about": {"channel", "count", "of"},
    "advice": {"advice", "cause", "late", "limit_s", "discreet"},
    "counts": {"with_appointment", "served", "left", "not_present", "not_served", "booked", "late_now"},
    "service level": {"level", "within_s", "aim_percent", "called", "within", "late"},
    "who comes later": {"later", "expected_at", "keeps_until"},
    "a ticket's own page": {"may_rate"},
    "an appointment's own page": {"may", "late_minutes", "call_back", "call_back_at", "messages"},
    "what the house says of itself": {"place", "bring"},
    "screens": {"screens", "screen", "state", "connections", "sounds", "sound", "sounded", "painted"},
    "what screens told": {"heard_at", "painted_at", "p50_ms", "p99_ms"},
}
"""Every field name that a view may have. A new one is added here after asking whose data it could carry."""

NAMED = {"HouseNow", "OfferedService", "ServiceNow", "ScreenNow"}
"""The only types with a ``name``: of the house, of services, and of its screens."""

TALKS = {"HallView": "notice"}
"""Free text that the house itself writes."""


def structs(module: object) -> dict[str, type[msgspec.Struct]]:
    found = inspect.getmembers(
        module, lambda value: inspect.isclass(value) and issubclass(value, msgspec.Struct)
    )
    return {name: kind for name, kind in found if kind is not msgspec.Struct}


def test_no_view_has_a_field_that_is_not_allowed() -> None:
    allowed = set().union(*ALLOWED.values())
    seen = set()
    for name, kind in structs(views).items():
        fields = set(kind.__struct_fields__)
        assert fields <= allowed, f"{name} has {fields - allowed}"
        seen |= fields
        assert "name" not in fields or name in NAMED, f"whose name has {name}?"
    assert allowed == seen, "the list allows what no view has"


def test_no_field_is_of_a_type_that_could_hold_anything() -> None:
    """Only numbers, strings, and structs of views: no dict, no Any, no raw JSON."""
    for name, kind in structs(views).items():
        for field in msgspec.inspect.type_info(kind).fields:  # type: ignore[union-attr]
            text = repr(field.type)
            assert "DictType" not in text, f"{name}.{field.name}"
            assert "AnyType" not in text, f"{name}.{field.name}"
            assert "RawType" not in text, f"{name}.{field.name}"


def test_discreet_people_are_named_by_no_screen_and_no_phone() -> None:
    """What hangs in the hall has no service at all; a phone has a name that may be null, and no id."""
    hall = set(views.HallView.__struct_fields__) | set(views.ShownCall.__struct_fields__)
    assert "service" not in hall | set(views.RangeWaiting.__struct_fields__)
    assert set(views.ShownCall.__struct_fields__) == {"id", "ticket", "counter", "at"}
    phone = set(views.TicketView.__struct_fields__)
    assert not phone & {"visit", "appointment", "staff", "priority", "queue", "waiting", "language"}


def test_the_envelope_and_the_receipt_carry_nothing_else() -> None:
    assert set(protocol.Frame.__struct_fields__) == FRAME
    assert set(protocol.Heartbeat.__struct_fields__) == FRAME - {"view"}
    assert set(protocol.Receipt.__struct_fields__) == RECEIPT
