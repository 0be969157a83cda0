"""What comes from outside is read, or refused with a reason, where it enters."""

import pytest

from rs_assets.items.untrusted import UnreadableError, json_of, printable, text_problem


def test_what_no_json_reader_agrees_on_is_null_or_text() -> None:
    assert json_of('[NaN, Infinity, -Infinity, 1, 1.5, "a"]') == [None, None, None, 1, 1.5, "a"]
    assert json_of(b'{"a": ' + b"9" * 5000 + b"}") == {"a": "9" * 5000}


@pytest.mark.parametrize(
    ("content", "why"), [("[" * 20_000, "nested too deep"), ("{", "not JSON"), (b"\xff", "not JSON")]
)
def test_what_cannot_be_read_is_refused_with_the_reason(content: str | bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        json_of(content)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("S1A_AUX.EOF", None),
        ("Größe 東京", None),
        ("S1A_\ud800.EOF", "it holds a lone surrogate"),
        ("a\tb", "it holds a control character"),
        ("a\x1b[31m", "it holds a control character"),
        ("a\x00", "it holds a control character"),
    ],
)
def test_a_text_that_cannot_be_used_says_why(text: str, problem: str | None) -> None:
    assert text_problem(text) == problem


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert printable("a\x1b[31mb\n\ud800é") == "a\\x1b[31mb\\n\\ud800é"
