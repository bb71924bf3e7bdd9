"""Days at a front office, driven from outside through the public API: what the demo shows.

``plan`` says who comes when and how long it takes: a pure function of house, date and seed.
``driver`` plays such a day against a running server, as kiosk, booking system and staff would.
"""

from __future__ import annotations

ROLES = ("kiosk", "reception", "counter", "integrator", "supervisor", "screen")
"""The roles that a simulated day needs a token of."""


def variable(role: str) -> str:
    """The environment variable in which the client expects a role's token."""
    return f"ONTHAAL_SIMULATE_{role.upper()}"
