"""The KPIs over time: changes, anomalies told once, the baseline, and V1 against V2 on the same tape."""

from __future__ import annotations

from typing import Any

import pytest
from test_monitoring_shadow import shadow
from watching import KPIS, Watching, condition

from engine.config.kpis import AnomalySection
from engine.monitoring.kpi_watch import conspicuous
from engine.monitoring.kpis import compared
from engine.monitoring.store import SampleStore
from engine.records import read_lines
from engine.state.event_words import in_words
from engine.validation.agreement import rounding

RULES = AnomalySection(20, 4, 1)


def kinds(value: float, last: float | None = None, history: Any = (), dates: Any = ()) -> list[str]:
    return [kind for kind, _ in conspicuous(value, last, history, dates, 0.03, RULES)]


@pytest.mark.parametrize(
    ("value", "last", "expected"),
    [
        (2.40, 2.0, []),  # 20 % is not above 20 %
        (2.41, 2.0, ["change"]),
        (1.59, 2.0, ["change"]),
        (0.13, 0.10, []),  # 30 %, and within rounding
        (0.14, 0.10, ["change"]),
        (1.0, 0.0, ["change"]),
        (9.0, None, []),
    ],
)
def test_a_change_of_more_than_a_fifth_from_run_to_run_is_an_anomaly(
    value: float, last: float | None, expected: list[str]
) -> None:
    assert kinds(value, last) == expected


def test_an_outlier_lies_beyond_four_standard_deviations_of_enough_tapes_or_dates() -> None:
    usual = [2.0, 2.2] * 5  # mean 2.1, deviation 0.1
    assert kinds(2.5, history=usual) == []
    assert kinds(2.51, history=usual) == ["outlier"]
    assert kinds(9.0, history=usual[:9]) == []
    assert kinds(2.51, dates=[*usual, 2.51]) == ["outlier"]
    assert kinds(9.0, 2.0, usual, [*usual, 9.0]) == ["change", "outlier"], "each kind once"
    assert kinds(2.02, history=[2.0] * 10) == [], "a constant past makes no outlier of rounding"
    assert kinds(2.2, history=[2.0] * 10) == ["outlier"]


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        (2.2, 2.27, False),
        (2.2, 2.28, True),
        (12.0, 11.97, False),
        (12.0, 11.9, True),
        (0.0, 0.07, False),
        (0.0, 0.08, True),
        (2.2, None, True),
    ],
)
def test_a_variance_counts_only_beyond_what_rounding_allows(old: float, new: float | None, counts: bool) -> None:
    found = compared(old, new, (1, 2), 0.02)
    assert found is not None
    assert (found.counted > 0, not found.rounding) == (counts, counts)
    assert ("COUNTS" in found.words) is counts


def test_the_last_binary_digit_makes_no_variance() -> None:
    assert rounding((2, 2), 0.02) < 0.34 - 0.31
    found = compared(0.31, 0.34, (2, 2), 0.02)
    assert found is not None
    assert found.rounding


def anomalies(watching: Watching) -> list[dict[str, Any]]:
    return [event for event in read_lines(watching.deployment.paths.events) if event["kind"] == "kpi.anomaly"]


def test_an_anomaly_is_shown_and_told_once_and_judges_no_release(watching: Watching) -> None:
    watching.cut_over()
    shadow(watching, "t1")
    watching.tick(2, runs_every=1)
    watching.validated(tape="t2")
    shadow(watching, "t2", values={**KPIS, "PAR30": 3.0})
    seen = watching.tick(3, runs_every=1, tape="t2", kpis={**KPIS, "PAR30": 3.0})
    par30 = seen.kpis[0]
    assert par30.anomaly == "PAR30 3: +36 % from the last run (2.2), more than 20 %"
    assert (par30.last, [kpi.anomaly for kpi in seen.kpis[1:]]) == (2.2, ["", "", ""])
    watching.restart()
    seen = watching.tick(2, runs_every=1, tape="t2", kpis={**KPIS, "PAR30": 3.0})
    assert seen.kpis[0].anomaly == par30.anomaly
    (event,) = anomalies(watching)
    assert (event["data"]["kpi"], event["data"]["owner"], event["data"]["kinds"]) == ("PAR30", "CRO", ["change"])
    assert "KPI anomaly, for CRO: PAR30 3: +36 %" in in_words(event)
    assert not any(one.firing for one in seen.conditions if one.id in ("DQ", "VAL", "KPIV"))
    seen = watching.tick(1, runs_every=1, tape="t3", kpis={**KPIS, "PAR30": 3.1})
    assert seen.kpis[0].anomaly == ""
    assert len(anomalies(watching)) == 1


