"""Repeated identities of a streamed tape: found by hash, counted by their texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_tapes import DAYS
from tapes import row, write

from engine.config.kpis import KpiConfig
from engine.portfolio import keys, repeats
from engine.portfolio.compute import compute_tape
from engine.portfolio.key_hashes import hashes_of
from engine.portfolio.plan import Plan
from engine.portfolio.repeats import count_repeats

IDS = st.sampled_from(["1", "01", "", " 1 ", "NA", "L" * 8, "L" * 9, "9007199254740993", "9007199254740992", "é", "e"])
SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


def read_whole(path: Path, kpis: KpiConfig, *, dated: bool) -> dict[str | None, int | None]:
    result = compute_tape(path, kpis, by_date=dated)
    return {group.measurement_date: group.duplicates for group in result.by or (result.latest,)}


@settings(max_examples=60, **SETTINGS)
@given(st.lists(st.tuples(IDS, st.sampled_from(DAYS)), min_size=1, max_size=25), st.booleans(), st.booleans())
def test_counts_are_those_of_the_tape_read_whole(
    tmp_path: Path, plan: Plan, drawn: list[tuple[str, str]], dated: bool, parquet: bool
) -> None:
    rows = [row(name, day if dated else None) for name, day in drawn]
    path = tmp_path / "tape.csv"
    if parquet:
        pd.DataFrame(rows).to_parquet(path, row_group_size=4)
    else:
        write(path, rows)
    whole = read_whole(path, plan.config, dated=dated)
    assert count_repeats(path, plan, workers=2) == {day: count for day, count in whole.items() if count}


def test_identities_that_share_a_hash_are_not_taken_for_one(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "tape.csv", [row(name) for name in ("L1", "L2", "L3", "L1")])
    monkeypatch.setattr(keys, "hashes_of", lambda texts: np.zeros(len(texts), dtype=np.uint64))
    assert count_repeats(path, plan) == {"2025-12-31": 1}


def test_very_many_repeats_are_looked_at_in_rounds(tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame([row(f"L{number // 2}") for number in range(60)])
    frame.to_parquet(tmp_path / "tape.parquet", row_group_size=7)
    monkeypatch.setattr(repeats, "_AT_ONCE", 10)
    assert count_repeats(tmp_path / "tape.parquet", plan) == {"2025-12-31": 30}


def test_whole_numbers_beyond_doubles_are_told_apart(tmp_path: Path, plan: Plan) -> None:
    frame = pd.DataFrame([row()] * 3)
    frame["loan_id"] = pd.array([2**53, 2**53 + 1, None], dtype="Int64")
    frame.to_parquet(tmp_path / "tape.parquet")
    assert count_repeats(tmp_path / "tape.parquet", plan) == {}


def test_a_tape_without_identities_cannot_tell(tmp_path: Path, plan: Plan) -> None:
    line = row()
    del line["loan_id"]
    assert count_repeats(write(tmp_path / "tape.csv", [line]), plan) is None


@given(st.lists(st.text(max_size=20), max_size=20), st.integers(0, 3))
def test_equal_texts_have_equal_hashes_wherever_they_stand_and_others_do_not(texts: list[str], skipped: int) -> None:
    whole = hashes_of(pa.array(texts, pa.string()))
    assert hashes_of(pa.array(texts, pa.string())[skipped:]).tolist() == whole[skipped:].tolist()
    assert len(set(whole.tolist())) == len(set(texts))
