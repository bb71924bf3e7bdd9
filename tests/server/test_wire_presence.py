"""Screens and panels on the wire: what they say of themselves, and that nobody may lie for others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from running import Onthaal, onthaal
from watching import Watcher, wait, watching

SITE = "/sites/mechelen"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onthaal]:
    with onthaal(tmp_path_factory.mktemp("presence")) as server:
        yield server


def act(house: Onthaal, role: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = house.client(role).post(SITE + path, json=body or {})
    assert answer.is_success, answer.text
    result: dict[str, Any] = answer.json()
    return result


def line(house: Onthaal, kind: str, name: str = "") -> dict[str, Any] | None:
    """The screen or panel in the supervisor's view now, by polling."""
    view = house.client("supervisor").get(SITE + "/views/management").json()["view"]
    return next((line for line in view["screens"] if (line["kind"], line["id"]) == (kind, name)), None)


def told(house: Onthaal, watcher: Watcher, text: str, kind: str, name: str = "", **expected: Any) -> Any:
    """Send a receipt and wait until the line says this."""
    watcher.connection.send(text)

    def says() -> dict[str, Any] | None:
        found = line(house, kind, name)
        return found if found and {key: found[key] for key in expected} == expected else None

    return wait(says, f"{kind} {name} to say {expected}")


def test_a_screen_that_tells_appears_with_what_it_painted_and_sounded(house: Onthaal) -> None:
    act(house, "counter", "/counters/1/open")
    ticket = act(house, "kiosk", "/visits", {"service": "onthaal"})["ticket"]
    with watching(house, "mechelen/hall?screen=hall", "screen") as hall:
        assert (line(house, "screen", "hall") or {})["state"] == "never"
        call = act(house, "counter", "/counters/1/next")
        hall.reached(call["seq"], view=True)
        text = f'{{"painted":{call["seq"]},"sounded":["{call["call"]}"],"sound":"on"}}'
        found = told(house, hall, text, "screen", "hall", state="online", painted=call["seq"], sound="on")
        assert (found["name"], found["sounds"], found["connections"]) == (
            "Grote zaal, boven het onthaal",
            True,
            1,
        )
        assert found["sounded"] == {"id": call["call"], "ticket": ticket, "at": found["painted_at"]}
        assert 0 <= found["p50_ms"] == found["p99_ms"] < 8000
        told(house, hall, '{"sound":"refused"}', "screen", "hall", sound="refused", painted=call["seq"])
        # What cannot be is passed over, and the connection lives.
        bogus = '{"painted":999999999,"sounded":["X999-1",""],"sound":"off"}'
        same = told(house, hall, bogus, "screen", "hall", sound="off")
        assert (same["painted"], same["sounded"]) == (found["painted"], found["sounded"])
        told(house, hall, '{"painted":-1,"sound":null}', "screen", "hall", painted=call["seq"], sound="off")
    gone = wait(
        lambda: (found := line(house, "screen", "hall")) and not found["connections"] and found, "going"
    )
    assert gone["state"] == "online", "a page that loads itself anew is not away"


def test_a_latency_is_of_a_change_that_the_viewer_waited_for(house: Onthaal) -> None:
    """Neither of what was there before it came, nor of word that its picture still holds."""
    before = act(house, "counter", "/counters/12/open")["seq"]
    with watching(house, "mechelen/counters/12", "counter") as panel:
        text = f'{{"painted":{before}}}'
        assert told(house, panel, text, "panel", "12", painted=before)["p50_ms"] is None
        beat = act(house, "kiosk", "/visits", {"service": "onthaal"})["seq"]  # not this counter's work
        panel.reached(beat)
        assert panel.views[-1]["seq"] == before
        text = f'{{"painted":{beat}}}'
        assert told(house, panel, text, "panel", "12", painted=beat)["p50_ms"] is None
        seq = act(house, "counter", "/counters/12/pause")["seq"]
        panel.reached(seq, view=True)
        assert told(house, panel, f'{{"painted":{seq}}}', "panel", "12", painted=seq)["p50_ms"] is not None


@pytest.mark.parametrize(
    ("address", "role"),
    [("", "screen"), ("?screen=", "screen"), ("?screen=nowhere", "screen"), ("?screen=hall", "supervisor")],
)
def test_whoever_is_no_known_screen_is_one_of_the_others(house: Onthaal, address: str, role: str) -> None:
    wait(lambda: line(house, "unnamed") is None, "nobody to be left")
    before = line(house, "screen", "counters")
    with (
        watching(house, f"mechelen/hall{address}", role) as one,
        watching(house, "mechelen/hall", "kiosk"),
    ):
        told(house, one, '{"sound":"on"}', "unnamed", state="online", connections=2)
    assert line(house, "screen", "counters") == before
    wait(lambda: line(house, "unnamed") is None, "their line to go")


def test_who_looks_at_a_panel_is_not_the_panel(house: Onthaal) -> None:
    with watching(house, "mechelen/counters/7", "supervisor") as looking:
        looking.connection.send('{"painted":1}')
        with watching(house, "mechelen/counters/7", "counter") as panel:
            found = told(house, panel, '{"sound":"off"}', "panel", "7", state="online")
            assert (found["connections"], found["painted"]) == (1, None)
    wait(lambda: line(house, "panel", "7") is None, "a closed counter's panel to go")


@pytest.mark.parametrize("sound", ['"loud"', "1", "[]", "true"])
def test_a_state_of_sound_that_is_none_closes_the_connection(house: Onthaal, sound: str) -> None:
    with watching(house, "mechelen/hall", "screen") as hall:
        hall.connection.send(f'{{"sound":{sound}}}')
        assert hall.closed()[0] == 1008
