"""Small words that a person reads off the screen."""

from __future__ import annotations

import states
from msgspec.structs import replace

from tui import telling
from tui.glyphs import UNICODE
from tui.lines import plain
from tui.look import Look
from tui.panels import kpis, resources, validation
from tui.screens.over import held_of, paragraphs
from tui.words import initials

LOOK = Look(UNICODE, states.NOW)


def test_the_status_update_counts_from_the_cutover_only_while_that_is_what_runs() -> None:
    assert "V2 live, T+07:12" in telling.update(states.NORMAL, LOOK)[0]
    back = replace(states.ROLLED_BACK, cutover_at=states.CUTOVER_AT)
    assert "V1 live, BACK ON V1" in telling.update(back, LOOK)[0]


def test_a_long_label_keeps_its_distance_from_the_text() -> None:
    lines = [plain(line) for line in paragraphs([("on-call operations engineer", "#incidents"), ("CTO", "phone")], 80)]
    assert "on-call operations engineer  #incidents" in lines[0]
    assert lines[0].index("#incidents") == lines[1].index("phone")


def test_a_condition_is_read_as_its_gauge_says_it() -> None:
    disk = next(item for item in states.CONDITIONS if item.id == "DISK")
    assert resources.words_of(states.NORMAL, disk) == "41 GB free"
    assert resources.words_of(states.NORMAL, replace(disk, stale=True)) == "310 x"


def test_a_tier_without_a_hold_is_not_counted_against_nothing() -> None:
    memory = next(item for item in states.CONDITIONS if item.id == "MEM")
    assert held_of(memory) == "12m of 10m"
    assert held_of(replace(memory, hold=0.0)) == "12m"


def test_a_validation_of_another_release_is_named_as_that() -> None:
    other = replace(states.NORMAL, checks=replace(states.CHECKS, stale=True, release="v1"))
    drawn = plain(validation.draw(other, 60, 6, LOOK)[0])
    assert "of v1, 12m ago" in drawn
    old = replace(states.NORMAL, checks=replace(states.CHECKS, stale=True, release="v2"))
    assert "stale, 12m ago" in plain(validation.draw(old, 60, 6, LOOK)[0])


def test_a_check_that_does_not_fit_is_cut_at_a_clause_in_the_panel_and_whole_in_the_view() -> None:
    check = replace(states.CHECKS.checks[1], summary="0 nulls, 0 duplicates, all amounts in range")
    assert plain(validation.row(check, 55)).rstrip().endswith("0 nulls, 0 duplicates…")
    assert "…" not in plain(validation.row(check, 55, whole=True))


def test_how_old_a_stale_kpi_is_stays_readable_at_80_columns() -> None:
    late = replace(states.KPIS[3], stale=True, observed_at=states.NOW - (states.NOW - states.FRESH) * 52)
    row = plain(kpis.row(late, 39, LOOK))
    assert row.rstrip().endswith("stale 104s") and len(row) == 39


def test_initials_are_the_persons_and_not_those_of_the_account_used() -> None:
    assert [initials(name) for name in ("A. Moreno", "kim@ops1", "kim (sudo)@ops1")] == ["AM", "kim", "kim"]
