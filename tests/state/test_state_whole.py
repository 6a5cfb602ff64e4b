"""What a view shows in short, whole: a check with its rows, an operation's output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import Refused
from engine.state import written
from engine.state.written import whole_check, whole_output


def report(path: Path) -> Path:
    check = {
        "status": "FAIL",
        "summary": "40 duplicates",
        "issues": ["x" * 900, "loan L-00117 stands 2 times"],
        "figures": {"duplicates": {"count": 40, "first_rows": [117, 240]}, "nulls": {}, "note": None},
    }
    path.write_text(
        json.dumps({"timestamp": "2026-01-31T09:00:02.000Z", "status": "FAIL", "checks": {"tape": check}, "issues": []})
    )
    return path


def test_every_issue_and_every_figure_is_there_with_its_rows(tmp_path: Path) -> None:
    facts = dict(whole_check(report(tmp_path / "report.json"), "tape"))
    assert facts["issue 2"] == "loan L-00117 stands 2 times" and len(facts["issue 1"]) == 900
    assert facts["duplicates first_rows"] == "117, 240" and facts["duplicates count"] == "40"
    assert "note" not in facts


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="has no check speed"):
        whole_check(report(tmp_path / "report.json"), "speed")
    with pytest.raises(Refused, match=r"none\.json"):
        whole_check(tmp_path / "none.json", "tape")


def test_output_is_whole_harmless_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "output.log"
    path.write_text("".join(f"line {number}\x1b[2J\n" for number in range(100)))
    lines = whole_output(path)
    assert len(lines) == 100 and not any("\x1b" in line for line in lines)
    monkeypatch.setattr(written, "OUTPUT_BYTES", 500)
    assert "are in output.log" in whole_output(path)[0] and whole_output(path)[-1].startswith("line 99")
    assert whole_output(tmp_path / "none.log") == ()
