"""status, follow, audit, doctor, init: what they say, and their exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine.cli.frame import main
from engine.config import Deployment
from engine.monitoring.store import Measured, SampleStore
from engine.pipeline.sample_tapes import write_reference
from engine.records import FileLock, append_event, read_lines
from engine.state.told import news


@pytest.fixture
def say(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command on the deployment; answers exit code, stdout and stderr."""

    def run(*words: str, root: Path = deployment.root) -> tuple[int, str, str]:
        code = main(["--root", str(root), *words], lambda *_: 99)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_status_tells_the_verdict_and_never_more_than_it_knows(say: Any) -> None:
    code, out, _ = say("status")
    assert code == 0
    assert out.startswith(" UNKNOWN   no release live   BEFORE")
    assert "validation  NOT RUN" in out


def test_status_json_is_one_line_for_scripts(say: Any) -> None:
    code, out, _ = say("status", "--json")
    assert code == 0
    assert out.count("\n") == 1
    assert json.loads(out)["verdict"] == "UNKNOWN"


def test_looking_writes_nothing(say: Any, deployment: Deployment) -> None:
    before = sorted(path for path in deployment.root.rglob("*"))
    for words in (["status"], ["doctor"], ["audit", "verify"], ["follow", "--for", "0"]):
        say("--read-only", *words)
    assert sorted(path for path in deployment.root.rglob("*")) == before


def test_status_shows_a_text_from_outside_harmlessly(say: Any, deployment: Deployment, clock: Any) -> None:
    append_event(deployment.paths.events, "watch.taken", {"holder": "\x1b[31m"}, source="t", clock=clock)
    out = say("status")[1]
    assert "\x1b" not in out
    assert "\\x1b[31m" in out


def test_follow_tells_everything_once_and_then_only_news(say: Any) -> None:
    code, out, _ = say("follow", "--for", "1")
    assert code == 0
    assert out.count("state: UNKNOWN") == 1


@pytest.mark.parametrize("seconds", ["nan", "1e999", "inf", "-1", "soon"])
def test_a_time_to_follow_that_has_no_end_is_refused(say: Any, seconds: str) -> None:
    with pytest.raises(SystemExit) as ended:
        say("follow", f"--for={seconds}")
    assert ended.value.code == 2


@pytest.fixture
def samples(deployment: Deployment, clock: Any) -> Path:
    """Some pages of samples, with a monitor that runs."""
    store = SampleStore(deployment.paths.samples)
    store.append([Measured(f"metric {n % 50} {'x' * 200}", float(n), clock.now(), "era") for n in range(2000)])
    store.close()
    return deployment.paths.samples


def damaged(samples: Path) -> None:
    with samples.open("r+b") as stream:
        stream.seek(3 * 4096)
        stream.write(b"\xa5" * (samples.stat().st_size - 4 * 4096))


def test_damaged_samples_are_an_ailment_and_what_to_do_is_said(say: Any, deployment: Deployment, samples: Path) -> None:
    with FileLock(deployment.paths.monitor_lock) as lock:
        assert lock.acquire()
        assert "samples.db" not in say("doctor")[1]
        damaged(samples)
        out = say("doctor")[1]
    assert "samples.db" in out and "is damaged" in out
    assert "move logs/samples.db* away" in out


def test_a_verdict_that_cannot_be_traced_says_what_to_do(say: Any, deployment: Deployment) -> None:
    deployment.paths.samples.parent.mkdir(parents=True, exist_ok=True)
    deployment.paths.samples.write_bytes(b"no database" * 1000)
    code, _, err = say("why", "MEM")
    assert code == 2
    assert "try again" not in err
    assert "a running monitor sets it aside" in err


