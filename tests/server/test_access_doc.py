"""`docs/access.md` against the server's table of rights and what it says of tokens and sessions."""

from __future__ import annotations

import re

from running import ROOT

from server import accounts, app, devices
from server.access import DEVICE_S, RIGHTS, SESSION_S, WORKDAY_S, Role

TEXT = (ROOT / "docs" / "access.md").read_text()


def rows(heading: str) -> dict[str, str]:
    """The table under a heading: its first column and its last."""
    (section,) = re.findall(rf"^## {heading}$(.*?)^## ", TEXT, re.MULTILINE | re.DOTALL)
    return dict(re.findall(r"^\| `([a-z-]+)` \|.*\| ([^|]+) \|$", section, re.MULTILINE))


def test_the_table_of_rights_is_the_server_s() -> None:
    written = {
        right: frozenset(Role) if roles == "all" else frozenset(map(Role, roles.split(", ")))
        for right, roles in rows("Who may do what").items()
    }
    assert written == {right.value: roles for right, roles in RIGHTS.items()}


def test_every_role_has_its_line() -> None:
    assert rows("Roles").keys() == {role.value for role in Role}


def test_figures_in_the_text() -> None:
    text = TEXT.replace("\n", " ")
    assert accounts.FREE_TRIES == 5
    assert accounts.ASKED == 32
    assert accounts.HASHING == 2
    assert devices.LETTERS == 8
    assert (app.GUESSES, app.GUESSES_S) == (10, 600)
    for said in (
        f"by token it is good for {SESSION_S // 86_400} days",
        f"good for {WORKDAY_S // 3600} hours",
        f"good for {DEVICE_S // 86_400} days",
        f"at least {accounts.SHORTEST} characters",
        f"{accounts.FIRST_WAIT_S} second, 2, 4, and so on up to {accounts.LONGEST_WAIT_S // 60} minutes",
        f"`expires_in` ({devices.CODE_S} s), `interval` ({devices.INTERVAL_S} s)",
        f"At most {devices.PENDING} codes wait at a time, {devices.PENDING_AN_ADDRESS} of one address",
    ):
        assert said in text, said
