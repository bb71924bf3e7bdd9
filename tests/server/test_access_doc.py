"""`docs/access.md` against the server's table of rights and what it says of tokens and sessions."""

from __future__ import annotations

import re

from running import ROOT

from server.access import RIGHTS, SESSION_S, Role

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
    assert f"good for {SESSION_S // 86_400} days" in TEXT.replace("\n", " ")
