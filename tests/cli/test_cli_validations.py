"""``abaco-ops validations``: earlier validations as a trend, and each report again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.cli.frame import main
from engine.config import Deployment
from engine.validation.history import Kept, keep
from engine.validation.model import Check, Part, Report
from engine.validation.reports import report_json

Command = Callable[..., tuple[int, str, str]]
CHECKS = {"kpi_calculations": "PASS", "data_integrity": "WARN", "performance": "NOT RUN", "audit_trail": "FAIL"}


def kept(day: int, **fields: Any) -> Kept:
    plain = {
        "timestamp": f"2026-01-{day:02}T02:00:00.000Z", "status": "PASS", "release": "v2", "build": None, "tape": "t",
        "tape_sha256": "s", "measurement_date": None, "scheduled": True, "occasion": "slot", "live": True,
        "seconds": 1.0, "checks": CHECKS, "issues": 0, "report": f"logs/validation_202601{day:02}_020000.json",
        "figures": {"rows": 60.0 + day, "run_seconds": 0.25}, "kpis": {"PAR30": 2.0 + day / 10},
    }  # fmt: skip
    return msgspec.convert({**plain, **fields}, Kept)


@pytest.fixture
def command(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*words: str) -> tuple[int, str, str]:
        code = main(["--root", str(deployment.root), *words], lambda *_: 9)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def three(deployment: Deployment) -> Deployment:
    for line in (kept(1), kept(2, status="FAIL"), kept(3, live=False)):
        keep(deployment.paths, line)
    return deployment


def write_report(deployment: Deployment, name: str) -> Path:
    part = Part("volume", "about as many rows", "NOT RUN", "0 earlier tapes")
    report = Report(
        "2026-01-01T02:00:00.000Z", "WARN", "v2", None, "t", None, None, False, 1.0,
        {"data_integrity": Check("WARN", "something", {}, ("something",), (part,))}, ("data_integrity: something",),
    )  # fmt: skip
    path = deployment.root / name
    path.write_bytes(report_json(report))
    return path


def test_each_validation_is_a_row_with_its_verdicts_and_figures(command: Command, three: Deployment) -> None:
    code, out, _ = command("validations")
    rows = [line.split() for line in out.splitlines()]
    assert code == 0
    assert rows[0][:8] == ["REPORT", "VERDICT", "kpi", "data", "perf", "err", "aud", "OF"]
    assert rows[1] == ["20260101_020000", "PASS", "ok", "W", "-", "-", "F", "v2", "61", "2.10"]
    assert rows[2][1] == "FAIL"
    assert rows[3][7] == "v2*"
    assert ["PAR30", "2.30", "2.20", "2.10", "2.30"] in rows  # last, median, least, largest
    assert ["PAR90", "not", "measured"] in rows
    assert all(len(line) <= 80 for line in out.splitlines())


def test_other_figures_and_fewer_validations_can_be_asked_for(command: Command, three: Deployment) -> None:
    out = command("validations", "--last", "2", "--figure", "run_seconds")[1]
    assert "20260101" not in out
    assert out.splitlines()[0].split()[-1] == "run_seconds"[:7]
    assert out.splitlines()[1].split()[-1] == "0.25"


def test_a_figure_that_is_none_is_refused_with_the_nearest(command: Command, three: Deployment) -> None:
    code, _, err = command("validations", "--figure", "run_second")
    assert code == 2
    assert "did you mean run_seconds?" in err


def test_json_has_every_line_and_the_chosen_figures(command: Command, three: Deployment) -> None:
    found = json.loads(command("validations", "--json", "--figure", "PAR30")[1])
    assert found["figures"] == ["PAR30"]
    assert [one["shown"]["PAR30"] for one in found["validations"]] == [2.1, 2.2, 2.3]
    assert [one["live"] for one in found["validations"]] == [True, True, False]
    assert found["damaged_lines"] == 0


def test_damaged_lines_are_said(command: Command, three: Deployment) -> None:
    with three.paths.validations.open("a") as file:
        file.write("no line\n")
    assert command("validations")[1].startswith("1 lines of logs/validations.jsonl are damaged")


def test_hostile_text_of_a_line_steers_no_terminal(command: Command, deployment: Deployment) -> None:
    keep(deployment.paths, kept(1, release="\x1b[2J\u202e", report="logs/validation_\x1b[31m.json"))
    out = command("validations")[1]
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[2J\\u202e" in out


def test_without_a_validation_it_says_what_makes_one(command: Command) -> None:
    assert command("validations") == (0, "no validation is on record: abaco-ops validate\n", "")


@pytest.mark.parametrize("name", ["20260101_020000", "validation_20260101_020000.json", "newest"])
def test_one_report_is_shown_again(command: Command, deployment: Deployment, name: str) -> None:
    write_report(deployment, "logs/validation_20260101_020000.json")
    write_report(deployment, "production_validation_report.json")
    code, out, _ = command("validations", name, "--parts")
    assert code == 0
    assert "WARN    data integrity   something" in out
    assert "NOT RUN about as many rows: 0 earlier tapes" in out
    assert json.loads(command("validations", name, "--json")[1])["status"] == "WARN"


@pytest.mark.parametrize("name", ["../../etc/passwd", "20260101", "events.jsonl"])
def test_what_names_no_report_is_refused(command: Command, name: str) -> None:
    code, _, err = command("validations", name)
    assert code == 2
    assert "names no report" in err


def test_a_report_that_is_not_there_or_damaged_is_said(command: Command, deployment: Deployment) -> None:
    assert "there is no report" in command("validations", "20260101_020000")[2]
    (deployment.paths.logs / "validation_20260101_020000.json").write_text("{")
    code, _, err = command("validations", "20260101_020000")
    assert code != 0
    assert "cannot be read" in err


def test_a_page_is_written_where_it_was_asked_for(command: Command, deployment: Deployment, tmp_path: Path) -> None:
    write_report(deployment, "production_validation_report.json")
    assert command("validations", "--html", str(tmp_path / "page.html"))[0] == 0
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>")
    assert command("validations", "newest", "--html", "-")[1] == page


@pytest.mark.parametrize("words", [("validations",), ("validate",)])
def test_a_page_never_takes_the_place_of_a_pipe_or_device(
    command: Command, deployment: Deployment, tmp_path: Path, words: tuple[str, ...]
) -> None:
    write_report(deployment, "production_validation_report.json")
    os.mkfifo(tmp_path / "pipe")
    code, _, err = command(*words, "--html", str(tmp_path / "pipe"))
    assert code == 2
    assert "is no ordinary file" in err
    assert (tmp_path / "pipe").is_fifo()
    assert command(*words, "--html", str(tmp_path / "nowhere" / "page.html"))[0] == 2
