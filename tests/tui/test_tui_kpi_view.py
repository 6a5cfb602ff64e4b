"""View 4: each KPI beside the old release, the baseline and the tape before; conspicuous ones say why."""

from __future__ import annotations

from msgspec.structs import replace
from states import KPIS, NOW

from tui.glyphs import UNICODE
from tui.lines import Line, plain, width_of
from tui.look import Look
from tui.panels.kpis import compared, run_trend

PAR30 = replace(
    KPIS[0],
    old_release="v1",
    old_value=2.2,
    apart=0.45,
    agreement="0.45 % apart, 0.01 of 0.075 allowed: rounding",
    agrees=True,
    baseline=2.0,
    baseline_of="50 runs of v1",
    last=2.21,
    runs=(2.1, 2.2, 2.21),
)
LOOK = Look(UNICODE, NOW, False)


def said(lines: list[Line]) -> str:
    return " ".join(" ".join(plain(line).split()) for line in lines)


def test_both_releases_stand_side_by_side_with_the_rules_verdict() -> None:
    assert "same tape: v1 2.2, now 2.21; 0.45 % apart, 0.01 of 0.075 allowed: rounding" in said(compared(PAR30, 120))


def test_the_baseline_and_the_tape_before_stand_with_their_change() -> None:
    assert "baseline, 50 runs of v1, 2.00 (+10.50 %); last tape 2.21 (unchanged)" in said(compared(PAR30, 120))


def test_a_variance_and_an_anomaly_are_loud_and_nothing_else_is() -> None:
    roles = {span.role for line in compared(PAR30, 66) for span in line if span.text.strip()}
    assert roles == {"dim"}
    loud = replace(PAR30, agrees=False, agreement="9.1 % apart: COUNTS", anomaly="PAR30 3: +36 % from the last run")
    assert "ANOMALY PAR30 3: +36 % from the last run" in said(compared(loud, 120))
    assert sum(any(span.role == "warn" for span in line) for line in compared(loud, 120)) == 2


def test_what_v1_has_not_computed_says_why() -> None:
    none = replace(PAR30, old_value=None, agrees=None, agreement="v1 has not computed this tape")
    assert "same tape: v1 has not computed this tape" in said(compared(none, 120))


def test_nothing_is_wider_than_its_place() -> None:
    assert all(width_of(line) <= 80 for line in [*compared(PAR30, 66), run_trend(PAR30, 80, LOOK)])
    assert "last 3 runs" in plain(run_trend(PAR30, 80, LOOK))
