"""``GET /sites/{site}/punctuality``: the two axes over local days, computed by the analyst."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import msgspec
import sqlalchemy as sa
from msgspec import UNSET, Meta, UnsetType

from server.access import Right
from server.domain.house import House
from server.figures.report import BadQuestion, Value
from server.web.endpoint import SITE, Ask, Endpoint
from server.web.errors import Problem

if TYPE_CHECKING:
    from server.figures.axes import Bin, Group
    from server.figures.axes import Spread as Told
    from server.figures.slots import Slots

DAYS = 400
"""Local days in one answer at most."""

_FIRST, _LAST = date(2000, 1, 1), date(2199, 12, 31)

Names = Annotated[
    str,
    Meta(
        pattern=r"^[a-z]+(,[a-z]+)*\Z",
        description="what to divide by, with commas between: service, range, weekday, hour, day, week, "
        "month, lead, channel, language, arm",
    ),
]
Version = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,30}\Z", description="a version of the policy of the house"),
]


class Lines(msgspec.Struct):
    """Where the lines are drawn, in seconds from the slot.

    Reported more than ``early_s`` before it is early, up to ``grace_s`` after it within the grace;
    cancelled at least ``cancel_in_time_s`` before it is in time.
    """

    version: str
    early_s: int
    grace_s: int
    cancel_in_time_s: int


class Pair(msgspec.Struct):
    """How many slots had this arrival and this outcome."""

    arrival: str
    outcome: str
    slots: int


class Spread(msgspec.Struct):
    """Seconds of so many appointments; the quantiles are by nearest rank, all null where there is none."""

    appointments: int
    mean_s: float | None
    p50_s: float | None
    p90_s: float | None
    p95_s: float | None


class Figures(msgspec.Struct):
    """The figures of some slots.

    ``stood`` is the denominator of both percentages: slots at which somebody was expected, neither
    cancelled nor given up. ``not_present`` is the part of ``left`` that was called in vain; ``pending``
    is still to be seen and in no other figure. ``wait`` begins at the later of slot and report, and an
    early call counts 0; ``city_lateness`` is the same with early calls negative; ``call_minus_slot`` is
    raw, whoever was late.
    """

    pairs: list[Pair]
    stood: int
    late: int
    never_reported: int
    percent_late_or_missed: float | None
    percent_missed: float | None
    not_present: int
    pending: int
    wait: Spread
    city_lateness: Spread
    call_minus_slot: Spread


class Part(msgspec.Struct):
    """The figures of the slots that have in common what ``of`` says, by dimension; null is not known."""

    of: dict[str, Value]
    figures: Figures


class Span(msgspec.Struct):
    """How many reported from ``from_s`` seconds after their slot to before ``to_s``; null is without end."""

    from_s: int | None
    to_s: int | None
    appointments: int


class Punctuality(msgspec.Struct):
    """Appointments with a slot on the local days from ``from`` to ``to``, both included.

    An appointment that moved counts once for the slot it last gave up, as rebooked, and once for its own.
    ``services`` names no discreet ones. Divided by something, ``groups`` and ``arrivals`` are there in its
    place, and ``all`` has the slots that are in the groups: no discreet service's where it is by service.
    """

    site: str
    from_: str = msgspec.field(name="from")
    to: str
    policy: Lines
    all: Figures
    services: dict[str, Figures] | UnsetType = UNSET
    groups: list[Part] | UnsetType = UNSET
    arrivals: list[Span] | UnsetType = UNSET


def _days(ask: Ask) -> tuple[date, date]:
    """The first and the last day that are asked for. Raises a problem."""
    first, last = ask.query["from"], ask.query["to"]
    for name, day in (("from", first), ("to", last)):
        if not _FIRST <= day <= _LAST:
            raise Problem(422, "invalid-query", f"{name}: a day from {_FIRST} to {_LAST}.", parameter=name)
    if last < first:
        raise Problem(422, "invalid-query", "to: lies before from.", parameter="to")
    count = (last - first).days + 1
    if count > DAYS:
        raise Problem(
            422, "invalid-query", f"to: at most {DAYS} days after from.", parameter="to", limit=DAYS
        )
    return first, last


def _refused(error: BadQuestion) -> Problem:
    said = str(error)
    return Problem(422, "invalid-query", f"{said}.", parameter=said.partition(":")[0])


def _spread(told: Told) -> Spread:
    return Spread(told.appointments, told.mean_s, told.p50_s, told.p90_s, told.p95_s)


def _figures(group: Group) -> Figures:
    table = group.table
    return Figures(
        pairs=[
            Pair(arrival.value, outcome.value, count)
            for (arrival, outcome), count in sorted(table.counts.items())
        ],
        stood=table.stood,
        late=table.late,
        never_reported=table.never_reported,
        percent_late_or_missed=_rounded(table.percent_late_or_missed),
        percent_missed=_rounded(table.percent_missed),
        not_present=table.not_present,
        pending=table.pending,
        wait=_spread(group.wait),
        city_lateness=_spread(group.city_lateness),
        call_minus_slot=_spread(group.call_minus_slot),
    )


def _rounded(percent: float | None) -> float | None:
    return None if percent is None else round(percent, 2)


def _spans(bins: Sequence[Bin]) -> list[Span]:
    return [Span(each.from_s, each.to_s, each.slots) for each in bins]


def answer(
    connection: sa.Connection,
    house: House,
    first: date,
    last: date,
    by: tuple[str, ...],
    version: str | None,
    now: int,
) -> Punctuality:
    """The answer, as the analyst makes it. Raises :class:`BadQuestion`."""
    from server.figures import axes, experiments, punctuality, slots

    by, policy = punctuality.asked(connection, house, first, last, by, version)
    hidden = experiments.withheld(connection, house, now) if "arm" in by else ()
    read = slots.read(connection, house, first, last, wanted=by, hidden=hidden)
    found = punctuality.seen(read, house, by)

    def groups(found: Slots, by: tuple[str, ...]) -> list[Group]:
        return axes.told(found, house, policy, by, first, last)

    told = Punctuality(
        site=house.site,
        from_=first.isoformat(),
        to=last.isoformat(),
        policy=Lines(policy.version, policy.early_s, policy.grace_s, policy.cancel_in_time_s),
        all=_figures(groups(found, ())[0]),
    )
    if by:
        told.groups = [
            Part(dict(zip(by, each.of, strict=True)), _figures(each)) for each in groups(found, by)
        ]
        told.arrivals = _spans(axes.distribution(found, policy))
        return told
    named = groups(punctuality.seen(found, house, ("service",)), ("service",))
    told.services = {str(each.of[0]): _figures(each) for each in sorted(named, key=_service)}
    return told


def _service(group: Group) -> str:
    return str(group.of[0])


async def _punctuality(ask: Ask) -> Punctuality:
    first, last = _days(ask)
    by = tuple(ask.query["by"].split(",")) if "by" in ask.query else ()
    house, now = ask.site.house, ask.parts.clock.now()
    try:
        return await ask.parts.analyst.ask(answer, house, first, last, by, ask.query.get("policy"), now)
    except BadQuestion as error:
        raise _refused(error) from None


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        SITE + "/punctuality",
        Right.READ_FIGURES,
        f"Punctuality of the appointments on the local days from..to, both included, at most {DAYS}",
        Punctuality,
        read=_punctuality,
        query=(("from", date, True), ("to", date, True), ("by", Names, False), ("policy", Version, False)),
    ),
)
"""The endpoints of figures."""
