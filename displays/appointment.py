"""The citizen's own view of an appointment: when and where, how it stands, and what may be said about it."""

from __future__ import annotations

from displays.views import AppointmentView, HouseNow
from server.domain.appointment import Appointment, Booking
from server.domain.hall import late_choices, late_limit_s
from server.domain.house import House
from server.domain.schedule import SECOND, iso

AHEAD = (Booking.BOOKED, Booking.CONFIRMED)


def page(
    house: House,
    house_now: HouseNow,
    known: Appointment,
    now: int,
    language: str,
    *,
    neutral: bool,
    phone: bool,
) -> AppointmentView:
    """What may be seen behind an appointment's secret link.

    ``neutral`` says nothing of what it is about, which a discreet service always asks for; ``phone`` is
    whether there is a number to call back.
    """
    service = house.services.get(known.service)
    neutral = neutral or service is None or service.discreet
    state = standing(house, known, now)
    open_ = state in ("booked", "confirmed", "late", "due")
    minutes = list(late_choices(house, known, now)) if open_ else []
    may = []
    if state == "booked":
        may.append("confirm")
    if minutes:
        may.append("late")
    if open_:
        may.append("cancel")
    if phone and known.state in AHEAD and known.call_back_at is None:
        may.append("call-back")
    keeps_until = known.at + late_limit_s(house, known) * SECOND
    return AppointmentView(
        at=iso(known.at),
        state=state,
        service=None if neutral or service is None else service.name,
        place=house.messages.place,
        bring="" if neutral or service is None else _bring(service.bring, language, house.languages[0]),
        persons=known.persons,
        late_s=known.late_s if open_ else None,
        keeps_until=iso(keeps_until) if open_ and known.late_s is not None else None,
        call_back=known.call_back_at is not None,
        may=may,
        late_minutes=minutes,
        house=house_now,
    )


def standing(house: House, known: Appointment, now: int) -> str:
    """How it stands for the citizen: ``booked``, ``confirmed``, ``late`` (announced), ``due`` (its time has
    come), ``missed`` (no place is kept any more), ``here``, ``cancelled`` or ``over``.
    """
    if known.state is Booking.CANCELLED:
        return "cancelled"
    if known.state is Booking.NEVER or known.came:
        return "over"
    if known.state is Booking.REPORTED:
        return "here"
    if now >= known.at + late_limit_s(house, known) * SECOND:
        today = house.calendar.local_date(now) == house.calendar.local_date(known.at)
        return "missed" if today else "over"
    if known.late_s is not None:
        return "late"
    if now >= known.at:
        return "due"
    return "confirmed" if known.state is Booking.CONFIRMED else "booked"


def _bring(by_language: dict[str, str], language: str, own: str) -> str:
    """What to bring, in the citizen's language, else the house's, else in whichever there is."""
    return by_language.get(language) or by_language.get(own) or next(iter(by_language.values()), "")
