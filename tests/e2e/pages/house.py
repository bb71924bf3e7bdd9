"""The server that pages are tried against, with what a test does beside the browser."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path
from typing import Any

import httpx
from running import MECHELEN, MONDAY, Onthaal

SITE = "mechelen"
MORNING = MONDAY
EVENING = "2026-11-23T20:00:00+01:00"


class House(Onthaal):
    """A server of the Mechelen house with an empty day; its clock stands still unless told otherwise."""

    def __init__(
        self, folder: Path, house_time: str = MORNING, speed: float = 0, config: Path = MECHELEN
    ) -> None:
        super().__init__(folder, config, house_time, speed)
        self._by_role: dict[str, httpx.Client] = {}

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop the process, and forget the connections to it."""
        for client in self._by_role.values():
            client.close()
        self._by_role.clear()
        return super().stop(how)

    def keep(self) -> None:
        """Put a copy of the stopped server's files aside."""
        shutil.copytree(self.folder, self.folder.with_name("kept"))

    def bring_back(self) -> None:
        """Make the copy be the database again."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.folder.with_name("kept"), self.folder)

    def asked(self, role: str) -> httpx.Client:
        """A client of the API with this role's token."""
        if role not in self._by_role:
            self._by_role[role] = self.client(role)
        return self._by_role[role]

    def post(self, path: str, body: dict[str, Any] | None = None, role: str = "counter") -> dict[str, Any]:
        """A command at the site that must succeed; its answer."""
        answer = self.asked(role).post(f"/sites/{SITE}{path}", json=body or {})
        assert answer.is_success, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def walk_in(self, service: str = "onthaal", **more: Any) -> dict[str, Any]:
        """A walk-in ticket: the answer with ``ticket``, ``visit``, ``link``."""
        return self.post("/visits", {"service": service, **more}, "reception")

    def view(self, topic: str) -> dict[str, Any]:
        """The view of a topic, by polling."""
        view: dict[str, Any] = self.asked("counter").get(f"/sites/{SITE}/views/{topic}").json()["view"]
        return view

    def kinds(self, *wanted: str) -> list[str]:
        """The kinds of the journal's entries, in order; those wanted only."""
        journal = self.asked("supervisor").get(f"/sites/{SITE}/journal", params={"after": 0, "limit": 1000})
        return [entry["kind"] for entry in journal.json()["entries"] if entry["kind"] in wanted]

    def sign_in(self, role: str, to: str, base: str | None = None) -> str:
        """The address that signs a browser in as this role and leads to ``to``."""
        return f"{base or self.base}/sign-in?next={to}#{self.token(role)}"


def in_language(folder: Path, language: str) -> House:
    """A server of the house of Mechelen that speaks another language, before its start."""
    server = House(folder)
    server.config = folder / "house.toml"
    spoken = f'languages = ["{language}"]'
    server.config.write_text(re.sub(r"^languages = .*$", spoken, MECHELEN.read_text(), flags=re.MULTILINE))
    return server
