"""What docs/frames.md promises to who holds a frame."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tapes import reference

from engine.config import Deployment
from engine.errors import Refused
from engine.portfolio.compute import compute_tape
from engine.portfolio.frame import kpis_of_frame
from engine.portfolio.plan import Plan

PAGE = Path(__file__).parents[2] / "docs" / "frames.md"


def test_the_documented_program_runs_and_says_the_documented_reference(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reference().to_parquet(tmp_path / "tape.parquet")
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall("```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(program.replace("/srv/abaco", str(deployment.root)), {})
    exact, watched, found = capsys.readouterr().out.splitlines()
    value, status = exact.split()
    assert (float(value), status) == (pytest.approx(11.582404478471114, abs=1e-12), "CRITICAL")
    assert float(watched) == pytest.approx(float(value), rel=1e-9)
    assert found.startswith("0 rows")


def test_a_frame_has_the_figures_of_its_tape(plan: Plan, tmp_path: Path) -> None:
    frame = reference().drop(columns="cash_available_usd")
    frame.to_csv(tmp_path / "tape.csv", index=False)
    assert kpis_of_frame(frame, plan).latest.kpis == compute_tape(tmp_path / "tape.csv", plan.config).latest.kpis


def test_a_trend_of_a_frame_without_dates_is_refused(plan: Plan) -> None:
    with pytest.raises(Refused, match="measurement_date"):
        kpis_of_frame(reference(), plan, by_date=True)
