"""What is derived from the server's key, and where the key lies."""

from __future__ import annotations

import base64
import hmac
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.keys import BadKey, Keys, fresh_id, load_keys, token_hash

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
VISIT = "aaaaaaaaaaaaaaaa"


@given(st.binary(min_size=10, max_size=10))
def test_a_link_leads_back_to_its_visit_and_to_no_other_key_s(raw: bytes) -> None:
    visit = base64.b32encode(raw).decode().lower()
    secret = Keys(KEY).visit_secret(visit)
    assert Keys(KEY).visit_of(secret) == visit
    assert Keys(OTHER).visit_of(secret) is None
    assert Keys(OTHER).visit_secret(visit)[-20:] != secret[-20:]


@given(st.text(max_size=60))
def test_no_text_that_nobody_was_given_is_a_link(text: str) -> None:
    assert Keys(KEY).visit_of(text) is None


def test_a_link_carries_128_bits_that_only_the_key_can_make() -> None:
    links = [base64.urlsafe_b64decode(Keys(OTHER[:n] + KEY[n:]).visit_secret(VISIT) + "=") for n in range(32)]
    # The visit's own ten bytes are the same in all; every byte after them changes with the key.
    assert {link[:10] for link in links} == {base64.b32decode(VISIT.upper())}
    assert len(links[0][10:]) * 8 == 128
    assert all(len({link[at] for link in links}) > 20 for at in range(10, 26))


def test_a_seal_opens_for_its_subject_alone_and_never_looks_alike() -> None:
    sealed = Keys(KEY).seal(b"Jan", VISIT)
    assert b"Jan" not in sealed
    assert Keys(KEY).open(sealed, VISIT) == b"Jan"
    assert Keys(KEY).seal(b"Jan", VISIT) != sealed
    for keys, box, subject in (
        (Keys(OTHER), sealed, VISIT),
        (Keys(KEY), sealed, "b" * 16),
        (Keys(KEY), sealed[:-1] + bytes([sealed[-1] ^ 1]), VISIT),
        (Keys(KEY), sealed[12:], VISIT),
    ):
        with pytest.raises(BadKey):
            keys.open(box, subject)


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    database = tmp_path / "onthaal.db"
    first = load_keys(database).visit_secret(VISIT)
    file = tmp_path / "onthaal.db.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(bytes.fromhex(file.read_text())) == 32
    assert load_keys(database).visit_secret(VISIT) == first
    assert load_keys(tmp_path / "other.db").visit_secret(VISIT) != first


def test_the_environment_s_key_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONTHAAL_KEY", KEY.hex() + "\n")
    assert load_keys(tmp_path / "o.db").visit_secret(VISIT) == Keys(KEY).visit_secret(VISIT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "xyz", "00" * 31, "00" * 33, "é" * 64])
def test_a_broken_key_is_said_with_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "o.db.key").write_text(text)
    with pytest.raises(BadKey, match=r"o\.db\.key"):
        load_keys(tmp_path / "o.db")
    monkeypatch.setenv("ONTHAAL_KEY", text)
    with pytest.raises(BadKey, match="ONTHAAL_KEY"):
        load_keys(tmp_path / "o.db")


def test_ids_and_hashes_are_what_they_should_be() -> None:
    made = {fresh_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(each) == 16 and each.isalnum() and each == each.lower() for each in made)
    assert token_hash("x") != token_hash("y")
    assert len(token_hash("x")) == 32


def test_a_lot_is_what_its_formula_says_in_this_version_and_the_next() -> None:
    """Who was drawn yesterday must be drawn the same tomorrow: by hand, from the first 53 bits."""
    mac = hmac.new(hmac.new(KEY, b"onthaal lots 1", "sha256").digest(), b"winter\ntown\nB-1", "sha256")
    bits = "".join(f"{byte:08b}" for byte in mac.digest())[:53]
    assert Keys(KEY).lot("winter\ntown\nB-1") == int(bits, 2) / 2**53
    assert Keys(OTHER).lot("winter\ntown\nB-1") != Keys(KEY).lot("winter\ntown\nB-1")
