"""What a day tells a forecast, one entry at a time or many at once, worked out by hand."""

from __future__ import annotations

from domain.days import MINUTE, THURSDAY_HALL, Played, house_of, utc

from server.domain import commands as co
from server.forecasting.past import Past
from server.promise.telling import Step, Telling

NINE = utc("2026-11-26 08:00")
M = MINUTE


class Heard(Past):
    """Writes down what it is told, in minutes after nine."""

    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []
        super().__init__()

    def arrived(self, now, service):
        self.said.append(("arrived", (now - NINE) / M, service))

    def called(self, now, counter, who, others):
        since = [(each.service, (each.since - NINE) / M) for each in (who, *others)]
        self.said.append(("called", (now - NINE) / M, counter, *since))

    def ended(self, now, counter, service, began, anybody):
        self.said.append(("ended", (now - NINE) / M, counter, service, (began - NINE) / M, anybody))

    def left(self, now, who):
        self.said.append(("left", (now - NINE) / M, who.service, (who.since - NINE) / M))


def hall() -> Played:
    day = Played(house_of(THURSDAY_HALL), NINE)
    for counter in "123":
        day.do(co.OpenCounter(counter=counter))
    return day


def test_a_visit_from_report_to_end() -> None:
    day, heard = hall(), Heard()
    telling = Telling(heard)
    telling.tell(day.day)
    ticket = day.walk_in("onthaal")
    telling.tell(day.day)
    day.at(NINE + M).walk_in("snel")
    telling.tell(day.day)
    day.at(NINE + 2 * M).call("1", ticket)
    telling.tell(day.day)
    day.at(NINE + 3 * M).do(co.Start(counter="1"))
    telling.tell(day.day)
    day.at(NINE + 8 * M).do(co.Finish(counter="1"))
    telling.tell(day.day)
    day.at(NINE + 9 * M).do(co.Leave(visit="v2"))
    telling.tell(day.day)
    assert heard.said == [
        ("arrived", 0, "onthaal"),
        ("arrived", 1, "snel"),
        ("called", 2, "1", ("onthaal", 0), ("snel", 1)),
        ("ended", 8, "1", "onthaal", 2, True),
        ("left", 9, "snel", 1),
    ]


def test_many_entries_at_once_tell_the_same_in_their_order() -> None:
    day, heard = hall(), Heard()
    telling = Telling(heard)
    telling.tell(day.day)
    first = day.walk_in("onthaal")
    day.at(NINE + M).walk_in("onthaal")
    day.at(NINE + 2 * M).call("1", first)
    day.at(NINE + 3 * M).do(co.Start(counter="1"))
    day.at(NINE + 6 * M).do(co.Finish(counter="1"))
    found = telling.tell(day.day)
    assert [(one.step, one.visit.id) for one in found] == [
        (Step.CAME, "v1"),
        (Step.CAME, "v2"),
        (Step.CALLED, "v1"),
        (Step.ENDED, "v1"),
    ]
    assert [said[:2] for said in heard.said] == [("arrived", 0), ("arrived", 1), ("called", 2), ("ended", 6)]
    assert telling.tell(day.day) == []


def test_what_was_undone_before_it_was_told_did_not_happen() -> None:
    day, heard = hall(), Heard()
    telling = Telling(heard)
    telling.tell(day.day)
    ticket = day.walk_in("onthaal")
    day.at(NINE + M).call("1", ticket)
    day.at(NINE + M).do(co.Undo(counter="1"))
    telling.tell(day.day)
    assert heard.said == [("arrived", 0, "onthaal")]


def test_an_undone_call_that_was_told_ends_nothing() -> None:
    day, heard = hall(), Heard()
    telling = Telling(heard)
    telling.tell(day.day)
    ticket = day.walk_in("onthaal")
    day.at(NINE + M).call("1", ticket)
    telling.tell(day.day)
    day.at(NINE + M).do(co.Undo(counter="1"))
    telling.tell(day.day)
    assert [said[0] for said in heard.said] == ["arrived", "called"]


def test_who_is_sent_on_waits_anew_for_the_other_service() -> None:
    day, heard = hall(), Heard()
    telling = Telling(heard)
    telling.tell(day.day)
    ticket = day.walk_in("onthaal")
    telling.tell(day.day)
    day.at(NINE + M).call("1", ticket)
    day.at(NINE + 4 * M).do(co.Transfer(counter="1", to_service="burger"))
    telling.tell(day.day)
    assert heard.said == [
        ("arrived", 0, "onthaal"),
        ("called", 1, "1", ("onthaal", 0)),
        ("ended", 4, "1", "onthaal", 1, True),
        ("arrived", 4, "burger"),
    ]


def test_closing_time_calls_nobody_and_lets_nobody_leave() -> None:
    day, heard = hall(), Heard()
    telling = Telling(heard)
    telling.tell(day.day)
    day.walk_in("onthaal")
    telling.tell(day.day)
    day.at(day.day.ends_at).do(co.EndDay())
    telling.tell(day.day)
    assert heard.said == [("arrived", 0, "onthaal")]
