"""The service level so far: of the people who were called, how many were called soon enough."""

from __future__ import annotations

from displays.day import DayModel
from displays.views import ServiceLevel, ServiceShare
from server.domain.schedule import SECOND

WITHIN_S = 600
"""Soon enough, in seconds from the later of slot and report to the first call. Front offices publish
norms of 5 to 20 minutes; most common, and what Tilburg holds itself to, is ten."""

AIM_PERCENT = 80
"""How many of a hundred are to be called so soon: the usual norm (Wisconsin's, for one)."""


def service_level(model: DayModel) -> ServiceLevel:
    """Of the house and of each service; the denominator is everybody who was called at least once today.

    Who still waits, or left before being called, is in no figure here. A ticket counts for the service
    that it is for now.
    """
    called = dict.fromkeys(model.house.services, 0)
    within = dict.fromkeys(model.house.services, 0)
    for visit in model.day.visits.values():
        if visit.first_called_at is not None:
            called[visit.service] = called.get(visit.service, 0) + 1
            if visit.first_called_at - visit.wait_from <= WITHIN_S * SECOND:
                within[visit.service] = within.get(visit.service, 0) + 1
    return ServiceLevel(
        within_s=WITHIN_S,
        aim_percent=AIM_PERCENT,
        called=sum(called.values()),
        within=sum(within.values()),
        services=[
            ServiceShare(service=name, called=called[name], within=within[name])
            for name in model.house.services
        ],
    )
