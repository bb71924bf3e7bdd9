"""Which counter to open now, and why: facts for one or two sentences, for reception and supervisor.

A wait is too long once it passes its limit, or where its expected end lies behind the limit. Both are
instants compared, not ages and rounded ranges, so that advice does not come and go with the seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from displays.day import DayModel
from displays.views import Advice
from server.domain.calling import Rule, Standing, may_serve
from server.domain.day import CounterMode, Visit
from server.domain.house import CounterPlan
from server.domain.schedule import SECOND, iso

MOST = 2
"""Whoever reads it can do one thing, perhaps a second."""


@dataclass(frozen=True, slots=True)
class _Late:
    """A wait that is too long: its limit in seconds, and how that shows."""

    visit: Visit
    limit_s: int
    cause: str

    @property
    def passes_at(self) -> int:
        return self.visit.wait_from + self.limit_s * SECOND


def now(model: DayModel) -> list[Advice]:
    """The counters that would help most, at most :data:`MOST`; none while the doors are closed."""
    if model.house_now.state != "open":
        return []
    late = [found for place in model.places if (found := _late(model, place))]
    spare = [plan for plan in model.house.counters.values() if _is_spare(model, plan)]
    advice: list[Advice] = []
    while late and spare and len(advice) < MOST:
        helped = {plan.id: [one for one in late if _helps(model, plan, one)] for plan in spare}
        best = max(spare, key=lambda plan: (len(helped[plan.id]), _is_paused(model, plan)))
        people = helped[best.id]
        if not people:
            break
        advice.append(_of(model, best, people))
        spare.remove(best)
        # Who shares that counter's work is helped by it: a second one is for others.
        late = [one for one in late if not _helps(model, best, one)]
    return advice


def _late(model: DayModel, place: Standing) -> _Late | None:
    visit = place.visit
    service = model.house.services.get(visit.service)
    if service is None:
        return None
    in_time = visit.slot_at is not None and place.rule is not Rule.WALK_IN
    limit_s = service.grace_s if in_time else service.waiting_limit_s
    limit = visit.wait_from + limit_s * SECOND
    start = model.expected.starts.get(visit.id)
    if start is None:
        return _Late(visit, limit_s, "no-counter") if visit.wait_from <= model.now else None
    if model.now > limit:
        return _Late(visit, limit_s, "wait")
    return _Late(visit, limit_s, "expected") if start > limit else None


def _is_spare(model: DayModel, plan: CounterPlan) -> bool:
    return model.day.counter(plan.id).mode is not CounterMode.OPEN


def _is_paused(model: DayModel, plan: CounterPlan) -> bool:
    """Somebody sits there already."""
    return model.day.counter(plan.id).mode is CounterMode.PAUSED


def _helps(model: DayModel, plan: CounterPlan, late: _Late) -> bool:
    return may_serve(plan, model.day.counter(plan.id), late.visit)


def _of(model: DayModel, plan: CounterPlan, people: list[_Late]) -> Advice:
    """The advice to open a counter, told by the service of whom it helps most."""
    by_service: dict[str, list[_Late]] = {}
    for one in people:
        by_service.setdefault(one.visit.service, []).append(one)
    service = max(by_service, key=lambda name: len(by_service[name]))
    first = min(by_service[service], key=lambda one: (one.passes_at, one.visit.reported_at, one.visit.ticket))
    return Advice(
        kind="open-counter",
        counter=plan.id,
        mode=model.day.counter(plan.id).mode.value,
        service=service,
        waiting=len(model.waiting_by_service[service]),
        late=len(by_service[service]),
        cause=first.cause,
        since=iso(first.visit.wait_from),
        limit_s=first.limit_s,
    )
