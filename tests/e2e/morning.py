"""A busy morning in the Mechelen house."""

from __future__ import annotations

from running import Onthaal

SITE = "/sites/mechelen"


def morning(server: Onthaal) -> None:
    """Calls at several counters, one of them recalled, people who wait, and one who has not come yet."""
    counter, kiosk, booking = server.client("counter"), server.client("kiosk"), server.client("integrator")
    for number in range(1, 13):
        assert counter.post(f"{SITE}/counters/{number}/open").status_code == 200
    for _ in range(5):
        assert kiosk.post(f"{SITE}/visits", json={"service": "onthaal"}).status_code == 200
    for service in ("afhalen", "attesten", "afhalen", "attesten", "afhalen", "attesten"):
        assert kiosk.post(f"{SITE}/visits", json={"service": service}).status_code == 200
    services = counter.get(SITE).json()["services"]
    themes = [found["id"] for found in services if found["kind"] == "theme" and found["appointments"]]
    for index, service in enumerate(themes * 2):
        reference = f"{SITE}/appointments/B{index}"
        slot = f"2026-11-23T09:{10 + index % 3 * 5}:00+01:00"
        booked = {"service": service, "at": slot, "contact": {"name": f"Voorbeeld {index}"}}
        assert booking.put(reference, json=booked).status_code == 200
        assert kiosk.post(reference + "/report").status_code == 200
    late = {"service": "bevolking", "at": "2026-11-23T09:00:00+01:00", "contact": {"name": "An Peeters"}}
    assert booking.put(f"{SITE}/appointments/B90", json=late).status_code == 200
    for number in (9, 6, 12, 8, 2, 1, 4):
        assert counter.post(f"{SITE}/counters/{number}/next").status_code == 200
