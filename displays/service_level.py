"""The service level so far: of the people who were called, how many were called soon enough."""

from __future__ import annotations

from displays.day import DayModel
from displays.views import ServiceLevel, ServiceShare
from server.domain.schedule import SECOND


def service_level(model: DayModel) -> ServiceLevel:
    """Of the house and of each service; the denominator is everybody who was called at least once today.

    Who still waits, or left before being called, is in no figure here. A ticket counts for the service
    that it is for now. What is soon enough, and of how many, is the house's own norm, from the later of slot
    and report to the first call.
    """
    norm = model.house.norm
    called = dict.fromkeys(model.house.services, 0)
    within = dict.fromkeys(model.house.services, 0)
    for visit in model.day.visits.values():
        if visit.first_called_at is not None:
            called[visit.service] = called.get(visit.service, 0) + 1
            if visit.first_called_at - visit.wait_from <= norm.within_s * SECOND:
                within[visit.service] = within.get(visit.service, 0) + 1
    return ServiceLevel(
        within_s=norm.within_s,
        aim_percent=norm.percent,
        called=sum(called.values()),
        within=sum(within.values()),
        services=[
            ServiceShare(service=name, called=called[name], within=within[name])
            for name in model.house.services
        ],
    )
