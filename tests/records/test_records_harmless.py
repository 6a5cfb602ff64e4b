"""Text from outside: visible, on one line, unable to steer a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.records import harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("two\nlines\ttab", "two\\nlines tab"),
        ("\x7f\r", "\\x7f\\x0d"),
        ("zero\u200bwidth\U000e0041", "zero\\u200bwidth\\U000e0041"),
        ("\udc80", "\\udc80"),
        ("Müller 日本 10 €", "Müller 日本 10 €"),
        ("no\u00a0break", "no break"),
    ],
)
def test_what_could_steer_becomes_visible(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text(), st.integers(0, 30))
def test_nothing_that_steers_comes_through(text: str, limit: int) -> None:
    shown = harmless(text, limit)
    assert len(shown) <= limit
    assert all(unicodedata.category(character)[0] != "C" for character in shown)
    assert not set("\u2028\u2029") & set(shown)
    shown.encode("utf-8")


@given(st.text(), st.integers(0, 30))
def test_harmless_text_stays_as_it_is(text: str, limit: int) -> None:
    once = harmless(text, limit)
    assert harmless(once, limit) == once


def test_long_text_says_that_it_goes_on() -> None:
    assert harmless("x" * 500, 10) == "xxxxxxx..."
