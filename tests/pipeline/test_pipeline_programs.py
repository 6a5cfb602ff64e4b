"""The KPI program and the test command of a release, as they are called from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from pipeline_at_work import RELEASES, Pipeline, tape

from engine.pipeline.figures import Figures
from engine.pipeline.sample_tapes import write_reference
from engine.pipeline.selftest import run_selftest
from engine.pipeline.v1 import V1

LOAN = ("L1", "2025-12-31", 1000, 950, 95, 20, 10, 5)


def test_one_process_answers_every_tape_a_line_each(pipeline: Pipeline, tmp_path: Path) -> None:
    write_reference(tmp_path / "good.csv")
    (tmp_path / "empty.csv").write_bytes(tape([]))
    (tmp_path / "nothing.csv").write_bytes(b"")
    names = ["good.csv", "empty.csv", "nothing.csv", "absent.csv", "good.csv"]
    done = pipeline.run("kpi", *(str(tmp_path / name) for name in names))
    assert done.returncode == 0
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(answer["tape"]).name for answer in answers] == names
    assert (answers[0]["rows"], answers[0]["measurement_date"]) == (500, "2025-12-02")
    assert answers[0]["kpis"]["PAR30"]["value"] == (11.6 if pipeline.release == "v1" else 11.58)
    assert (answers[1]["rows"], answers[1]["kpis"]["PAR30"]["value"]) == (0, None)
    assert all(answer["kpis"] == {} and answer["error"] for answer in answers[2:4])
    assert answers[4]["kpis"] == answers[0]["kpis"]


def test_the_test_command_passes_and_counts(pipeline: Pipeline) -> None:
    done = pipeline.run("selftest")
    assert (done.returncode, done.stdout.strip()) == (0, f"{pipeline.release}: 29 of 29 tests passed")


class Wrong(V1):
    """V1 with one figure spoiled."""

    def __init__(self, spoil: Callable[[Figures], Figures]) -> None:
        self._spoil = spoil

    def compute(self, tape: BinaryIO, name: str, *, decimals: int, between: Callable[[], None]) -> Figures:
        return self._spoil(super().compute(tape, name, decimals=decimals, between=between))


@pytest.mark.parametrize("kpi", ["PAR30", "PAR90", "CollectionRate", "PortfolioHealth"])
def test_the_test_command_fails_for_a_wrong_figure(kpi: str, capfd: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace

    def spoil(figures: Figures) -> Figures:
        groups = []
        for group in figures.groups:
            value = group.kpis[kpi].value
            spoiled = replace(group.kpis[kpi], value=None if value is None else value + 0.1)
            groups.append(replace(group, kpis={**group.kpis, kpi: spoiled}))
        return replace(figures, groups=tuple(groups))

    assert not run_selftest(Wrong(spoil))
    assert "29 of 29" not in capfd.readouterr().out


@pytest.mark.parametrize("release", RELEASES)
def test_pipelines_load_neither_pandas_nor_the_code_that_judges_them(release: str) -> None:
    code = (
        "import os, runpy, sys\n"
        "os._exit = sys.exit\n"
        f"sys.argv = ['p', 'selftest', '--release', '{release}']\n"
        "try:\n    runpy.run_module('engine.pipeline', run_name='__main__')\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        "foreign = ('pandas', 'engine.portfolio', 'engine.config', 'engine.validation', 'engine.services')\n"
        "print([name for name in sys.modules if name in foreign])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_v1_starts_without_pyarrow() -> None:
    code = "import sys, engine.pipeline.v1, engine.pipeline.serve; print('pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "False", done.stderr
