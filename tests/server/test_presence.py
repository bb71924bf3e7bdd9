"""Presence: who is heard, who is silent, and how fast the glass is; the clocks are the test's own."""

from __future__ import annotations

from displays.presence import Attendance, Heard, Key, Place
from server.presence import SILENT_S, STEP_S, WINDOW, Presence, Seat, Window

SITE, DAY = "mechelen", "2026-11-23"
HALL: Key = (Place.SCREEN, "hall")
PANEL: Key = (Place.PANEL, "5")
OTHERS: Key = (Place.UNNAMED, "")


class Clocked:
    """A presence whose real and house clocks the test moves; the house runs twice as fast."""

    def __init__(self) -> None:
        self.real = 1000.0
        self.house = 0
        self.presence = Presence(lambda: self.house, lambda: self.real)

    def later(self, seconds: float) -> None:
        self.real += seconds
        self.house += int(2 * seconds * 1_000_000)

    def join(self, key: Key = HALL) -> Seat:
        return self.presence.join(SITE, key)

    def now(self, date: str = DAY) -> Attendance:
        return self.presence.attendance(SITE, date)

    def heard(self, key: Key = HALL) -> Heard:
        return self.now().heard[key]


def test_a_connection_that_says_nothing_proves_nothing() -> None:
    clocked = Clocked()
    clocked.join()
    assert clocked.heard() == Heard(online=False, connections=1)


def test_silence_counts_from_the_last_receipt_whatever_the_connection_does() -> None:
    clocked = Clocked()
    seat = clocked.join()
    clocked.later(60)
    clocked.presence.receipt(seat, painted=7)
    clocked.later(SILENT_S)
    assert (clocked.heard().online, clocked.heard().since) == (True, 120_000_000)
    clocked.later(0.01)
    silent = clocked.heard()
    assert (silent.online, silent.connections) == (False, 1)
    assert silent.since == silent.heard_at == 120_000_000
    clocked.later(4.99)
    clocked.presence.receipt(seat, painted=7)
    again = clocked.heard()
    assert (again.online, again.since, again.painted_at) == (True, 160_000_000, 120_000_000)
    # A page that loads itself anew is not away; a connection that is gone for good is, in its time.
    clocked.presence.leave(seat)
    clocked.later(SILENT_S)
    assert (clocked.heard().online, clocked.heard().connections) == (True, 0)
    clocked.later(1)
    assert not clocked.heard().online


def test_heard_at_moves_in_steps_of_all_lines_at_once() -> None:
    clocked = Clocked()
    hall, panel = clocked.join(), clocked.join(PANEL)
    moments = set()
    for tick in range(300):
        clocked.presence.receipt(hall)
        if tick % 3 == 0:
            clocked.presence.receipt(panel)
        seen = clocked.now().heard
        moments.add((seen[HALL].heard_at, seen[PANEL].heard_at))
        clocked.later(0.1)
    assert len(moments) <= 30 / STEP_S + 1


def test_several_connections_are_one_line_and_the_newest_tells_of_the_sound() -> None:
    clocked = Clocked()
    old, new = clocked.join(), clocked.join()
    clocked.presence.receipt(old, painted=4, sound="on")
    clocked.later(1)
    clocked.presence.receipt(new, painted=3, sound="refused")
    line = clocked.heard()
    assert (line.connections, line.painted, line.sound, line.sound_since) == (2, 4, "refused", 2_000_000)
    clocked.later(1)
    clocked.presence.receipt(old, sound="on")
    clocked.presence.receipt(new, painted=5)
    assert (clocked.heard().sound, clocked.heard().sound_since) == ("refused", 2_000_000)
    clocked.presence.leave(new)
    assert (clocked.heard().sound, clocked.heard().painted, clocked.heard().connections) == ("on", 5, 1)
    clocked.presence.leave(old)
    assert (clocked.heard().sound, clocked.heard().connections) == ("on", 0)


def test_the_last_call_that_was_sounded() -> None:
    clocked = Clocked()
    seat = clocked.join()
    clocked.presence.receipt(seat, call=("A001-4", "A001"))
    clocked.later(3)
    clocked.presence.receipt(seat, painted=9)
    line = clocked.heard()
    assert (line.call, line.ticket, line.sounded_at) == ("A001-4", "A001", 0)


def test_latencies_by_hand() -> None:
    """Nearest rank: of 1 to 10 ms half do not exceed 5 ms, and 99 in a hundred 10 ms."""
    clocked = Clocked()
    seat = clocked.join()
    clocked.presence.receipt(seat)
    assert (clocked.heard().p50_ms, clocked.heard().p99_ms) == (None, None)
    for ms in (3, 10, 1, 8, 5, 2, 9, 4, 7, 6):
        clocked.presence.receipt(seat, glass_s=ms / 1000)
    assert (clocked.heard().p50_ms, clocked.heard().p99_ms) == (5, 10)
    for _ in range(WINDOW - 1):
        clocked.presence.receipt(seat, glass_s=0.020)
    assert (clocked.heard().p50_ms, clocked.heard().p99_ms) == (20, 20)


def test_a_window_forgets_the_oldest_and_nothing_else() -> None:
    window, kept = Window(), []
    for number in range(5 * WINDOW):
        value = float(number * 7919 % 1009)
        window.add(value)
        kept = [*kept, value][-WINDOW:]
    for percent in (1, 50, 99, 100):
        exceeding = [value for value in kept if value > (window.percentile(percent) or 0)]
        assert len(exceeding) * 100 <= len(kept) * (100 - percent)
    assert window.percentile(100) == max(kept)
    assert len(window._newest) == len(window._ordered) == WINDOW


def test_what_is_kept_is_bounded_however_many_come() -> None:
    clocked = Clocked()
    seats = [clocked.join(OTHERS) for _ in range(500)]
    for seat in seats:
        clocked.presence.receipt(seat)
    assert {key: line.connections for key, line in clocked.now().heard.items()} == {OTHERS: 500}
    for seat in seats:
        clocked.presence.leave(seat)
    assert clocked.now().heard == {}


def test_a_new_day_forgets_who_is_gone_and_is_not_configured() -> None:
    clocked = Clocked()
    staying, gone = clocked.join((Place.PANEL, "1")), clocked.join(PANEL)
    screen = clocked.join()
    for seat in (staying, gone, screen):
        clocked.presence.receipt(seat)
    clocked.presence.leave(gone)
    clocked.presence.leave(screen)
    assert set(clocked.now().heard) == {(Place.PANEL, "1"), PANEL, HALL}
    assert set(clocked.now("2026-11-24").heard) == {(Place.PANEL, "1"), HALL}


def test_nobody_is_missed_before_they_could_have_come() -> None:
    clocked = Clocked()
    clocked.later(SILENT_S)
    assert not clocked.now().settled
    clocked.later(0.1)
    assert clocked.now().settled
    assert clocked.now().began == 0


def test_sites_do_not_mix() -> None:
    clocked = Clocked()
    clocked.presence.receipt(clocked.presence.join("elsewhere", HALL))
    assert clocked.now().heard == {}
