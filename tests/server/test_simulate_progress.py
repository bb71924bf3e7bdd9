"""What the demo tells in the terminal, on consoles that write into a string."""

import io
from collections import Counter

from rich.console import Console

from server.settings import default_config, load
from server.simulate.figures import figures
from server.simulate.housetime import HouseTime, instant
from server.simulate.progress import Terminal
from server.simulate.tally import Tally
from server.simulate.watch import Hall

HOUSE = load(default_config())["mechelen"]
LINK = "http://localhost:8080/a/HO1Yl22H_KIeNIkWvw8j5-7zpS_DY0S8YXY"
SAID = f"[sms to +32...04] Mechelen: afspraak ma 23 nov 08:00, Reuzenstraat 1. Breng mee: paspoort. {LINK}"


def terminal(*, wide=70, real=True):
    clock = HouseTime()
    clock.set(instant("2026-11-20T07:05:00.000Z"), 0.0)
    shown = Terminal(HOUSE, clock, Hall("http://localhost", "mechelen", ""))
    told = io.StringIO()
    shown.err = Console(file=told, width=wide, force_terminal=real, color_system=None)
    shown._out = shown.err
    return shown, told


def test_a_message_takes_two_lines_of_a_terminal_and_its_link_is_whole():
    shown, told = terminal()
    shown.message(SAID)
    first, second = told.getvalue().splitlines()
    assert first.startswith("Fri 08:05  [sms to +32...04] Mechelen: afspraak ma 23 nov 08:00")
    assert len(first) <= 70
    assert second.strip() == LINK


def test_elsewhere_a_message_is_one_line_and_all_of_it():
    shown, told = terminal(real=False)
    shown.message(SAID)
    assert told.getvalue() == f"Fri 08:05  {SAID}\n"


def test_the_evening_tells_of_reminders_and_answers():
    opened = {
        "at": "2026-11-23T06:30:00.000Z",
        "kind": "day-opened",
        "date": "2026-11-23",
        "begins_at": "2026-11-22T23:00:00.000Z",
        "until": "2026-11-23T23:00:00.000Z",
        "appointments": [
            {"id": name, "at": "2026-11-23T08:00:00.000Z", "state": "booked"} for name in ("a", "b")
        ],
    }
    shown, told = terminal(wide=200, real=False)
    tally = Tally(messages=7, answers=Counter({"late": 1, "confirm": 3}), refusals=Counter({"busy": 2}))
    shown.tell(figures([opened], {"a"}), tally)
    assert "of those reminded 1 of 1 (100.0%), of the others 1 of 1 (100.0%)\n" in told.getvalue()
    assert "7 messages since the last evening; answers by their link: confirm 3, late 1\n" in told.getvalue()
    assert "refused by the server: busy 2x\n" in told.getvalue()
    tally.clear()
    assert tally == Tally()


def test_a_message_that_tells_its_time_is_shown_with_it_whatever_our_clock_says():
    shown, told = terminal(real=False)
    shown.message(f"2026-11-22T19:45:02.123Z {SAID}")
    assert told.getvalue().startswith("Sun 20:45  [sms to +32...04] Mechelen: ")
