"""One definition, several engines: whatever is in a tape, both sample releases and the validator say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from production import AMOUNTS

from engine.config import Deployment
from engine.pipeline.__main__ import release_program
from engine.pipeline.answers import figures_json
from engine.pipeline.figures import TapeUnreadable as ReleaseRefused
from engine.portfolio.compute import compute_tape
from engine.portfolio.unreadable import TapeUnreadable
from engine.validation.agreement import compare

SOUND = st.floats(min_value=0, max_value=1e7).map(lambda amount: f"{amount:.2f}")
ODD = st.sampled_from(
    [
        *("", " ", "NA", "NULL", "NaN", "nan", "None", "NAN", "abc", "inf", "-Infinity", "1e400", "-1e400"),
        *(
            " 12.5 ",
            "1_0",
            "0x1f",
            "-5",
            "+3.",
            ".5",
            "1e5",
            "1E-3",
            "0",
            "-0",
            "True",
            "1;5",
            "1 2",
            "--1",
            "1e",
            "９",
        ),
    ]
)
CELL = st.one_of(SOUND, SOUND, SOUND, SOUND, ODD)
DATE = st.one_of(
    *[st.sampled_from(["2025-12-31", "2025-11-30", "2025-12-31T10:00:00", "2025-12-31 10:00"])] * 12,
    st.sampled_from(["", "31/12/2025", "20251231", "2025-13-01", "2025-12-31x", "soon"]),
)


@st.composite
def tapes(draw: st.DrawFn) -> str:
    dropped = draw(st.sampled_from(["", "", "", *AMOUNTS, "measurement_date"]))
    names = [name for name in ("loan_id", "measurement_date", *AMOUNTS) if name != dropped]
    lines = [",".join(names)]
    for number in range(draw(st.integers(min_value=0, max_value=5))):
        cells = {"loan_id": f"0{number}", "measurement_date": draw(DATE)}
        lines.append(",".join(cells.get(name) or ("" if name in cells else draw(CELL)) for name in names))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("release", ["v1", "v2"])
@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=tapes())
def test_releases_and_validator_agree_on_any_tape(
    tmp_path: Path, deployment: Deployment, release: str, text: str
) -> None:
    path = tmp_path / "tape.csv"
    path.write_text(text, encoding="utf-8")
    answer: dict[str, Any] | None
    try:
        with path.open("rb") as stream:
            figures = release_program(release).compute(stream, path.name, decimals=9, between=lambda: None)
        answer = figures_json(figures)
    except ReleaseRefused:
        answer = None
    try:
        recomputed = compute_tape(path, deployment.kpis).latest
    except TapeUnreadable:
        assert answer is None
        return
    assert answer is not None
    for name, kpi in recomputed.kpis.items():  # 9 decimals of a huge ratio are beyond what any engine can promise
        if kpi.value is not None and abs(kpi.value) > 1e6:
            assert answer["kpis"][name]["value"] == pytest.approx(kpi.value, rel=1e-9)
            answer["kpis"][name]["value"] = kpi.value
    issues = compare(answer, recomputed, 8).issues
    assert issues == ()
