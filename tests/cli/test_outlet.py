"""The last door of a command's output: foreign text becomes visible, our own sequences and all plain text pass."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli import frame, outlet

TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from("\x1b\x07\x9b\u202e\u200b\n\t"))


@given(TEXTS)
def test_nothing_but_visible_characters_line_ends_and_tabs_comes_out(text: str) -> None:
    assert all(character in "\n\t" or character.isprintable() for character in outlet.sieved(text))


@given(TEXTS)
def test_what_came_out_passes_unchanged(text: str) -> None:
    once = outlet.sieved(text)
    assert outlet.sieved(once) == once


@given(st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_json_goes_on_meaning_the_same(value: object) -> None:
    assert json.loads(outlet.sieved(json.dumps(value, ensure_ascii=False))) == value


def test_our_own_sequences_pass_and_the_same_from_outside_do_not() -> None:
    assert (
        outlet.sieved(outlet.own("\x1b[31m") + "FAIL\x1b[31m" + outlet.own("\x1b[0m")) == "\x1b[31mFAIL\\x1b[31m\x1b[0m"
    )


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e999", "-1", "soon"])
def test_following_for_no_length_of_time_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        frame.main(["follow", f"--for={seconds}"], lambda *_: 0)
    assert "is no number of seconds" in capsys.readouterr().err
