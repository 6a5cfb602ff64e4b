"""Every picture of the console is as it was accepted; a person accepts one by looking at it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from picture_table import PICTURES, Wanted
from take import ACCEPT, GOLDEN, Taken, accepted, complaint, console, take

from tui.panels import kpis
from tui.theme import Brushes
from tui.themes import THEMES, Ink, Theme

ONE = PICTURES[0]


@pytest.mark.parametrize("wanted", PICTURES, ids=lambda wanted: wanted.name)
async def test_the_screen_is_as_it_was_accepted(wanted: Wanted) -> None:
    told = complaint(wanted, await take(wanted))
    assert not told, told


def test_no_picture_is_kept_that_is_not_taken() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {wanted.name for wanted in PICTURES}


async def test_a_changed_text_is_told_with_its_picture_its_row_and_what_accepts_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.panels.kpis.NAME", "KPJs")
    told = complaint(ONE, await take(ONE)).splitlines()
    assert told[0] == f"{ONE.name} differs:"
    assert told[1] == "  row 05"
    assert "was ─4 KPIs ─" in told[2]
    assert "is  ─4 KPJs ─" in told[3]
    assert f"{ACCEPT} {ONE.name}" in told[-1]
    assert len(told) == 5


async def test_a_changed_colour_is_told() -> None:
    inks = {**THEMES["dark"].inks, "trend": Ink("#6f8aa7")}
    app = console(ONE)
    app.brushes = Brushes(themes={**THEMES, "dark": Theme("dark", "#10141a", "#26303c", inks)}, name="dark")
    told = complaint(ONE, await take(ONE, app)).splitlines()
    assert told[1] == "  ink trend"
    assert "was  #6f8aa6 on" in told[2]
    assert "is   #6f8aa7 on" in told[3]
    assert len(told) == 5


async def test_the_same_text_in_another_ink_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kpis._STATUS, "ok", ("ok", "crit"))
    told = complaint(ONE, await take(ONE)).splitlines()
    assert told[1] == "  inks of row 06"
    assert not [line for line in told if line.startswith("  row ")]


def test_a_picture_that_nobody_accepted_is_told() -> None:
    unknown = replace(ONE, screen="nowhere")
    assert "never accepted" in complaint(unknown, Taken("01|x|\n", ""))


@pytest.mark.parametrize("at", [3, 200, -4])
def test_any_other_character_is_a_difference(at: int) -> None:
    was = accepted(ONE)
    changed = list(was)
    changed[at] = "§"
    assert complaint(ONE, Taken("".join(changed), ""))
