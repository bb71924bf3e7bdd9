"""The key pair for push services: made once, whole, for its owner alone, and said where it is broken."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from server.__main__ import cli
from server.keys import BadKey
from server.vapid import load_vapid

PRIVATE = base64.urlsafe_b64encode(bytes(31) + b"\x01").rstrip(b"=").decode()
GENERATOR = bytes.fromhex(
    "04"
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
"""The public key of the private key 1: the generator of P-256 (SEC 2)."""


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    database = tmp_path / "onthaal.db"
    public = load_vapid(database).public
    file = tmp_path / "onthaal.db.vapid"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_vapid(database).public == public
    assert load_vapid(tmp_path / "other.db").public != public
    assert sorted(each.name for each in tmp_path.iterdir()) == ["onthaal.db.vapid", "other.db.vapid"]


def test_the_environment_s_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONTHAAL_VAPID", PRIVATE + "\n")
    public = load_vapid(tmp_path / "o.db").public
    assert base64.urlsafe_b64decode(public + "=") == GENERATOR
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "xyz", "é", PRIVATE[:-3], base64.b64encode(bytes(32)).decode()])
def test_a_broken_one_is_said_with_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "o.db.vapid").write_text(text)
    with pytest.raises(BadKey, match=r"o\.db\.vapid"):
        load_vapid(tmp_path / "o.db")
    monkeypatch.setenv("ONTHAAL_VAPID", text)
    with pytest.raises(BadKey, match="ONTHAAL_VAPID"):
        load_vapid(tmp_path / "o.db")


def test_the_command_makes_it_and_prints_the_public_half_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/onthaal.db"
    first = CliRunner().invoke(cli, ["keys", "--database", url])
    assert first.exit_code == 0
    assert first.stdout == load_vapid(tmp_path / "onthaal.db").public + "\n"
    assert first.stderr == f"the private key is in {tmp_path}/onthaal.db.vapid\n"
    assert CliRunner().invoke(cli, ["keys", "--database", url]).stdout == first.stdout
    (tmp_path / "onthaal.db.vapid").write_text("xyz")
    assert CliRunner().invoke(cli, ["keys", "--database", url]).exit_code == 1
