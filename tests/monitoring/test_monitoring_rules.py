"""Rules tested with written series: the shipped file, what a failed expectation says, what a wrong file says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.cli.frame import main
from engine.config import Deployment
from engine.monitoring.rule_series import MOST_LOOKS, parse_happening, parse_series

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "examples" / "rules" / "conditions.yml"


@pytest.fixture
def rules(deployment: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs ``rules test`` on a text; answers exit code, stdout and stderr."""

    def run(text: str, *options: str) -> tuple[int, str, str]:
        path = tmp_path / "rules.yml"
        path.write_text(text)
        code = main(["--root", str(deployment.root), "rules", "test", str(path), *options], lambda *_: 99)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def a_test(series: str, expect: str, more: str = "") -> str:
    return f'interval: 30s\ntests:\n  - name: one\n    input: {{memory_mb: "{series}"}}\n    expect: [{expect}]\n{more}'


def test_the_shipped_file_is_met(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", str(SHIPPED)], lambda *_: 99) == 0, capsys.readouterr().out


def test_the_shipped_file_tests_every_condition_and_every_tier_that_is_configured() -> None:
    conditions = yaml.safe_load((ROOT / "config" / "monitoring.yml").read_text())["conditions"]
    configured = {
        (name, tier) for name, one in conditions.items() for tier in ("warning", "critical", "rollback") if tier in one
    }
    assert len(conditions) == 15
    tests = yaml.safe_load(SHIPPED.read_text())["tests"]
    fired = {(one["condition"], one["firing"]) for test in tests for one in test["expect"] if "firing" in one}
    # where two tiers share limit and hold, the heavier one is what fires
    assert configured - fired == {("MEM", "critical")}
    assert {name for name, _ in configured} <= {name for name, tier in fired if tier == "none"}


EDITS = {
    "LAT": ("rollback: {enter: 500, hold: 15m}", "rollback: {enter: 500, hold: 16m}"),
    "E2E": ("rollback: {enter: 60, hold: 2m, runs: 2}", "rollback: {enter: 60, hold: 2m, runs: 3}"),
    "THR": ("rollback: {enter: 50, hold: 10m}", "rollback: {enter: 50, hold: 11m}"),
    "ERR": (", at_once_with_data_loss: true", ""),
    "MEM": ("warning: {enter: 200, hold: 10m}", "warning: {enter: 200, hold: 9m}"),
    "MEMG": ("rollback: {enter: 20, hold: 30m}", "rollback: {enter: 20}"),
    "CPU": ("rollback: {enter: 90, hold: 10m}", "rollback: {enter: 95, hold: 10m}"),
    "KPIV": ("rollback: {enter: 5, runs: 4}", "rollback: {enter: 5, runs: 2}"),
    "CRASH": ("rollback: {enter: 5}  ", "rollback: {enter: 4}  "),
    "RUN": ("critical: {enter: 2, hold: 5m}", "critical: {enter: 2}"),
    "DISK": ("warning: {enter: 3}\n    critical: {enter: 1}", "warning: {enter: 2}\n    critical: {enter: 1}"),
    "NODATA": ("critical: {enter: 1, hold: 10m}", "critical: {enter: 1, hold: 5m}"),
}


def test_a_limit_that_is_edited_is_noticed(rules: Any, deployment: Deployment) -> None:
    path = deployment.paths.config / "monitoring.yml"
    text = path.read_text()
    for was, becomes in EDITS.values():
        assert was in text
        text = text.replace(was, becomes)
    path.write_text(text)
    code, out, _ = rules(SHIPPED.read_text().replace("deployment: ../..", f"deployment: {deployment.root}"))
    failed = {line.split()[2] for line in out.splitlines() if line.startswith("FAIL")}
    assert (code, failed) == (1, set(EDITS))


def test_a_failed_expectation_says_expected_found_and_the_samples_around(rules: Any) -> None:
    code, out, _ = rules(a_test("220x30", "{at: 9m, condition: MEM, firing: warning}"))
    assert code == 1
    assert "rules.yml:5: MEM at 9m: firing: expected warning, found none (warning pending: memory 220 MB, above" in out
    assert "samples around: 8m 220 | 8m30s 220 | 9m 220 | 9m30s 220 | 10m 220 | 10m30s 220" in out
    assert "0 of 1 tests met" in out


def test_the_same_for_scripts(rules: Any) -> None:
    code, out, _ = rules(a_test("220x30", "{at: 9m, condition: MEM, verdict: WATCH}"), "--json")
    (one,) = json.loads(out)
    assert (code, one["met"], one["unmet"][0]["expected"]) == (1, False, "WATCH")


def test_a_file_without_a_deployment_tests_the_one_at_root(rules: Any, deployment: Deployment) -> None:
    assert rules(a_test("220x21", "{at: 10m, condition: MEM, firing: warning}"))[0] == 0
    path = deployment.paths.config / "monitoring.yml"
    path.write_text(path.read_text().replace("warning: {enter: 200, hold: 10m}", "warning: {enter: 300, hold: 10m}"))
    assert rules(a_test("220x21", "{at: 10m, condition: MEM, firing: warning}"))[0] == 1


def test_every_mistake_of_a_file_is_said_at_once_with_line_and_key(rules: Any) -> None:
    code, _, err = rules(
        """tests:
  - name: one
    interval: soon
    input: {memory_mbb: "220x3", cpu_percent: "20y3"}
    events: [5m explode]
    expect:
      - {at: 9m, condition: MEMO, firing: warning}
      - {at: 9m, firing: warning}
      - {at: 9m, condition: MEM}
"""
    )
    assert code == 2
    assert "rules.yml:3: tests.0.interval: is 'soon'" in err
    code, _, err = rules(
        """tests:
  - name: one
    input: {memory_mbb: "220x3", cpu_percent: "20y3"}
    events: [5m explode]
    expect:
      - {at: 9m, condition: MEMO, firing: warning}
      - {at: 9m, firing: warning}
      - {at: 9m, condition: MEM}
"""
    )
    assert code == 2
    assert "the rule tests have 6 mistakes" in err
    for said in (
        "rules.yml:3: tests.0.input.memory_mbb: names the metric 'memory_mbb', which is not there; did you mean mem",
        "rules.yml:3: tests.0.input.cpu_percent: '20y3' is no value",
        "rules.yml:4: tests.0.events.0: '5m explode' is nothing that can happen",
        "rules.yml:6: tests.0.expect.0.condition: names the condition 'MEMO', which is not there; did you mean MEM",
        "rules.yml:7: tests.0.expect.1: asks how a condition is and names none",
        "rules.yml:8: tests.0.expect.2: expects nothing",
    ):
        assert said in err


def test_a_file_that_is_not_there_or_a_root_without_a_deployment_is_refused(
    rules: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "test", str(tmp_path / "none.yml")], lambda *_: 99) == 2
    assert "none.yml:1: the file is missing" in capsys.readouterr().err
    text = "deployment: nowhere\n" + a_test("1", "{at: 0s, verdict: CONTINUE}")
    code, _, err = rules(text)
    assert code == 2
    assert "rules.yml:1: deployment:" in err


