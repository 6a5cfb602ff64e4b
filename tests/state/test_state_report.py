"""The validation report as the screen shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.state.written import NewestReport, parse_report, validation_view

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)


def report(**changes: Any) -> bytes:
    checks = {
        "kpi_calculations": {"status": "PASS", "figures": {"compared": 4}, "issues": []},
        "data_integrity": {"status": "FAIL", "issues": ["duplicates: 3 rows"]},
    }
    plain = {"timestamp": AT.isoformat(), "status": "FAIL", "release": "v2", "checks": checks, "issues": ["x"]}
    return msgspec.json.encode({**plain, **changes})


def view(data: bytes, **changes: Any) -> Any:
    given = {"release": "v2", "good_for": 3600.0, "running": False, **changes}
    return validation_view(parse_report(data), Path("r.json"), AT + timedelta(minutes=1), **given)


def test_each_check_says_what_it_found() -> None:
    checks = view(report()).checks
    assert [(check.name, check.status, check.summary) for check in checks] == [
        ("kpi_calculations", "PASS", "compared 4"),
        ("data_integrity", "FAIL", "duplicates: 3 rows"),
    ]


def test_a_report_on_another_release_or_an_old_one_is_stale() -> None:
    assert not view(report()).stale
    assert view(report(), release="v1").stale
    assert view(report(), release=None).stale
    assert view(report(), good_for=30.0).stale


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", report(status="FINE"), report(checks=[1])])
def test_what_is_no_report_is_a_problem_and_no_pass(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "production_validation_report.json"
    path.write_bytes(data)
    problems: list[str] = []
    assert NewestReport(path).read(problems) is None
    assert len(problems) == 1


@given(st.recursive(st.none() | st.text(max_size=3) | st.integers(), lambda i: st.dictionaries(st.text(max_size=3), i)))
def test_odd_checks_never_stop_the_reader(tmp_path_factory: pytest.TempPathFactory, odd: Any) -> None:
    path = tmp_path_factory.mktemp("report") / "r.json"
    path.write_bytes(report(checks={"kpi_calculations": odd}, issues=odd))
    NewestReport(path).read([])
