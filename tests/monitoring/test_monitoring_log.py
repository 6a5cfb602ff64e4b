from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.monitoring.log import HEADER, MonitoringLog, Row, render

AT = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


def test_a_row_is_the_documented_one_to_the_letter() -> None:
    row = Row(AT, 0.65, 0.0, 105.0, 25.0, "PASS", "")
    assert render(row) == "02:00      | 0.65         | 0%         | 105         | 25%     | PASS   |"


def test_the_header_is_the_documented_one() -> None:
    assert HEADER == (
        "TIME (UTC) | LATENCY (ms) | ERROR RATE | MEMORY (MB) | CPU (%) | STATUS | NOTES\n"
        "-----------|--------------|------------|-------------|---------|--------|------\n"
    )


def test_missing_is_a_dash_and_never_a_zero() -> None:
    assert render(Row(AT, None, None, None, None, "ERROR", "x")).count("| -") == 4


@pytest.mark.parametrize("notes", ["a|b", "a\nb", "\x1b[31mred", "\u202eback"])
def test_notes_can_neither_make_a_column_nor_a_line_nor_steer_a_terminal(tmp_path: Path, notes: str) -> None:
    log = MonitoringLog(tmp_path / "monitoring.log")
    log.append(Row(AT, 0.65, 0.02, 105.0, 25.0, "PASS", notes))
    lines = (tmp_path / "monitoring.log").read_text().splitlines()
    assert len(lines) == 4
    assert lines[-1].count("|") == 6
    assert lines[-1].isprintable()


def test_one_header_and_a_date_line_for_each_day_across_writers(tmp_path: Path) -> None:
    path = tmp_path / "monitoring.log"
    for day, hour in ((30, 23), (30, 23), (31, 0), (31, 1)):
        MonitoringLog(path).append(Row(AT.replace(day=day, hour=hour), 1.0, 0.0, 1.0, 1.0, "PASS", "2026-01-29"))
    text = path.read_text()
    assert text.count(HEADER) == 1
    assert [line for line in text.splitlines() if len(line) == 10] == ["2026-01-30", "2026-01-31"]


def test_a_torn_last_line_stays_alone(tmp_path: Path) -> None:
    path = tmp_path / "monitoring.log"
    path.write_text(HEADER + "2026-01-31\n01:00      | 0.6")
    MonitoringLog(path).append(Row(AT, 0.65, 0.0, 105.0, 25.0, "PASS", ""))
    assert path.read_text().splitlines()[-1].startswith("02:00 ")
