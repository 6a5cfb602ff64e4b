"""A tape that changes while it is read: what was read is of no one tape, and nothing is judged by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from production import AMOUNTS, Production, loans

from engine.portfolio.examined import Examined, examine_tape
from engine.validation import evidence


def changing(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Path, int], None], *, breaks: bool = False
) -> list[int]:
    """Each reading of a tape is followed by ``change``; with ``breaks`` the first one comes to grief over it."""
    readings: list[int] = []

    def reads(path: Path, *rest: Any, **more: Any) -> Examined:
        readings.append(len(readings))
        found = examine_tape(path, *rest, **more)
        change(path, readings[-1])
        if breaks and readings == [0]:
            raise KeyError("measurement_date")
        return found

    monkeypatch.setattr(evidence, "examine_tape", reads)
    return readings


def write_part(path: Path, count: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(loans()[:count]).drop_columns("measurement_date")
    amounts = {name: pc.cast(table[name], pa.float64()) for name in AMOUNTS}
    pq.write_table(pa.table({"loan_id": table["loan_id"], **amounts}), path)


def another_loan(production: Production) -> None:
    production.write_tape([*loans(), {**loans()[-1], "loan_id": "L999"}])


def test_it_is_read_again_when_a_reading_came_to_grief_over_a_change(
    production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = changing(monkeypatch, lambda _, at: another_loan(production) if at == 0 else None, breaks=True)
    report = production.validate()
    assert len(readings) >= 2
    assert report.checks["data_integrity"].figures["rows"] == 61


def test_a_mistake_is_not_taken_for_a_change(production: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    changing(monkeypatch, lambda *_: None, breaks=True)
    with pytest.raises(KeyError):
        production.validate()


def test_a_file_replaced_deep_in_a_partitioned_tape_is_seen(
    production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of the tape's own directory tells nothing of it."""
    tape = production.deployment.root / "data/parts"
    for day in ("2025-11-30", "2025-12-31"):
        write_part(tape / f"measurement_date={day}/part.parquet", 30)

    def replaced(path: Path, at: int) -> None:
        if at == 0:
            write_part(path / "measurement_date=2025-12-31/part.parquet", 10)

    readings = changing(monkeypatch, replaced)
    report = production.validate(tape=tape)
    assert len(readings) == 2
    assert report.checks["data_integrity"].figures["latest_rows"] == 10
