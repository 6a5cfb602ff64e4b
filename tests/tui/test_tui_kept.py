"""A drawing that is kept says what one made anew would say: at every second, of every panel, in every state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import states
from hypothesis import given
from hypothesis import strategies as st

from engine.state.watch_time import since_cutover, since_stays
from tui.frame import _draw_header
from tui.glyphs import UNICODE
from tui.kept import KeptDrawings
from tui.lines import plain
from tui.look import Look
from tui.panels import header
from tui.panels.every import PANELS
from tui.words import age, age_stays, clock, due_in, due_stays

STATES = {name: value for name, value in vars(states).items() if isinstance(value, states.State)}


def _thousandths(count: int) -> float:
    return count / 1000


SIZES = ((80, 24), (40, 9))


@given(st.integers(-200_000, 400_000_000).map(_thousandths), st.floats(0, 0.999))
def test_an_age_stays_as_long_as_it_says(seconds: float, share: float) -> None:
    assert age(seconds + share * age_stays(seconds) * (1 - 1e-9)) == age(seconds)


@given(st.integers(-200_000_000, 200_000_000).map(_thousandths), st.floats(0, 0.999))
def test_a_time_to_come_stays_as_long_as_it_says(left: float, share: float) -> None:
    stays = due_stays(left)
    assert stays >= 0
    later = left - share * stays * (1 - 1e-9)
    assert said(later) == said(left)


def said(left: float) -> str:
    return due_in(states.NOW + timedelta(seconds=left), states.NOW)


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("state", STATES)
def test_a_kept_drawing_is_never_older_than_its_words(state: str, name: str) -> None:
    kept = KeptDrawings()
    moments = [0.0, 0.4, 1.0, 1.7, *range(2, 9), *range(110, 130), *range(130, 4000, 89), *range(4000, 200_000, 9571)]
    for size in SIZES:
        for passed in moments:
            at = states.NOW + timedelta(seconds=passed)
            shown = kept.draw(f"{name}{size}", PANELS[name], STATES[state], size, Look(UNICODE, at), 1)
            anew = PANELS[name](STATES[state], *size, Look(UNICODE, at))
            assert [plain(line) for line in shown] == [plain(line) for line in anew], passed


@pytest.mark.parametrize("state", STATES)
def test_a_kept_header_is_never_older_than_its_words_and_its_clock_goes_on(state: str) -> None:
    kept = KeptDrawings()
    moments = [0.0, 0.4, 1.0, 1.7, *range(2, 9), *range(110, 130), *range(130, 4000, 89), *range(4000, 200_000, 9571)]
    for width in (80, 120, 200, 41, 9):
        for passed in moments:
            at = states.NOW + timedelta(seconds=passed)
            shown = kept.draw(f"header{width}", _draw_header, STATES[state], (width, 3), Look(UNICODE, at), 1)
            anew = header.draw(STATES[state], width, Look(UNICODE, at))
            assert [plain(line) for line in shown] == [plain(line) for line in anew], (width, passed)


def test_a_header_whose_ages_are_old_is_kept_while_its_clock_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, drawn = KeptDrawings(), []
    draw = header.draw
    monkeypatch.setattr(header, "draw", lambda *given: (drawn.append(1), draw(*given))[1])
    for second in range(600, 630):
        at = states.NOW + timedelta(seconds=second)
        shown = kept.draw("header", _draw_header, states.NORMAL, (120, 3), Look(UNICODE, at), 1)
        assert plain(shown[0]).endswith(f"{clock(at)} ")
    assert len(drawn) < 5


@given(st.integers(-4_000_000, 400_000_000).map(_thousandths), st.floats(0, 0.999), st.sampled_from([1.0, 24.0, 60.0]))
def test_the_time_since_the_cutover_stays_as_long_as_it_says(passed: float, share: float, scale: float) -> None:
    def said(seconds: float) -> str:
        return since_cutover(states.NOW, states.NOW + timedelta(seconds=seconds), scale)

    later = passed + share * since_stays(passed, scale) * (1 - 1e-6)
    assert said(later) == said(passed)


def test_it_is_the_very_same_while_nothing_changes_and_another_for_anything_else() -> None:
    kept = KeptDrawings()

    def draw(at: float = 0.0, content: int = 1, size: tuple[int, int] = (40, 9), **look: Any) -> object:
        made = Look(UNICODE, states.NOW + timedelta(seconds=at), **look)
        return kept.draw("kpis", PANELS["kpis"], states.NORMAL, size, made, content)

    first = draw()
    assert draw(at=5.0) is first
    assert draw(at=-1.0) is not first, "the clock was set back"
    for other in ({"content": 2}, {"size": (41, 9)}, {"cursor": 1}, {"read_only": True}, {"window": "6 h"}):
        first = draw()
        assert draw(**other) is not first, other  # type: ignore[arg-type]
