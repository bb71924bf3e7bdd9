"""The API: DESIGN's table of calls, and what else the rules need."""

from __future__ import annotations

from server.web import (
    alerts,
    appointments,
    callbacks,
    contacts,
    counters,
    devices,
    figures,
    first_free,
    messages,
    promised,
    punctuality,
    ratings,
    reading,
    search,
    staff,
    visits,
    webhooks,
)
from server.web.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *reading.ENDPOINTS,
    *punctuality.ENDPOINTS,
    *figures.ENDPOINTS,
    *promised.ENDPOINTS,
    *appointments.ENDPOINTS,
    *callbacks.ENDPOINTS,
    *visits.ENDPOINTS,
    *counters.ENDPOINTS,
    *search.ENDPOINTS,
    *staff.ENDPOINTS,
    *devices.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *alerts.ENDPOINTS,
    *contacts.ENDPOINTS,
    *messages.ENDPOINTS,
    *ratings.ENDPOINTS,
    *first_free.ENDPOINTS,
)
"""Every endpoint below ``/api/v1`` that needs a token or session."""