def test_a_number_that_only_moved_is_no_news() -> None:
    before = {"why": "MEM 204 MB, above 200 for 12m", "alert MEM": "x"}
    assert news(before, {"why": "MEM 205 MB, above 200 for 13m", "alert MEM": "x"}) == []
    assert news(before, {"why": "CPU 204 MB, above 200 for 12m"}) == [
        "why: CPU 204 MB, above 200 for 12m",
        "alert MEM: over",
    ]


def test_the_audit_trail_verifies_or_fails_with_its_line(say: Any, deployment: Deployment, clock: Any) -> None:
    assert say("audit", "verify")[1].startswith("NOT RUN")
    for number in range(3):
        append_event(deployment.paths.events, "note", {"n": number}, source="t", clock=clock)
    code, out, _ = say("audit", "verify")
    assert (code, out.split()[0]) == (0, "PASS")
    data = bytearray(deployment.paths.events.read_bytes())
    data[len(data) // 2] ^= 1
    deployment.paths.events.write_bytes(data)
    code, out, _ = say("audit", "verify", "--json")
    assert code == 1
    assert json.loads(out)["intact"] is False
    assert "line 2" in json.loads(out)["problem"]


def test_a_trail_that_lost_its_end_is_found_by_a_noted_hash(say: Any, deployment: Deployment, clock: Any) -> None:
    for number in range(3):
        append_event(deployment.paths.events, "note", {"n": number}, source="t", clock=clock)
    noted = read_lines(deployment.paths.events)[-1]["hash"]
    assert say("audit", "verify", "--last", noted)[0] == 0
    lines = deployment.paths.events.read_bytes().splitlines(keepends=True)
    deployment.paths.events.write_bytes(b"".join(lines[:-1]))
    assert say("audit", "verify")[0] == 0
    assert say("audit", "verify", "--last", noted)[0] == 1


def test_a_trail_that_is_gone_altogether_fails(say: Any, deployment: Deployment) -> None:
    deployment.paths.runs.write_text("{}\n")
    code, out, _ = say("audit", "verify")
    assert code == 1
    assert "runs.jsonl" in out


def findings(say: Any) -> tuple[int, dict[str, Any]]:
    code, out, _ = say("doctor", "--json")
    return code, {finding["name"]: finding for finding in json.loads(out)}


def test_the_doctor_finds_what_is_missing_and_says_what_to_do(say: Any, deployment: Deployment) -> None:
    code, found = findings(say)
    assert code == 1
    assert found["tape"]["status"] == "FAIL"
    assert found["tape"]["fix"]
    assert found["configuration"]["status"] == "ok"
    assert found["monitor"]["status"] == "WARN"


def test_the_doctor_is_content_where_all_is_there(say: Any, deployment: Deployment) -> None:
    deployment.tape.parent.mkdir(parents=True)
    deployment.tape.write_text(",".join(["loan_id", "measurement_date", *deployment.kpis.tape.amounts]) + "\n")
    write_reference(deployment.root / deployment.console.paths.reference_tape)
    code, found = findings(say)
    assert code == 0, [finding for finding in found.values() if finding["status"] == "FAIL"]


@pytest.mark.parametrize(
    ("name", "old", "new", "finding"),
    [
        ("console.yml", "environment:", "enviroment:", "configuration"),
        ("kpis.yml", "sum(dpd_30_60_usd", "sum(dpd_30_61_usd", "formulas"),
        ("pipeline.yml", "decimals: 1", "decimals: 3", "active config"),
        ("releases/v2.yml", '"{python}"', '"/no/such/program"', "programs v2"),
        ("console.yml", "min_free: 100 MB", "min_free: 900000 TB", "disk"),
        ("console.yml", "group: null", "group: no-such-group", "group"),
    ],
)
def test_the_doctor_finds_each_ailment(
    say: Any, deployment: Deployment, name: str, old: str, new: str, finding: str
) -> None:
    path = deployment.paths.config / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert findings(say)[1][finding]["status"] in ("FAIL", "WARN")


def test_the_doctor_warns_of_sample_pipelines_where_it_is_no_demo(say: Any, deployment: Deployment) -> None:
    assert "sample v1" not in findings(say)[1]
    console = deployment.paths.config / "console.yml"
    console.write_text(console.read_text().replace("environment: DEMO", "environment: PROD"))
    own = deployment.paths.release("v2")
    own.write_text(own.read_text().replace('"-m", "engine.pipeline"', '"-m", "our.pipeline"'))
    found = findings(say)[1]
    assert found["sample v1"]["status"] == "WARN" and "releases/v1.yml" in found["sample v1"]["fix"]
    assert "sample v2" not in found


def test_the_doctor_warns_once_of_contacts_that_are_still_the_samples(say: Any, deployment: Deployment) -> None:
    assert "contacts" not in findings(say)[1], "a demo has nobody to call"
    console = deployment.paths.config / "console.yml"
    console.write_text(console.read_text().replace("demo: true", "demo: false"))
    told = [one for one in json.loads(say("doctor", "--json")[1]) if one["name"] == "contacts"]
    assert [one["status"] for one in told] == ["WARN"]
    assert told[0]["what"].startswith("on_call, data_ops, ") and "config/monitoring.yml" in told[0]["fix"]
    monitoring = deployment.paths.config / "monitoring.yml"
    text = monitoring.read_text()
    for number, line in enumerate(re.findall(r"(?m)^  \w+: \{role: .*$", text)):
        text = text.replace(line, re.sub(r"reach: [^}]+", f'reach: "+49 40 {number}"', line))
        monitoring.write_text(text)
        if number == 0:
            assert findings(say)[1]["contacts"]["what"].startswith("data_ops, data_quality, ")
    assert findings(say)[1]["contacts"]["status"] == "ok"


def test_the_doctor_finds_a_broken_trail(say: Any, deployment: Deployment) -> None:
    deployment.paths.events.write_text("nonsense\n")
    assert findings(say)[1]["audit trail"]["status"] == "FAIL"


def test_the_doctor_prints_schemas_for_editors(say: Any) -> None:
    code, out, _ = say("doctor", "--schema", "kpis")
    assert code == 0
    assert "KpiDefinition" in json.loads(out)["$defs"]


def test_init_writes_once_and_then_refuses(say: Any, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    code, out, _ = say("init", str(target))
    assert code == 0
    assert "SAMPLE PIPELINES" in out and "before production" in out
    assert (target / "config" / "console.yml").is_file()
    code, _, err = say("init", str(target))
    assert code == 2
    assert "holds a configuration already" in err


def test_a_new_deployment_can_be_looked_at_at_once(say: Any, tmp_path: Path) -> None:
    say("init", str(tmp_path / "mine"))
    assert say("status", root=tmp_path / "mine")[0] == 0


def test_mistakes_in_the_configuration_are_told_with_their_lines(say: Any, deployment: Deployment) -> None:
    path = deployment.paths.config / "kpis.yml"
    path.write_text(path.read_text().replace("critical: 8", "critical: eight"))
    code, _, err = say("status")
    assert code == 2
    assert "kpis.PAR30.critical: is 'eight'; expected a number or null" in err


def test_service_status_without_a_release_shows_both(say: Any) -> None:
    code, out, _ = say("service", "status")
    assert code == 0
    assert out.splitlines() == ["abaco-pipeline-v1: STOPPED", "abaco-pipeline-v2: STOPPED"]
    told = [json.loads(line) for line in say("service", "status", "--json")[1].splitlines()]
    assert [one["name"] for one in told] == ["abaco-pipeline-v1", "abaco-pipeline-v2"]


@pytest.mark.parametrize("action", ["start", "stop", "may-start", "exec"])
def test_what_acts_on_a_service_needs_its_release(say: Any, action: str) -> None:
    code, _, err = say("service", action)
    assert code == 2
    assert f"service {action} needs a release" in err and "one of: v1, v2" in err
