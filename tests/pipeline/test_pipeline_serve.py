"""The service as a real process: what a run leaves, and what it never leaves."""

from __future__ import annotations

import csv
import hashlib
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pipeline_at_work import Pipeline, eventually, large_tape

from engine.pipeline.sample_tapes import write_live_book
from engine.records import read_lines, verify_chain

Serve = Callable[..., subprocess.Popen[bytes]]
LIMIT_MB = 120


def test_a_run_leaves_outputs_record_and_audit_events(pipeline: Pipeline, serve: Serve) -> None:
    process = serve(pipeline)
    run = pipeline.runs()[0]
    root = pipeline.deployment.root
    assert (run["status"], run["error"], run["rows"], run["errors"]) == ("ok", None, 3000, 0)
    assert run["incarnation"]["pid"] == process.pid
    assert run["tape_sha256"] == hashlib.sha256(pipeline.deployment.tape.read_bytes()).hexdigest()
    assert {Path(output["path"]).suffix for output in run["outputs"]} == {".json", ".csv", ".parquet"}
    for output in run["outputs"]:
        data = (root / output["path"]).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (output["sha256"], output["bytes"])
        assert Path(output["path"]).name.startswith(f"kpis_{pipeline.release}_")
        assert run["run_id"][:8] in output["path"]
    told = [event["kind"] for event in read_lines(pipeline.deployment.paths.events)]
    assert told[:2] == ["run.started", "run.finished"]
    assert run["audit_events"] == 2
    assert verify_chain(pipeline.deployment.paths.events).intact


def test_the_three_formats_tell_the_same(pipeline: Pipeline, serve: Serve) -> None:
    serve(pipeline)
    outputs = pipeline.runs()[0]["outputs"]
    paths = {Path(output["path"]).suffix: pipeline.deployment.root / output["path"] for output in outputs}
    told = json.loads(paths[".json"].read_bytes())
    table = pq.read_table(paths[".parquet"]).to_pylist()
    with paths[".csv"].open() as stream:
        rows = list(csv.DictReader(stream))
    expected = [
        (group["measurement_date"], name, kpi["value"]) for group in told["by"] for name, kpi in group["kpis"].items()
    ]
    assert [(row["measurement_date"], row["kpi"], row["value"]) for row in table] == expected
    assert [(row["measurement_date"], row["kpi"], float(row["value"])) for row in rows] == expected
    assert told["kpis"] == told["by"][-1]["kpis"]


def test_the_service_runs_again_and_again_and_says_that_it_lives(pipeline: Pipeline, serve: Serve) -> None:
    pipeline.configure(run_every="100ms")
    process = serve(pipeline)
    eventually(lambda: len(pipeline.runs()) >= 4)
    name = pipeline.deployment.releases[pipeline.release].service.name
    beat = json.loads((pipeline.deployment.paths.services / name / "heartbeat").read_text())
    assert beat["pid"] == process.pid


def test_it_refuses_the_configuration_of_another_release(pipeline: Pipeline) -> None:
    Pipeline(pipeline.deployment, "v2" if pipeline.release == "v1" else "v1").configure()
    done = pipeline.run("serve")
    assert done.returncode == 2
    assert "config/pipeline.yml" in done.stderr
    assert pipeline.published() == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [("run_every", "soon"), ("run_every", "0s"), ("formats", "[xml]"), ("decimals", "few"), ("keep_runs", "[]")],
)
def test_it_refuses_settings_it_does_not_understand(pipeline: Pipeline, setting: str, value: str) -> None:
    pipeline.configure(**{setting: value})
    done = pipeline.run("serve")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_sigterm_between_runs_ends_it_cleanly(pipeline: Pipeline, serve: Serve) -> None:
    process = serve(pipeline)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert len(pipeline.runs()) * 3 == len(pipeline.published())


def test_sigterm_in_the_middle_of_a_run_drops_it_without_a_trace(pipeline: Pipeline, serve: Serve) -> None:
    large_tape(pipeline.deployment.tape, 400_000)
    process = serve(pipeline, wait=False)
    events = pipeline.deployment.paths.events
    eventually(lambda: any(event["kind"] == "run.started" for event in read_lines(events)))
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert (pipeline.published(), pipeline.runs()) == ([], [])


