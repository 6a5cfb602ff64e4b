from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.monitoring.growth import percent_per_hour, theil_sen
from engine.monitoring.kpis import largest_variance
from engine.monitoring.runs import (
    FAILING,
    LATE,
    ON_SCHEDULE,
    Run,
    error_rate,
    run_level,
    run_metrics,
    run_patience,
    usual_interval,
)
from engine.monitoring.tree import Usage, cpu_percent, usage

START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


def a_run(second: float = 0.0, *, rows: int = 1000, errors: int = 0, latency: float | None = 0.65) -> Run:
    at = START + timedelta(seconds=second)
    return Run("r", "v1", at, at + timedelta(seconds=0.5), rows=rows, errors=errors, latency_ms=latency)


def test_latency_is_per_thousand_rows_and_throughput_per_second_of_computing() -> None:
    metrics = run_metrics(a_run(rows=2000, latency=1.3))
    assert metrics["kpi_latency_ms_per_1000_rows"] == pytest.approx(0.65)
    assert metrics["rows_per_second"] == pytest.approx(2000 / 0.0013)
    assert metrics["run_seconds"] == 0.5


def test_what_cannot_be_told_from_a_run_is_left_out() -> None:
    assert set(run_metrics(a_run(rows=0))) == {"run_seconds"}
    assert set(run_metrics(a_run(latency=None))) == {"run_seconds"}


def test_an_error_rate_is_the_sum_of_errors_over_the_sum_of_rows_in_the_window() -> None:
    runs = [a_run(-400, errors=1000), a_run(-200, errors=10), a_run(0, rows=3000, errors=0)]
    assert error_rate(runs, START + timedelta(seconds=0.5), 300, 20) == pytest.approx(10 / 4000 * 100)


def test_few_rows_are_low_volume() -> None:
    assert "LOW VOLUME: 19 rows" in str(error_rate([a_run(rows=19)], START + timedelta(seconds=1), 300, 20))
    assert error_rate([a_run(rows=20)], START + timedelta(seconds=1), 300, 20) == 0


def test_of_a_failed_run_all_rows_are_in_error() -> None:
    read = msgspec.structs.replace(a_run(0, rows=500), status="failed")
    assert error_rate([a_run(-5), read], read.ended, 300, 20) == pytest.approx(500 / 1500 * 100)


def test_a_failed_run_that_does_not_say_what_it_read_has_read_what_the_last_good_run_read_on_the_same_tape() -> None:
    good = [msgspec.structs.replace(a_run(second), tape_sha256="a") for second in (-400, -5)]
    failed = msgspec.structs.replace(a_run(0, rows=0), status="failed", tape_sha256="a")
    assert error_rate([*good, failed], failed.ended, 300, 20) == pytest.approx(50)
    assert error_rate([good[0], failed], failed.ended, 300, 20) == 100, "the good one may be older than the window"
    assert error_rate([*good, msgspec.structs.replace(failed, tape_sha256=None)], failed.ended, 300, 20) == 50


def test_runs_that_fail_on_a_tape_that_no_good_run_has_read_are_no_error_rate() -> None:
    good = msgspec.structs.replace(a_run(-5), tape_sha256="a")
    failed = msgspec.structs.replace(a_run(0, rows=0), status="failed", tape_sha256="b")
    assert error_rate([good, failed], failed.ended, 300, 20) == 0
    assert "LOW VOLUME: 0 rows" in str(error_rate([failed], failed.ended, 300, 20))


def test_the_usual_interval_needs_three_runs() -> None:
    assert usual_interval([a_run(0), a_run(60)]) is None
    assert usual_interval([a_run(0), a_run(60), a_run(121)]) == 60.5


