"""What nothing happened to is not another view: equal bytes, so that nothing is sent."""

from __future__ import annotations

from typing import Any

from domain.days import appointment, utc

from displays import board, counter, management, protocol, reception, ticket
from server.domain import commands as co


def shown(day: Any) -> dict[str, bytes]:
    model = day.model()
    views = {
        "hall": board.hall(model),
        "1": counter.panel(model, "1"),
        "2": counter.panel(model, "2"),
        "reception": reception.desk(model),
        "management": management.overview(model),
        **{visit.id: ticket.page(model, visit) for visit in day.day.visits.values()},
    }
    return {name: protocol.view_bytes(view) for name, view in views.items()}


def test_nothing_in_a_view_grows_older_by_itself(told: Any) -> None:
    day = told(appointment("b1", "burger", utc("2026-11-26 09:00"))).opened("1")
    day.walk_in("onthaal")
    day.walk_in("burger")
    before = shown(day)
    assert shown(day.later(59)) == before


def test_a_command_changes_only_the_views_of_whom_it_concerns(told: Any) -> None:
    day = told().opened("1", "2")
    day.walk_in("onthaal")
    day.walk_in("burger")
    before = shown(day)
    day.do(co.CallNext(counter="2"))
    after = shown(day)
    assert {name for name in after if after[name] != before[name]} == {
        "hall",
        "2",
        "v2",
        "reception",
        "management",
    }


def test_a_heartbeat_is_a_frame_without_its_view() -> None:
    at = utc("2026-11-26 07:30") + 123_999
    assert protocol.heartbeat("mechelen/hall", 7, at) == (
        b'{"v":1,"topic":"mechelen/hall","seq":7,"at":"2026-11-26T07:30:00.123Z"}'
    )
    assert protocol.frame("mechelen/hall", 7, at, b'{"calls":[]}') == (
        b'{"v":1,"topic":"mechelen/hall","seq":7,"at":"2026-11-26T07:30:00.123Z","view":{"calls":[]}}'
    )
