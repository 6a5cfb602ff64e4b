"""``abaco-ops validate``: what a person reads, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from production import Production, loans

from engine.cli import frame
from engine.validation import run as validation_run
from engine.validation.run import Judged

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def validate(production: Production, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr(validation_run, "running_release", lambda deployment, release: Judged("v2", ""))
    console = production.deployment.root / "config/console.yml"  # its runs are of another day: not on a schedule
    console.write_text(console.read_text().replace("pipeline_run: 5s", "pipeline_run: null"))

    def command(*words: str) -> tuple[int, str, str]:
        code = frame.main(["--root", str(production.deployment.root), *words], lambda root, read_only: 9)
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def test_a_pass_is_five_lines_and_a_word(validate: Command) -> None:
    code, out, _ = validate("validate")
    assert code == 0
    words = [line.split() for line in out.splitlines() if line.strip()]
    assert [line[0] for line in words[1:6]] == ["PASS"] * 5
    assert words[6][:6] == ["PASS", "5", "of", "5", "checks", "passed,"]
    assert all(len(line) <= 80 for line in out.splitlines())


def test_a_failure_names_every_issue_and_exits_1(validate: Command, production: Production) -> None:
    production.run(faults="wrong-par30", rows=1)
    code, out, _ = validate("validate")
    assert code == 1
    assert "PAR30 is given as" in out
    assert "v2 read 1 of 60 rows" in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_a_warning_is_said_and_exits_0(validate: Command, production: Production) -> None:
    production.run(events=False)
    production.run()
    code, out, _ = validate("validate")
    assert code == 0
    assert "WARN    audit trail" in out
    assert "\n WARN   4 of 5" in out


def test_json_is_the_report_on_disk(validate: Command, production: Production) -> None:
    code, out, _ = validate("validate", "--json")
    assert code == 0
    assert json.loads(out) == json.loads(production.deployment.paths.validation_report.read_text())


def test_read_only_validates_nothing(validate: Command, production: Production) -> None:
    code, _, err = validate("--read-only", "validate")
    assert code == 2
    assert "read-only" in err
    assert not production.deployment.paths.validation_report.exists()


def test_another_tape_is_said_to_be_a_trial(validate: Command, production: Production) -> None:
    other = production.write_tape(loans(), production.deployment.root / "other.csv")
    _, out, _ = validate("validate", "--tape", str(other))
    assert "trial on another tape" in out
    assert "production_validation_report.json" not in out


def test_a_word_too_long_for_its_line_goes_on_behind_a_mark(validate: Command, production: Production) -> None:
    entry = production.runs[-1]
    long = f"data/metrics/{'kpis_of_a_release_' * 5}.csv"
    entry["outputs"][1]["path"] = long
    production.rewrite_record(entry)
    directory = production.deployment.root / ("a_directory_" * 9)
    directory.mkdir()
    other = production.write_tape(loans(), directory / "tape.csv")
    for words in (("validate",), ("validate", "--tape", str(other))):
        _, out, _ = validate(*words)
        lines = out.splitlines()
        assert all(len(line) <= 80 for line in lines)
        told = "".join(line.removesuffix("\\").strip() if line.endswith("\\") else f"{line.strip()} " for line in lines)
        assert (long if len(words) == 1 else f"{directory.name}/tape.csv") in told