def test_how_the_schedule_stands() -> None:
    ok = a_run()
    failed = Run("r", "v1", START, START, status="failed")
    assert run_level(ok, serves=True, silent_for=5, patience=17) == ON_SCHEDULE
    assert run_level(ok, serves=True, silent_for=18, patience=17) == LATE
    assert run_level(ok, serves=False, silent_for=1, patience=17) == FAILING
    assert run_level(failed, serves=True, silent_for=1, patience=17) == FAILING
    assert run_level(None, serves=True, silent_for=5, patience=17) is None
    assert run_level(None, serves=True, silent_for=18, patience=17) == LATE


def test_a_tree_of_processes_is_measured_together() -> None:
    code = "import time; block = bytearray(40_000_000); print('up', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        alone, both = usage([child.pid]), usage([child.pid, os.getpid()])
        assert alone is not None
        assert both is not None
        assert alone.memory_mb > 40
        assert both.processes == 2
        assert both.cpu_seconds > alone.cpu_seconds
    finally:
        child.kill()
        child.wait()
    assert usage([child.pid]) is None


def test_a_name_with_parentheses_does_not_shift_the_fields(tmp_path: Path) -> None:
    stat = " ".join(["S", *["0"] * 10, "300", "100", "50", "50", "20", "0", "3", "0", "0", "0", "2500", *["0"] * 20])
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text(f"7 (a) b (c) {stat}")
    found = usage([7], tmp_path)
    assert found is not None
    assert (found.cpu_seconds, found.threads) == (500 / os.sysconf("SC_CLK_TCK"), 3)


def test_cpu_is_a_share_of_all_cores() -> None:
    assert cpu_percent(Usage(1, 10.0, 1, 1), Usage(1, 11.0, 1, 1), 2.0, 4) == 12.5
    assert cpu_percent(Usage(1, 10.0, 1, 1), Usage(1, 9.0, 1, 1), 2.0, 4) == 0
    assert cpu_percent(Usage(1, 10.0, 1, 1), Usage(1, 11.0, 1, 1), 0.0, 4) is None


def test_growth_is_a_slope_that_a_single_spike_does_not_move() -> None:
    rising = [(second, 100 + second / 3600 * 12) for second in range(0, 3601, 5)]
    growth = percent_per_hour(rising, 3600)
    assert growth == pytest.approx(12 / 106 * 100, rel=0.02)
    spiked = [(at, 900.0 if 1000 < at < 1200 else value) for at, value in rising]
    assert percent_per_hour(spiked, 3600) == pytest.approx(growth, rel=0.1)
    assert percent_per_hour(rising[:300], 3600) is None


@given(st.floats(-10, 10), st.floats(-100, 100), st.lists(st.integers(0, 1000), min_size=3, max_size=30, unique=True))
def test_the_slope_of_a_line_is_its_slope(slope: float, offset: float, xs: list[int]) -> None:
    assert theil_sen([(x, offset + slope * x) for x in xs]) == pytest.approx(slope, abs=1e-6)


def test_the_documented_shadow_run_is_rounding_and_no_variance() -> None:
    old = {"PAR30": 2.20, "PAR90": 0.31, "CollectionRate": 12.0}
    new = {"PAR30": 2.21, "PAR90": 0.32, "CollectionRate": 11.97}
    assert largest_variance(old, new, tuple(old), absolute=0.02, decimals=(1, 2)) == 0
    assert largest_variance(
        {"PAR30": 2.2}, {"PAR30": 2.4}, ("PAR30",), absolute=0.02, decimals=(1, 2)
    ) == pytest.approx(9.09, abs=0.01)
    assert largest_variance({"PAR30": 2.2}, {"PAR30": None}, ("PAR30",), absolute=0.02, decimals=(1, 2)) == 100
    assert largest_variance({}, {}, ("PAR30",), absolute=0.02, decimals=(1, 2)) is None


def test_a_run_is_late_from_when_it_was_due_and_not_cadences_later() -> None:
    assert run_patience(3600, 3.5) == 3660
    assert run_patience(5, 3.5) == 17.5
