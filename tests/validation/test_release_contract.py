"""docs/release_contract.md: every example on the page is read by what really reads it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.config import Deployment, load_deployment
from engine.config.release import ReleaseConfig
from engine.monitoring import runs as watched
from engine.portfolio.streamed import compute_streamed
from engine.records import append_event, read_lines, verify_chain
from engine.services.build import build_hash
from engine.validation import runs as validated
from engine.validation.agreement import compare
from engine.validation.program import KpiProgram
from engine.validation.run import Judged, run_validation

PAGE = (Path(__file__).parents[2] / "docs/release_contract.md").read_text()
EXAMPLES = dict(re.findall(r"(?ms)^```\w+ (\w+)\n(.*?)^```$", PAGE))
OUTPUTS = {"published": ".json", "table": ".csv"}


def record() -> dict[str, Any]:
    return json.loads(EXAMPLES["record"])  # type: ignore[no-any-return]


def sha256(name: str) -> str:
    return hashlib.sha256(EXAMPLES[name].encode()).hexdigest()


def test_every_example_of_the_page_is_used_here() -> None:
    assert set(EXAMPLES) == {"release", "record", "event", "tape", "published", "table", "answers"}


def test_a_release_file_is_one() -> None:
    import yaml

    release = msgspec.convert(yaml.safe_load(EXAMPLES["release"]), ReleaseConfig)
    assert release.service.unit_name == "abaco-v1.service"


def test_the_run_record_is_read_by_validation_and_watch() -> None:
    for parsed in (msgspec.convert(record(), validated.Run), watched.parse_run(record())):
        assert parsed.ok and parsed.build == record()["build"]
    assert watched.run_metrics(watched.parse_run(record()))["kpi_latency_ms_per_1000_rows"] == pytest.approx(325)


def test_every_field_that_is_read_stands_in_the_table_and_in_the_example() -> None:
    section = PAGE[PAGE.index("| field | type |") : PAGE.index("## Its events")]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    known = {field for kind in (validated.Run, watched.Run) for field in kind.__struct_fields__}
    assert known <= told
    assert told == set(record())
    assert set(validated.Output.__struct_fields__) == set(record()["outputs"][0])


def test_the_hashes_and_sizes_of_the_record_are_those_of_the_other_examples() -> None:
    assert record()["tape_sha256"] == sha256("tape")
    for output, (name, end) in zip(record()["outputs"], OUTPUTS.items(), strict=True):
        assert output["path"].endswith(end)
        assert (output["sha256"], output["bytes"]) == (sha256(name), len(EXAMPLES[name].encode()))


@pytest.fixture
def site(deployment: Deployment) -> Deployment:
    """A deployment whose V1 left exactly what stands on the page."""
    release = deployment.paths.release("v1")
    release.write_text(release.read_text().replace("formats: [parquet, csv, json]", "formats: [json, csv]"))
    deployment.active_config.write_text(release.read_text())
    deployment = load_deployment(deployment.root)
    outputs = {deployment.root / one["path"]: name for one, name in zip(record()["outputs"], OUTPUTS, strict=True)}
    for path, name in {deployment.tape: "tape", **outputs}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(EXAMPLES[name])
    own: dict[str, Any] = {}
    exec(EXAMPLES["event"], own)
    deployment.paths.logs.mkdir(exist_ok=True)
    for kind in ("run.started", "run.finished"):
        own["append_event"](deployment.paths.events, kind, {"run_id": record()["run_id"], "release": "v1"})
    written = record() | {"build": build_hash(deployment, "v1")}
    deployment.paths.runs.write_text(json.dumps(written) + "\n")
    return deployment


def test_what_stands_on_the_page_passes_a_validation(site: Deployment, clock: Any) -> None:
    clock.advance(1)
    report = run_validation(
        site, clock=clock, judged=lambda *_: Judged("v1", ""), wait=lambda _: pytest.fail("it waits for a run")
    )
    kpis, audit = report.checks["kpi_calculations"], report.checks["audit_trail"]
    assert (kpis.status, audit.status) == ("PASS", "PASS"), report.issues
    assert kpis.summary.startswith("4 of 4 agree in 2 formats")
    assert {part.name: part.status for part in report.checks["data_integrity"].parts}["outputs"] == "PASS"


def test_what_is_published_is_what_the_watch_shows(site: Deployment) -> None:
    (run,) = [watched.parse_run(line) for line in read_lines(site.paths.runs)]
    assert run.outputs
    shown = json.loads(EXAMPLES["published"])["kpis"]["PortfolioHealth"]
    assert (shown["value"], shown["unheld"]) == (10.0, 11.6)
    held = compute_streamed(site.tape, site.kpis).latest.kpis["PortfolioHealth"]
    assert held.unheld == pytest.approx(11.6, abs=0.05)
    rows = list(csv.DictReader(io.StringIO(EXAMPLES["table"])))
    assert [float(row["value"]) for row in rows] == [
        one["value"] for one in json.loads(EXAMPLES["published"])["kpis"].values()
    ]


def test_the_events_and_those_of_abaco_ops_make_one_chain(site: Deployment) -> None:
    append_event(site.paths.events, "note.written", {"text": "größer"}, source="cli")
    own: dict[str, Any] = {}
    exec(EXAMPLES["event"], own)
    own["append_event"](site.paths.events, "run.started", {"run_id": "größer", "rate": 0.1})
    report = verify_chain(site.paths.events)
    assert (report.problem, report.records) == ("", 4)


def test_the_answers_of_the_kpi_program_agree_with_the_tapes(site: Deployment, tmp_path: Path) -> None:
    asked = [Path(json.loads(line)["tape"]) for line in EXAMPLES["answers"].splitlines()]
    say = f"print({EXAMPLES['answers']!r}, end='')"
    answers = KpiProgram([sys.executable, "-c", say], asked, tmp_path, 20).answers()
    empty = tmp_path / "empty.csv"
    empty.write_text(EXAMPLES["tape"].splitlines()[0] + "\n")
    for answer, tape in zip(answers, (site.tape, empty), strict=False):
        assert compare(answer, compute_streamed(tape, site.kpis).latest, 1).issues == ()
    assert answers[2]["error"] and not answers[2]["kpis"]
