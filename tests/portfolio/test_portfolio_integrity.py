"""Soundness of a tape: each rule finds what breaks it, and nothing in a sound tape, on disk as in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tapes import AMOUNTS, reference, row, write

from engine.config.kpis import KpiConfig
from engine.portfolio import keys
from engine.portfolio.buckets import FIRST_ROWS, Found
from engine.portfolio.examined import examine_tape
from engine.portfolio.frame import examine_frame
from engine.portfolio.integrity import Integrity
from engine.portfolio.plan import plan_of


def found(tmp_path: Path, kpis: KpiConfig, *rows: dict[str, str]) -> Integrity:
    """What the stream of the file finds; the frame has to find the same."""
    plan = plan_of(kpis)
    path = write(tmp_path / "tape.csv", rows)
    streamed = examine_tape(path, plan).found
    assert examine_frame(pd.read_csv(path, dtype={"loan_id": str}), plan) == streamed
    return streamed


def test_a_sound_tape_has_nothing_to_find(tmp_path: Path, kpis: KpiConfig) -> None:
    sound = found(tmp_path, kpis, row("L1"), row("L2"), row("L1", "2025-11-30"))
    assert sound == Integrity(3, {}, {}, {}, {}, Found(0), Found(0), {}, Found(0), {})


def test_the_reference_breaks_no_rule(tmp_path: Path, kpis: KpiConfig) -> None:
    reference().to_csv(tmp_path / "tape.csv", index=False)
    sound = examine_tape(tmp_path / "tape.csv", plan_of(kpis)).found
    assert not (sound.faults or sound.negatives or sound.nulls or sound.too_large or sound.overfull.count)


def test_a_repeated_id_on_one_date_is_a_duplicate(tmp_path: Path, kpis: KpiConfig) -> None:
    assert found(tmp_path, kpis, row("L1"), row("L2"), row("L1"), row("L1")).duplicates == Found(2, (3, 4))


def test_ids_are_text(tmp_path: Path, kpis: KpiConfig) -> None:
    assert found(tmp_path, kpis, row("07"), row("7"), row("7.0")).duplicates == Found(0)


def test_rows_without_an_id_are_no_duplicates_of_each_other(tmp_path: Path, kpis: KpiConfig) -> None:
    unnamed = found(tmp_path, kpis, row("L1"), row(""), row(""))
    assert (unnamed.duplicates, unnamed.unnamed) == (Found(0), Found(2, (2, 3)))


@pytest.mark.parametrize(("second", "expected"), [("2025-11-30", Found(0)), ("2025-12-31", None)])
def test_without_ids_only_one_row_per_period_can_be_told_apart(
    tmp_path: Path, kpis: KpiConfig, second: str, expected: Found | None
) -> None:
    rows = [row(), row(date=second)]
    for line in rows:
        del line["loan_id"]
    assert found(tmp_path, kpis, *rows).duplicates == expected


def test_negative_amounts_are_found(tmp_path: Path, kpis: KpiConfig) -> None:
    assert found(tmp_path, kpis, row("L1"), row("L2", cash_available="-1")).negatives == {
        "cash_available_usd": Found(1, (2,))
    }


def test_a_part_larger_than_its_whole_is_found(tmp_path: Path, kpis: KpiConfig) -> None:
    assert found(tmp_path, kpis, row(dpd_0_7="1000.01")).too_large == {"dpd_0_7_usd": Found(1, (1,))}


def test_parts_that_add_up_to_more_than_their_whole_are_found(tmp_path: Path, kpis: KpiConfig) -> None:
    overfull = found(tmp_path, kpis, row("L1"), row("L2", dpd_0_7="600", dpd_7_30="600"))
    assert (overfull.too_large, overfull.overfull) == ({}, Found(1, (2,)))


def test_nulls_are_judged_on_the_latest_date_too(tmp_path: Path, kpis: KpiConfig) -> None:
    rows = [row(f"L{number}", "2025-11-30") for number in range(9)]
    share = found(tmp_path, kpis, *rows, row("L1", cash_available=""), row("L2"))
    assert share.nulls == {"cash_available_usd": 1}
    assert share.null_percent == {"cash_available_usd": 50.0}


def test_an_outlier_is_beyond_four_standard_deviations(tmp_path: Path, kpis: KpiConfig) -> None:
    rows = [row(f"L{number}", cash_available=str(90 + number % 3)) for number in range(40)]
    assert found(tmp_path, kpis, *rows).outliers == {}
    rows[7]["cash_available_usd"] = "900"
    assert found(tmp_path, kpis, *rows).outliers == {"cash_available_usd": 1}


IDS = st.sampled_from(["1", "01", "", "L" * 8, "L" * 9, "9007199254740993", "9007199254740992"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(IDS, st.sampled_from(["2025-11-30", "2025-12-31"])), min_size=1, max_size=25))
def test_repeats_sought_by_hash_are_those_of_pandas(
    tmp_path: Path, kpis: KpiConfig, drawn: list[tuple[str, str]]
) -> None:
    pairs = pd.DataFrame(drawn, columns=["id", "day"])
    rows = [number + 1 for number in np.flatnonzero(pairs.duplicated() & (pairs["id"] != ""))]
    duplicates = found(tmp_path, kpis, *(row(name, day) for name, day in drawn)).duplicates
    assert duplicates == Found(len(rows), tuple(rows[:FIRST_ROWS]))


def test_identities_that_share_a_hash_are_not_taken_for_one(
    tmp_path: Path, kpis: KpiConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "hashes_of", lambda texts: np.zeros(len(texts), dtype=np.uint64))
    assert found(tmp_path, kpis, row("L1"), row("L2"), row("L1")).duplicates == Found(1, (3,))


def test_faults_far_down_are_found_and_named_by_their_row(tmp_path: Path, kpis: KpiConfig) -> None:
    frame = pd.DataFrame([row()]).loc[[0] * 150_000].reset_index(drop=True)
    frame["loan_id"] = [f"L{number}" for number in range(len(frame))]
    frame[list(AMOUNTS)] = frame[list(AMOUNTS)].astype(float)
    frame.loc[[70_000, 140_000], "dpd_0_7_usd"] = 1000.01
    frame.loc[80_000, ["dpd_0_7_usd", "dpd_7_30_usd"]] = 600.0
    frame.loc[90_000, "cash_available_usd"] = -1.0
    frame.loc[100_000, "total_eligible_usd"] = np.nan
    frame.loc[149_999, "loan_id"] = "L3"
    frame.to_parquet(tmp_path / "tape.parquet")
    told = examine_tape(tmp_path / "tape.parquet", plan_of(kpis)).found
    assert examine_frame(frame, plan_of(kpis)) == told
    assert told.too_large == {"dpd_0_7_usd": Found(2, (70_001, 140_001))}
    assert told.overfull == Found(1, (80_001,))
    assert told.negatives == {"cash_available_usd": Found(1, (90_001,))}
    assert told.nulls == {"total_eligible_usd": 1}
    assert told.duplicates == Found(1, (150_000,))
    assert told.outliers == {"cash_available_usd": 1, "dpd_0_7_usd": 3, "dpd_7_30_usd": 1}
