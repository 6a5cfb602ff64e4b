"""Lines are of exact width whatever is put into them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.lines import block, cells, changed, crop, fit, join, plain, put, spread, width_of, wrap

TEXTS = st.text(max_size=60)


@given(TEXTS, st.integers(1, 90))
def test_a_fitted_line_has_exactly_its_width(text: str, width: int) -> None:
    assert width_of(fit(put(text), width)) == width


@given(TEXTS, TEXTS, st.integers(1, 90))
def test_two_sides_have_exactly_the_width(left: str, right: str, width: int) -> None:
    assert width_of(spread(put(left), put(right), width)) == width


@given(TEXTS)
def test_no_control_character_passes(text: str) -> None:
    shown = plain(put(text))
    assert all(ord(character) >= 0x20 and not 0x7F <= ord(character) < 0xA0 for character in shown)
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f")


@given(TEXTS, TEXTS, st.integers(1, 60))
def test_painting_only_what_changed_gives_the_new_line(old: str, new: str, width: int) -> None:
    before, after = fit(put(old), width), fit(put(new), width)
    part = changed(before, after)
    if part is None:
        assert plain(before) == plain(after)
    else:
        assert 0 <= part[0] < part[0] + part[1] <= width


SPANS = st.lists(st.tuples(st.text("ab 漢e\u0308", max_size=6), st.sampled_from(("text", "warn"))), max_size=6)


@given(SPANS, SPANS, SPANS, st.integers(1, 40))
def test_the_part_that_changed_is_all_that_differs(start: Any, old: Any, new: Any, width: int) -> None:
    """Lines that begin alike, as those of a clock do."""
    before, after = (fit(join(*(put(text, role) for text, role in start + spans)), width) for spans in (old, new))
    part = changed(before, after)
    if part is None:
        assert plain(before) == plain(after)
    elif part != (0, width):
        first, last = part[0], part[0] + part[1]
        was, now = cells(before), cells(after)
        assert (now[:first], now[last:]) == (was[:first], was[last:])
        assert was[first] != now[first] and was[last - 1] != now[last - 1]


@given(TEXTS, st.integers(10, 60))
def test_wrapped_text_stays_within_the_width(text: str, width: int) -> None:
    assert all(width_of(line) <= width for line in wrap(text, width))


def test_a_cut_line_says_so() -> None:
    assert plain(crop(put("a long sentence"), 8)) == "a long…"


def test_a_block_is_filled_and_cut() -> None:
    lines = block([put("one"), put("two"), put("three")], 4, 2)
    assert [plain(line) for line in lines] == ["one ", "two "]
    assert [cell_len(plain(line)) for line in block([], 4, 3)] == [4, 4, 4]


def test_markup_is_text() -> None:
    assert plain(join("[red]", put("[/]"))) == "[red][/]"
