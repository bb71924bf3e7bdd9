"""What an SMS takes, against the table of 3GPP TS 23.038 as Unicode has it, and filling by hand."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notify.sms_text import Encoding, Size, count, transliterate

# By septet, from 0x00, eight in a row; 0x1B is the escape to the extension table. 0x09 is the capital
# C with cedilla of the standard, which Unicode's own file has as the small letter.
BASIC = """
0040 00A3 0024 00A5 00E8 00E9 00F9 00EC
00F2 00C7 000A 00D8 00F8 000D 00C5 00E5
0394 005F 03A6 0393 039B 03A9 03A0 03A8
03A3 0398 039E ---- 00C6 00E6 00DF 00C9
0020 0021 0022 0023 00A4 0025 0026 0027
0028 0029 002A 002B 002C 002D 002E 002F
0030 0031 0032 0033 0034 0035 0036 0037
0038 0039 003A 003B 003C 003D 003E 003F
00A1 0041 0042 0043 0044 0045 0046 0047
0048 0049 004A 004B 004C 004D 004E 004F
0050 0051 0052 0053 0054 0055 0056 0057
0058 0059 005A 00C4 00D6 00D1 00DC 00A7
00BF 0061 0062 0063 0064 0065 0066 0067
0068 0069 006A 006B 006C 006D 006E 006F
0070 0071 0072 0073 0074 0075 0076 0077
0078 0079 007A 00E4 00F6 00F1 00FC 00E0
"""
EXTENSION = "000C 005E 007B 007D 005C 005B 007E 005D 007C 20AC"
SINGLE = {chr(int(code, 16)) for code in BASIC.split() if code != "----"}
DOUBLE = {chr(int(code, 16)) for code in EXTENSION.split()}


def septets(character: str) -> int | None:
    return 1 if character in SINGLE else 2 if character in DOUBLE else None


def test_every_character_is_counted_as_the_standard_has_it() -> None:
    assert (len(SINGLE), len(DOUBLE)) == (127, 10)
    for code in [*range(0xD800), *range(0xE000, 0x11000), 0x1F44D, 0x10FFFF]:
        wanted = septets(chr(code))
        size = count(chr(code))
        if wanted is None:
            assert size == Size(Encoding.UCS2, 2 if code > 0xFFFF else 1, 1), hex(code)
        else:
            assert size == Size(Encoding.GSM7, wanted, 1), hex(code)


@pytest.mark.parametrize(
    ("text", "units", "parts"),
    [
        ("", 0, 1),
        ("a" * 160, 160, 1),
        ("a" * 161, 161, 2),
        ("a" * 306, 306, 2),
        ("a" * 307, 307, 3),
        ("€" * 80, 160, 1),
        ("€" * 81, 162, 2),
        # The pair would begin in the last septet of the first part.
        ("a" * 152 + "€" + "a" * 152, 306, 3),
        # 76 pairs a part leave one septet free in each.
        ("€" * 152, 304, 2),
        ("€" * 153, 306, 3),
    ],
)
def test_parts_in_gsm_03_38(text: str, units: int, parts: int) -> None:
    assert count(text) == Size(Encoding.GSM7, units, parts)


@pytest.mark.parametrize(
    ("text", "units", "parts"),
    [
        ("ë" + "a" * 69, 70, 1),
        ("ë" + "a" * 70, 71, 2),
        ("👍" * 35, 70, 1),
        # One "ë" alone: 160 characters are three parts instead of one.
        ("ë" + "a" * 159, 160, 3),
        ("a" * 66 + "👍" + "a" * 66, 134, 3),
        ("👍" * 66, 132, 2),
        ("👍" * 67, 134, 3),
        # In UCS-2 the characters of the extension table are one unit.
        ("ë€{}", 4, 1),
    ],
)
def test_parts_in_ucs_2(text: str, units: int, parts: int) -> None:
    assert count(text) == Size(Encoding.UCS2, units, parts)


def cut(text: str) -> list[str]:
    """A text as a gateway sends it: whole characters, as many as go into each part."""
    gsm = all(septets(c) for c in text)

    def width(piece: str) -> int:
        return sum(septets(c) or 0 for c in piece) if gsm else len(piece.encode("utf-16-be")) // 2

    if width(text) <= (160 if gsm else 70):
        return [text]
    pieces = [""]
    for character in text:
        if width(pieces[-1] + character) > (153 if gsm else 67):
            pieces.append("")
        pieces[-1] += character
    return pieces


letters = st.sampled_from("abé€[ÇΩ")


@given(st.text(letters, max_size=500) | st.text(st.sampled_from("aë👍€"), max_size=250))
@example("a" * 152 + "€" * 77)
def test_parts_are_those_that_a_gateway_makes(text: str) -> None:
    assert count(text).parts == len(cut(text))


# --- transliteration ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Financiën, geïnd, reçu", "Financien, geind, recu"),
        ("Ça coûte : œuvre, août, fête", "Ça coute : oeuvre, aout, fete"),
        ("É è à ù é ä ö ü ß Ñ €", "É è à ù é ä ö ü ß Ñ €"),
        ("“Ja” ‘nee’ – of—niet… «x» „y“", '"Ja" \'nee\' - of-niet... "x" "y"'),
        ("10\u00a0000\u202fx", "10 000 x"),
        ("Şişli ığdır İ ğ", "Sisli igdir I g"),
        ("e\u0301 e\u0308", "é e"),
        ("a\u200bb\u00adc`", "abc'"),
    ],
)
def test_a_text_is_brought_into_the_alphabet(text: str, plain: str) -> None:
    assert transliterate(text) == plain
    assert count(plain).encoding is Encoding.GSM7


@pytest.mark.parametrize("text", ["Доброго дня – ë", "مرحبا، “ë”", "Tot dan, Zoë 👍", "日本 – ê"])
def test_nothing_is_touched_where_nothing_is_gained(text: str) -> None:
    assert transliterate(text) == text


@given(st.text(max_size=80))
def test_what_comes_out_is_in_the_alphabet_or_unchanged(text: str) -> None:
    plain = transliterate(text)
    if count(plain).encoding is Encoding.UCS2:
        assert plain == unicodedata.normalize("NFC", text)
    assert transliterate(plain) == plain
    if all(septets(c) for c in text):
        assert plain == text
