"""A day's figures against days small enough to count by hand."""

from server.simulate.figures import Failing, figures

OPENED = {
    "seq": 1,
    "at": "2026-11-23T06:30:00.000Z",
    "kind": "day-opened",
    "date": "2026-11-23",
    "begins_at": 1795388400000000,
    "until": 1795474800000000,
    "appointments": [],
}
NINE = 1795420800000000  # 2026-11-23T08:00:00Z, nine o'clock in Brussels


def journal(*entries):
    """Entries given as (time of day UTC, kind, fields), numbered after the opening of the day."""
    return [
        OPENED,
        *(
            {"seq": seq, "at": f"2026-11-23T{at}Z", "kind": kind, **fields}
            for seq, (at, kind, fields) in enumerate(entries, 2)
        ),
    ]


def booked(identity, at=NINE, state="booked"):
    return {"id": identity, "at": at, "state": state}


def reported(visit, appointment=None, slot_at=None):
    return {"visit": visit, "appointment": appointment, "slot_at": slot_at}


def at_counter(visit, **fields):
    return {"counter": "1", "visit": visit, **fields}


def test_no_day_no_figures():
    assert figures([]) is None
    assert figures([{"seq": 1, "at": "2026-11-23T06:00:00.000Z", "kind": "counter-opened"}]) is None


def test_waits_begin_at_the_later_of_slot_and_report():
    found = figures(
        journal(
            ("07:00:00.000", "appointment-booked", {"appointment": booked("a1")}),
            ("07:00:00.000", "appointment-booked", {"appointment": booked("a2")}),
            ("07:50:00.000", "visit-reported", reported("v1", "a1", NINE)),
            ("07:52:00.000", "visit-reported", reported("v2")),
            ("08:02:00.000", "visit-reported", reported("v3", "a2", NINE)),
            ("08:01:00.000", "called", at_counter("v1")),
            ("08:02:00.000", "called", {"counter": "2", "visit": "v2"}),
            ("08:05:00.000", "service-finished", at_counter("v1", goes_on=None)),
            ("08:05:30.000", "called", at_counter("v3")),
        )
    )
    assert (found.visits, found.by_appointment, found.served, found.in_house) == (3, 2, 1, 2)
    assert (found.with_appointment.people, found.with_appointment.mean_s) == (2, (60 + 210) / 2)
    assert (found.with_appointment.p50_s, found.with_appointment.p90_s) == (60, 210)
    assert (found.without.people, found.without.mean_s) == (1, 600)


def test_a_call_before_the_slot_is_no_wait():
    found = figures(
        journal(
            ("07:00:00.000", "appointment-booked", {"appointment": booked("a1")}),
            ("07:40:00.000", "visit-reported", reported("v1", "a1", NINE)),
            ("07:45:00.000", "called", at_counter("v1")),
        )
    )
    assert found.with_appointment.mean_s == 0


def test_late_is_later_than_the_grace_and_never_is_never():
    opened = {
        **OPENED,
        "appointments": [booked(name) for name in ("a1", "a2", "a3", "a4")]
        + [booked("a5", state="cancelled")],
    }
    entries = journal(
        ("07:30:00.000", "appointment-cancelled", {"appointment": "a4"}),
        ("08:05:00.000", "visit-reported", reported("v1", "a1", NINE)),
        ("08:05:00.001", "visit-reported", reported("v2", "a2", NINE)),
    )
    found = figures([opened, *entries[1:]])
    assert (found.appointments, found.late, found.never, found.cancelled) == (3, 1, 1, 2)
    assert found.late_or_missed == 2 / 3


def test_the_reminded_and_the_others_are_told_apart():
    names = ("on time", "late", "never", "late too", "gone")
    opened = {**OPENED, "appointments": [booked(name) for name in names]}
    entries = journal(
        ("07:30:00.000", "appointment-cancelled", {"appointment": "gone"}),
        ("07:55:00.000", "visit-reported", reported("v1", "on time", NINE)),
        ("08:06:00.000", "visit-reported", reported("v2", "late", NINE)),
        ("08:07:00.000", "visit-reported", reported("v3", "late too", NINE)),
    )
    found = figures([opened, *entries[1:]], {"on time", "late", "gone", "of another day"})
    assert found.reminded == Failing(1, 2)
    assert found.unreminded == Failing(2, 2)
    assert found.reminded.share == 1 / 2
    assert figures([opened, *entries[1:]]).reminded == Failing(0, 0)
    assert figures([opened, *entries[1:]]).reminded.share == 0


def test_an_appointment_moved_to_another_day_is_not_of_today():
    tomorrow = NINE + 86_400_000_000
    found = figures(
        journal(
            ("07:00:00.000", "appointment-booked", {"appointment": booked("a1")}),
            ("07:00:00.000", "appointment-booked", {"appointment": booked("a2", tomorrow)}),
            ("07:10:00.000", "appointment-rebooked", {"appointment": booked("a1", tomorrow)}),
        )
    )
    assert found.appointments == 0
    assert found.late_or_missed == 0


def test_an_undone_call_leaves_no_trace():
    found = figures(
        journal(
            ("08:00:00.000", "visit-reported", reported("v1")),
            ("08:01:00.000", "called", at_counter("v1")),
            ("08:01:10.000", "undone", {"counter": "1", "undone": "called"}),
            ("08:03:00.000", "called", at_counter("v1")),
            ("08:04:00.000", "service-started", at_counter("v1")),
            ("08:05:00.000", "service-finished", at_counter("v1", goes_on=None)),
            ("08:05:05.000", "undone", {"counter": "1", "undone": "service-finished"}),
        )
    )
    assert found.without.mean_s == 180
    assert (found.calls, found.served, found.in_house) == (1, 0, 1)


def test_undoing_a_pause_concerns_no_visit():
    found = figures(
        journal(
            ("08:00:00.000", "visit-reported", reported("v1")),
            ("08:01:00.000", "called", at_counter("v1")),
            ("08:02:00.000", "counter-paused", {"counter": "1"}),
            ("08:02:10.000", "undone", {"counter": "1", "undone": "counter-paused"}),
        )
    )
    assert found.calls == 1
    assert found.without.people == 1


def test_the_ways_a_visit_ends():
    found = figures(
        journal(
            *(("08:00:00.000", "visit-reported", reported(f"v{number}")) for number in range(6)),
            ("08:01:00.000", "visit-left", {"visit": "v0"}),
            ("08:02:00.000", "called", at_counter("v1")),
            ("08:02:00.000", "recalled", at_counter("v1")),
            ("08:03:00.000", "not-present", at_counter("v1")),
            ("08:04:00.000", "called", at_counter("v2")),
            ("08:05:00.000", "parked", at_counter("v2")),
            ("08:06:00.000", "called", at_counter("v3")),
            ("08:07:00.000", "service-finished", at_counter("v3", goes_on="b")),
            ("08:08:00.000", "called", at_counter("v4")),
            ("08:09:00.000", "service-finished", at_counter("v4", goes_on=None)),
        )
    )
    assert (found.left, found.not_present, found.served, found.in_house) == (1, 1, 1, 3)
    assert found.calls == 5


def test_only_the_newest_day_counts():
    yesterday = {**OPENED, "date": "2026-11-22"}
    entries = journal(("08:00:00.000", "visit-reported", reported("v1")))
    before = [yesterday, *entries[1:], *entries[1:]]
    assert figures([*before, *entries]).visits == 1
    assert figures([*before, *entries]).date == "2026-11-23"
