"""Alerts of a whole server: who asks to be told, the mail that comes, what the page reads of the day."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import program
import pytest
from mailserver import MailServer
from running import MECHELEN, PASSWORD, Onthaal, with_key

SITE = "/sites/mechelen"
AT_ONCE = """
[sites.mechelen.alerts]
tell_after_s = 0
clears_after_s = 0

[channels.mail]
host = "127.0.0.1"
port = {port}
sender = "wacht@mechelen.be"
tls = "none"
"""


class Supervisor:
    """A supervisor's browser: signed in by password, so that it is somebody."""

    def __init__(self, server: Onthaal, login: str) -> None:
        server.account("supervisor", login)
        self.http = httpx.Client(base_url=server.base, headers={"Origin": server.base}, timeout=20)
        self.http.event_hooks["request"] = [with_key]
        answer = self.http.post("/session", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        # The cookie is for https alone, which loopback does without.
        self.http.headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]

    def get(self, path: str) -> Any:
        answer = self.http.get(f"/api/v1{SITE}{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return self.http.post(f"/api/v1{SITE}{path}", json=body)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Onthaal]:
    server = Onthaal(tmp_path, config=tmp_path / "house.toml")
    try:
        yield server
    finally:
        server.close()


async def until(condition: Any, within_s: float = 20) -> Any:
    async with asyncio.timeout(within_s):
        while not (found := await asyncio.to_thread(condition)):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.05)
        return found


async def test_a_morning_with_a_mail_and_the_end_of_it(server: Onthaal) -> None:
    post = await MailServer().start()
    server.config.write_text(MECHELEN.read_text() + AT_ONCE.format(port=post.port))
    await asyncio.to_thread(server.start)
    an, bart = [await asyncio.to_thread(Supervisor, server, login) for login in ("an", "bart")]
    try:
        for body, code in (
            ({}, "invalid-body"),
            ({"email": "an at example"}, "invalid-body"),
            ({"push": {"endpoint": "https://x.example", "keys": {"p256dh": "", "auth": ""}}}, "no-push"),
        ):
            refused = await asyncio.to_thread(an.post, "/alerts/recipients", body)
            assert refused.json()["code"] == code
        wish = {"email": "an@example.org", "over": True}
        made = await asyncio.to_thread(an.post, "/alerts/recipients", wish)
        assert made.status_code == 200, made.text
        again = await asyncio.to_thread(an.post, "/alerts/recipients", wish)
        assert again.json() == made.json()
        (line,) = (await asyncio.to_thread(an.get, "/alerts/recipients"))["recipients"]
        assert (line["channel"], line["over"], line["id"]) == ("mail", True, made.json()["recipient"])
        assert "example" not in line["to"]
        # Signing out takes nothing back.
        await asyncio.to_thread(an.http.delete, "/session")

        reception, counter = server.client("reception"), server.client("counter", "1")
        drawn = await asyncio.to_thread(reception.post, f"{SITE}/visits", json={"service": "onthaal"})
        assert drawn.status_code == 200
        await until(lambda: mails(post, "onthaal", "Onthaal"))

        def told() -> Any:
            alerts = bart.get("/alerts")["alerts"]
            return next((a for a in alerts if a["kind"] == "no-counter" and a["told"]), None)

        alert = await until(lambda: (found := told()) and found["told"][0]["state"] == "accepted" and found)
        assert alert["subject"] == "onthaal"
        assert alert["cleared"] is None
        assert alert["told"] == [{"name": "An", "channel": "mail", "state": "accepted", "over": False}]
        # What goes to staff is none of the messages to citizens.
        assert bart.get("/messages")["messages"] == []

        assert (await asyncio.to_thread(counter.post, f"{SITE}/counters/1/open", json={})).is_success
        alert = await until(lambda: (found := told()) and found["cleared"] and found)
        await until(lambda: mails(post, "Niet meer", ""))
        assert {each["over"] for each in alert["told"]} <= {False, True}

        # Disabled, an account is told nothing more and nothing is kept of it.
        arguments = ("account", "disable", "an", "--database", server.url)
        assert (await asyncio.to_thread(program.run, *arguments)).returncode == 0
        gone = await asyncio.to_thread(bart.get, "/alerts")
        assert {one["name"] for each in gone["alerts"] for one in each["told"]} <= {None}
    finally:
        an.http.close()
        bart.http.close()
        await asyncio.to_thread(server.close)
        await until(lambda: not post.open)
        await post.close()


def mails(post: MailServer, *words: str) -> bool:
    return any(all(re.search(word, mail["Subject"], re.IGNORECASE) for word in words) for mail in post.mails)


def test_a_token_is_nobody_to_tell_and_others_may_not_look(server: Onthaal) -> None:
    server.config.write_text(MECHELEN.read_text())
    server.start()
    supervisor = server.client("supervisor")
    assert supervisor.get(f"{SITE}/alerts").status_code == 200
    for answer in (
        supervisor.get(f"{SITE}/alerts/recipients"),
        supervisor.post(f"{SITE}/alerts/recipients", json={"email": "an@example.org"}),
        supervisor.delete(f"{SITE}/alerts/recipients/aaaaaaaaaaaaaaaa"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "no-account")
    assert server.client("reception").get(f"{SITE}/alerts").status_code == 403
    an, bart = Supervisor(server, "an"), Supervisor(server, "bart")
    mine = an.post("/alerts/recipients", {"email": "an@example.org"}).json()["recipient"]
    # What is another's is not taken away.
    assert bart.http.delete(f"/api/v1{SITE}/alerts/recipients/{mine}").status_code == 200
    assert len(an.get("/alerts/recipients")["recipients"]) == 1
    for n in range(4):
        assert an.post("/alerts/recipients", {"email": f"an{n}@example.org"}).status_code == 200
    refused = an.post("/alerts/recipients", {"email": "one-more@example.org"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-recipients")
    assert an.http.delete(f"/api/v1{SITE}/alerts/recipients/{mine}").status_code == 200
    assert len(an.get("/alerts/recipients")["recipients"]) == 4
    an.http.close()
    bart.http.close()