def test_the_notation_of_series() -> None:
    assert parse_series("0.7x2 220 _ _x2 1*").values == (0.7, 0.7, 220.0, None, None, None)
    assert parse_series("1*").at(10_000) == 1.0
    assert parse_series("100+0.1x4 5-2x3").values == (100, 100.1, 100.2, 100.3, 5, 3, 1)
    assert parse_series("1").at(1) is None
    for wrong in ("", "a", "1x", "x3", "1* 2", "_+1x3", "nan", "1x99999999", "1e999"):
        with pytest.raises(ValueError, match=r"."):
            parse_series(wrong)


def test_the_notation_of_events() -> None:
    assert parse_happening("20m suspend 30m").seconds == 1800
    assert parse_happening("1h step -90s").seconds == -90
    assert parse_happening("5m release v1").name == "v1"
    for wrong in ("restart", "5m", "5m suspend", "5m suspend long", "soon restart", "5m step 1h"):
        with pytest.raises(ValueError, match=r"."):
            parse_happening(wrong)


@pytest.mark.parametrize("more", ["interval: 1ms", "run_every: 1ms", ""])
def test_a_test_that_would_take_minutes_is_refused_at_once(rules: Any, more: str) -> None:
    at = "15m" if more else "9000000m"
    code, _, err = rules(a_test("1*", f"{{at: {at}, verdict: CONTINUE}}", f"    {more}\n"))
    assert code == 2
    assert f"lies more than {MOST_LOOKS} samples or runs ahead; take a longer interval" in err


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ("1+" + "9" * 400 + "x2", "is no finite number"),
        ("1+1" + "0" * 305 + "x9999", "leads to no finite number"),
        ("1x" + "9" * 5000, "has more than 1000000 samples"),
    ],
)
def test_a_number_beyond_all_numbers_is_a_mistake_in_our_words(series: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        parse_series(series)
    assert len(str(caught.value)) < 120