def test_the_same_tape_in_the_new_release_is_no_new_anomaly(watching: Watching) -> None:
    watching.tick(1)
    watching.tick(1, tape="t2", kpis={**KPIS, "PAR90": 0.6})
    assert len(anomalies(watching)) == 1
    watching.cut_over()
    seen = watching.tick(2, runs_every=1, tape="t2", kpis={**KPIS, "PAR90": 0.6})
    assert len(anomalies(watching)) == 1
    assert seen.kpis[1].anomaly


def test_the_baseline_of_each_kpi_is_the_median_of_v1s_runs_and_stands_after_the_cutover(watching: Watching) -> None:
    for value in (2.0, 2.1, 2.5):
        watching.tick(1, kpis={**KPIS, "PAR30": value})
    watching.cut_over()
    seen = watching.tick(6, kpis={**KPIS, "PAR30": 2.2})
    watching.restart()
    seen = watching.tick(1, kpis={**KPIS, "PAR30": 2.2})
    par30 = seen.kpis[0]
    assert (par30.baseline, par30.baseline_of) == (2.1, "3 runs of v1")
    assert seen.baseline is not None
    assert seen.baseline.kpis["CollectionRate"] == 12.0


def test_each_kpi_stands_beside_what_v1_made_of_the_same_tape(watching: Watching) -> None:
    watching.cut_over()
    seen = watching.tick(1, tape="t2", kpis={**KPIS, "PAR30": 2.24})
    assert (seen.kpis[0].old_value, seen.kpis[0].agreement) == (None, "v1 has not computed this tape")
    shadow(watching, "t9", values={**KPIS, "PAR30": 9.0})
    seen = watching.tick(1, tape="t2", kpis={**KPIS, "PAR30": 2.24})
    assert seen.kpis[0].old_value is None, "another tape's value says nothing"
    shadow(watching, "t2", values={**KPIS, "CollectionRate": 10.0})
    seen = watching.tick(1, tape="t2", kpis={**KPIS, "PAR30": 2.24})
    par30, _, rate, _ = seen.kpis
    assert (par30.old_release, par30.old_value, par30.agrees) == ("v1", 2.2, True)
    assert par30.agreement == "1.82 % apart, 0.04 of 0.075 allowed: rounding"
    assert (rate.old_value, rate.agrees, round(rate.apart or 0)) == (10.0, False, 20)
    assert condition(seen, "KPIV").value == rate.apart


def test_tapes_without_a_hash_are_never_taken_for_the_same(watching: Watching) -> None:
    watching.tick(2, tape_sha256=None)
    watching.cut_over()
    seen = watching.tick(2, runs_every=1, tape_sha256=None, kpis={**KPIS, "PAR30": 9.0})
    variance = condition(seen, "KPIV")
    assert (variance.level, variance.firing) == ("missing", "")
    assert variance.reason == "the tape has no hash, so v1 cannot be shown to have computed the same one"


def test_the_values_of_every_run_are_kept_and_shown(watching: Watching) -> None:
    for value in (2.0, 2.1, 2.2):
        seen = watching.tick(1, kpis={**KPIS, "PAR30": value})
    assert seen.kpis[0].runs == (2.0, 2.1, 2.2)
    assert len(seen.kpis[0].trend) == 3
    watching.restart()
    seen = watching.tick(1, kpis={**KPIS, "PAR30": 2.3})
    assert seen.kpis[0].runs == (2.0, 2.1, 2.2, 2.3)
    store = SampleStore(watching.deployment.paths.samples, read_only=True)
    kept = store.series("kpi:PAR30", watching.stage.since or watching.clock.now().wall)
    store.close()
    assert [value for _, value in kept] == [2.0, 2.1, 2.2, 2.3]
