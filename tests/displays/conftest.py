"""A house small enough to work its views out by hand, and its Thursday, told act by act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from domain.days import BRUSSELS, WEEK, Played, S, utc

from displays import board, counter, management, reception, ticket
from displays.day import DayModel
from server.domain import commands as co
from server.domain.appointment import Appointment
from server.domain.house import CounterPlan, House, Kind, Service
from server.domain.schedule import Calendar

HOUSE = House(
    site="mechelen",
    name="Huis van de Mechelaar",
    calendar=Calendar(zone=BRUSSELS, weekly=WEEK),
    services={
        service.id: service
        for service in (
            Service(
                id="onthaal",
                name="Onthaal",
                kind=Kind.RECEPTION,
                range="A",
                target_s=120,
                appointments=False,
            ),
            Service(
                id="snel",
                name="Snelloket",
                kind=Kind.EXPRESS,
                range="A",
                target_s=180,
                waiting_limit_s=600,
            ),
            Service(id="burger", name="Burgerzaken", kind=Kind.THEME, range="B", target_s=600),
            Service(
                id="gesprek",
                name="Gesprek met iemand",
                kind=Kind.THEME,
                range="Z",
                target_s=1200,
                discreet=True,
            ),
        )
    },
    counters={
        "1": CounterPlan(id="1", services=frozenset({"onthaal", "snel"})),
        "2": CounterPlan(id="2", services=frozenset({"burger"}), overflow=frozenset({"snel"})),
        "3": CounterPlan(id="3", services=frozenset({"burger", "gesprek"})),
    },
    notice="Woensdag open vanaf 12 uur.",
)


class Shown(Played):
    """A told day and its views as plain data, as JSON would carry them."""

    def model(self) -> DayModel:
        return DayModel(self.house, self.day, self.now, 1.0)

    def later(self, seconds: float) -> Shown:
        self.now += int(seconds * S)
        return self

    def hall(self) -> Any:
        return msgspec.to_builtins(board.hall(self.model()))

    def panel(self, name: str) -> Any:
        return msgspec.to_builtins(counter.panel(self.model(), name))

    def reception(self) -> Any:
        return msgspec.to_builtins(reception.desk(self.model()))

    def management(self) -> Any:
        return msgspec.to_builtins(management.overview(self.model()))

    def ticket(self, name: str) -> Any:
        visit = self.day.find(name)
        assert visit is not None
        return msgspec.to_builtins(ticket.page(self.model(), visit))

    def opened(self, *counters: str) -> Shown:
        for name in counters:
            self.do(co.OpenCounter(counter=name))
        return self


@pytest.fixture
def told() -> Callable[..., Shown]:
    """A Thursday at 08:30 on which nothing has happened yet, but for what was booked."""

    def begin(*appointments: Appointment, **house: Any) -> Shown:
        return Shown(replace(HOUSE, **house), utc("2026-11-26 07:30"), appointments)

    return begin


@pytest.fixture
def day(told: Callable[..., Shown]) -> Shown:
    """The same, without appointments."""
    return told()
