"""An appointment on a phone: one tap answers, with and without scripts, and only a real look is noted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from e2e.pages.test_ticket import OUTSIDE, SMALL
from playwright.sync_api import Browser, expect

from notify import planner
from server import database as db
from server.database import Database
from server.keys import load_keys

pytestmark = pytest.mark.browser

KINDS = ("appointment-confirmed", "appointment-announced-late", "appointment-cancelled")


@pytest.fixture(scope="module")
def server(houses: Callable[..., House]) -> Iterator[House]:
    with contextlib.closing(houses()) as house:
        yield house


def booked(server: House, ref: str) -> tuple[str, str]:
    """An appointment of this morning: its id and its address."""
    body = {"service": "bevolking", "at": "2026-11-23T10:40:00+01:00", "contact": {"phone": "+32470123456"}}
    answer = server.asked("integrator").put(f"/sites/mechelen/appointments/{ref}", json=body)
    identity: str = answer.json()["appointment"]
    return identity, f"{server.base}/a/{load_keys(server.database).appointment_secret(identity)}"


def clicks(server: House, appointment: str) -> int:
    """How often it was noted that a message of this appointment led to a look at its page."""
    store = Database(server.url)
    try:
        counted = sa.select(sa.func.count()).where(
            db.delivery_event.c.delivery == appointment, db.delivery_event.c.kind == "clicked"
        )
        return int(store.write_now(lambda connection: connection.execute(counted).scalar_one()))
    finally:
        store.close()


def reminded(server: House, appointment: str) -> None:
    row = planner.row_of(appointment, "mechelen", appointment, "reminder", "1d", 0, 1, 9, channel="sms")
    store = Database(server.url)
    try:
        store.write_now(lambda c: c.execute(db.delivery.insert(), {**row, "state": "accepted", "attempt": 1}))
    finally:
        store.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_by_keyboard_at_320_pixels_with_and_without_scripts(
    server: House, browser: Browser, scripts: bool
) -> None:
    before = len(server.kinds(*KINDS))
    appointment, address = booked(server, f"R-{scripts}")
    reminded(server, appointment)
    context = browser.new_context(java_script_enabled=scripts, viewport=SMALL, locale="nl")
    page = context.new_page()
    if scripts:
        with page.expect_response(lambda answer: answer.url.endswith("/seen")) as seen:
            page.goto(address)
        assert seen.value.status == 204
    else:
        page.goto(address)
    assert clicks(server, appointment) == int(scripts)
    said = page.locator(".says")
    page.get_by_role("button", name="Ik kom").press("Enter")
    expect(said).to_have_text("U zei dat u komt. Wij verwachten u om 10:40 uur.")
    page.get_by_role("button", name="10 minuten later, om 10:50 uur").press("Enter")
    expect(said).to_contain_text("Wij houden uw plaats vrij tot 11:00 uur.")
    if scripts:
        assert page.evaluate(OUTSIDE) == []
        assert_accessible(page)
    page.get_by_role("link", name="Ik kan niet komen").press("Enter")
    expect(said).to_contain_text("Wilt u deze afspraak annuleren?")
    if scripts:
        assert_accessible(page)
    assert len(server.kinds(*KINDS)) == before + 2
    page.get_by_role("button", name="Ja, annuleren").press("Enter")
    expect(said).to_have_text("Deze afspraak is geannuleerd. U hoeft niets te doen.")
    expect(page).to_have_url(address)
    assert server.kinds(*KINDS)[before:] == list(KINDS)
    assert clicks(server, appointment) == int(scripts)
    context.close()


def test_the_counter_sees_who_comes_later_and_the_desk_whom_to_call(server: House, browser: Browser) -> None:
    _appointment, address = booked(server, "R-desk")
    secret = address.rpartition("/")[2]
    for answer, body in (("late", {"minutes": 10}), ("call-back", {})):
        told = server.asked("kiosk").post(f"/appointments/{secret}/{answer}", json=body)
        assert told.is_success, told.text
    context = browser.new_context(locale="nl", viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(server.sign_in("counter", "/mechelen/counters/5"))
    expect(page.locator("#later li")).to_have_text(["10.40 uur: Bevolking, ongeveer 10 min later"])
    context.clear_cookies()
    page.goto(server.sign_in("reception", "/mechelen/reception"))
    wish = page.locator("#call-backs li")
    expect(wish).to_contain_text("Bevolking · R-desk")
    assert "+32470123456" not in page.content()
    wish.get_by_role("button", name="Toon het nummer").click()
    expect(wish).to_contain_text("+32470123456")
    assert_accessible(page)
    wish.get_by_role("button", name="Teruggebeld").click()
    expect(page.locator("#call-backs-part")).to_be_hidden()
    assert server.kinds("appointment-called-back") == ["appointment-called-back"]
    context.close()