def test_runs_killed_at_any_moment_leave_only_whole_files(pipeline: Pipeline, serve: Serve) -> None:
    pipeline.configure(run_every="1ms")
    for _ in range(4):
        before = len(pipeline.runs())
        process = serve(pipeline)
        eventually(lambda before=before: len(pipeline.runs()) > before + 1)  # type: ignore[misc]
        process.kill()
        process.wait()
    for name in pipeline.published():
        path = pipeline.deployment.metrics / name
        if name.endswith(".json"):
            json.loads(path.read_bytes())
        elif name.endswith(".parquet"):
            assert pq.read_table(path).num_rows == 24
    recorded = {output["path"] for run in pipeline.runs() for output in run["outputs"]}
    assert all((pipeline.deployment.root / path).exists() for path in recorded)
    last = serve(pipeline)
    last.terminate()
    assert last.wait(10) == 0, "a run still publishing would show what it writes aside"
    assert not [name for name in pipeline.published() if name.startswith(".")]


def test_a_run_without_a_tape_fails_in_the_record_and_the_next_one_recovers(pipeline: Pipeline, serve: Serve) -> None:
    pipeline.deployment.tape.unlink()
    pipeline.configure(run_every="50ms")
    process = serve(pipeline)
    failed = pipeline.runs()[0]
    assert (failed["status"], failed["outputs"]) == ("failed", [])
    assert "loan_tape.csv" in failed["error"]
    assert pipeline.published() == []
    write_live_book(pipeline.deployment.tape)
    eventually(lambda: pipeline.runs()[-1]["status"] == "ok")
    assert process.poll() is None


def test_a_tape_with_bad_cells_is_published_as_undefined_and_counted(pipeline: Pipeline, serve: Serve) -> None:
    text = pipeline.deployment.tape.read_text().splitlines()
    cells = text[-1].split(",")
    cells[text[0].split(",").index("cash_available_usd")] = "lots\x1b[2J"
    pipeline.deployment.tape.write_text("\n".join([*text[:-1], ",".join(cells)]) + "\n")
    serve(pipeline)
    run = pipeline.runs()[0]
    assert (run["status"], run["errors"]) == ("ok", 1)
    told = next(output["path"] for output in run["outputs"] if output["path"].endswith(".json"))
    kpis = json.loads((pipeline.deployment.root / told).read_bytes())["kpis"]
    assert kpis["CollectionRate"]["value"] is None
    assert kpis["PAR30"]["value"] is not None


def test_a_directory_that_cannot_be_written_fails_the_run_and_not_the_service(pipeline: Pipeline, serve: Serve) -> None:
    pipeline.deployment.metrics.parent.mkdir(exist_ok=True)
    pipeline.deployment.metrics.write_text("a file where the directory belongs")
    process = serve(pipeline)
    failed = pipeline.runs()[0]
    assert failed["status"] == "failed"
    assert "outputs cannot be written" in failed["error"]
    assert process.poll() is None


def test_old_outputs_of_its_own_are_removed(pipeline: Pipeline, serve: Serve) -> None:
    pipeline.configure(run_every="10ms", keep_runs="2")
    other = pipeline.deployment.metrics / "kpis_v0_20200101_000000_00000000.csv"
    other.parent.mkdir(parents=True)
    other.write_text("another release's")
    process = serve(pipeline)
    eventually(lambda: len(pipeline.runs()) > 5)
    process.terminate()
    process.wait(10)
    assert len([name for name in pipeline.published() if name != other.name]) == 6
    assert other.exists()


@pytest.mark.parametrize("rows", [0, 300_000])
def test_memory_stays_within_bounds_whatever_the_size_of_the_tape(pipeline: Pipeline, serve: Serve, rows: int) -> None:
    if rows:
        large_tape(pipeline.deployment.tape, rows)
    pipeline.configure(run_every="50ms")
    process = serve(pipeline)
    eventually(lambda: len(pipeline.runs()) >= 2)
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1000
    assert peak < LIMIT_MB


def test_a_log_that_cannot_be_written_is_said_and_stops_no_run(pipeline: Pipeline, serve: Serve) -> None:
    pipeline.configure(run_every="50ms")
    process = serve(pipeline)
    runs = pipeline.deployment.paths.runs
    runs.rename(runs.with_name("runs.before"))
    runs.mkdir()
    output = pipeline.deployment.root / "output.log"
    eventually(lambda: output.read_text().count("is not recorded") >= 2 or process.poll() is not None)
    assert process.poll() is None
    assert "Traceback" not in output.read_text()
