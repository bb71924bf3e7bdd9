"""`onthaal messages preview`: all that is written to citizens, in the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from notify.messages import ANSWERS, Kind
from notify.sms_text import count
from server.__main__ import cli
from server.domain.messages import CHANNELS

ROOT = Path(__file__).parent.parent.parent


def preview(*options: str) -> Result:
    return CliRunner().invoke(
        cli, ["messages", "preview", "--config", str(ROOT / "config/mechelen.toml"), *options]
    )


def test_it_shows_every_message_in_every_language() -> None:
    rows = json.loads(preview("--json").stdout)
    shown = {(row["kind"], row["channel"], row["for"]) for row in rows}
    assert shown == {
        (kind, channel, language)
        for kind in Kind
        for channel in (("sms",) if kind in ANSWERS else CHANNELS)
        for language in ("nl", "fr", "en", "de")
    }
    reminders = {row["variant"] for row in rows if row["kind"] == "reminder" and row["channel"] == "sms"}
    assert reminders == {"plain", "cost", "with replies", "with replies, 2h", "safe"}
    for row in rows:
        if row["channel"] == "sms":
            size = count(row["plain"])
            assert (row["encoding"], row["units"], row["parts"]) == (size.encoding, size.units, size.parts)
            assert row["parts"] <= 2


def test_it_prints_what_is_sent_and_what_it_takes() -> None:
    answer = preview("--kind", "go", "--channel", "sms", "--language", "nl", "--language", "fr")
    assert answer.exit_code == 0
    text = "Mechelen: Nummer A012, ga nu naar loket 1. https://wachten.example.be/t/"
    assert answer.stdout.startswith("mechelen  go  sms  nl  plain  (gsm7, 107 units, 1 part)\n    " + text)
    assert "Ticket A012, allez maintenant au guichet 1." in answer.stdout
    # Nothing is wrapped: each is a heading, a line and a blank one; two languages, plain and safe.
    assert len(answer.stdout.splitlines()) == 12


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--site", "elsewhere"), 1, "there is no site 'elsewhere'; there is mechelen"),
        (("--language", "tr"), 1, "mechelen writes nothing in 'tr': the house does not list it"),
        (("--kind", "hello"), 2, "choose from reminder, almost"),
        (("--channel", "fax"), 2, "choose from push, sms, mail"),
        (("--kind", "over", "--channel", "mail"), 1, "no message goes that way"),
    ],
)
def test_what_there_is_not(options: tuple[str, ...], code: int, said: str) -> None:
    answer = preview(*options)
    assert (answer.exit_code, answer.stdout) == (code, "")
    assert said in answer.stderr


def test_a_language_that_waits_for_its_translation(tmp_path: Path) -> None:
    file = tmp_path / "house.toml"
    text = (ROOT / "config/mechelen.toml").read_text()
    file.write_text(text.replace('languages = ["nl", ', 'languages = ["nl", "ar", '))
    answer = CliRunner().invoke(cli, ["messages", "preview", "--config", str(file), "--language", "ar"])
    assert answer.exit_code == 1
    assert "not every message is translated (it writes in nl, fr, en, de)" in answer.stderr
