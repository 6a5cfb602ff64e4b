"""The table of the pictures: every two of place, theme and state meet in one of them."""

from __future__ import annotations

from itertools import product

from picture_table import MOST, PICTURES, PLACES, SIZES, STATES
from take import STATES as MADE
from take import WAYS

from tui.screens.views import VIEWS
from tui.themes import THEMES


def test_there_are_not_more_than_a_person_can_look_at() -> None:
    assert len(PICTURES) == len({wanted.name for wanted in PICTURES}) <= MOST


def test_each_state_is_seen_at_each_place() -> None:
    assert {((one.screen, one.size), one.state) for one in PICTURES} >= set(product(PLACES, STATES))


def test_each_theme_is_seen_at_each_place() -> None:
    assert {((one.screen, one.size), one.theme) for one in PICTURES} >= set(product(PLACES, THEMES))


def test_each_state_is_seen_in_each_theme_on_the_dashboard_and_the_wall() -> None:
    seen = {(one.theme, one.state) for one in PICTURES if (one.screen, one.size) in PLACES}
    assert seen == set(product(THEMES, STATES))


def test_each_screen_is_seen_and_the_large_ones_at_a_larger_size_too() -> None:
    assert {one.screen for one in PICTURES} == set(WAYS)
    assert set(VIEWS) <= set(WAYS)
    larger = {one.screen for one in PICTURES if one.size in SIZES[1:]}
    assert larger >= {"operation", "checklist", "matrix", "log", "validation", "plots", "cutover", "rollback"}


def test_other_screens_are_seen_in_each_theme_and_each_state_that_is_not_calm() -> None:
    others = [one for one in PICTURES if one.screen not in ("dashboard", "wall")]
    assert {one.theme for one in others} == set(THEMES)
    assert {one.state for one in others} >= set(STATES) - {"normal"}


def test_each_state_is_made() -> None:
    assert {one.state for one in PICTURES} <= set(MADE)
