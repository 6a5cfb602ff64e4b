"""``verify`` passes only for what is really there, really running and really right."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pipeline_at_work import Pipeline, eventually

from engine.pipeline.sample_tapes import write_reference

Serve = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def served(pipeline: Pipeline, serve: Serve) -> tuple[Pipeline, subprocess.Popen[bytes]]:
    """One run done, the next one an hour away."""
    pipeline.configure(run_every="1h")
    return pipeline, serve(pipeline)


def failure(pipeline: Pipeline) -> str:
    answer = pipeline.verify()
    assert answer["status"] == "FAIL"
    return " ".join(answer["issues"])


def output(pipeline: Pipeline, kind: str) -> Path:
    path = next(output["path"] for output in pipeline.runs()[-1]["outputs"] if output["path"].endswith(kind))
    return pipeline.deployment.root / str(path)


def rewrite_last_run(pipeline: Pipeline, change: Callable[[dict[str, Any]], None]) -> None:
    runs = pipeline.runs()
    change(runs[-1])
    pipeline.deployment.paths.runs.write_bytes(b"".join(msgspec.json.encode(run) + b"\n" for run in runs))


def test_what_a_running_release_published_verifies(served: tuple[Pipeline, subprocess.Popen[bytes]]) -> None:
    assert served[0].verify() == {"status": "PASS", "issues": []}


def test_nothing_verifies_before_the_first_run(pipeline: Pipeline) -> None:
    assert "no run" in failure(pipeline)


def test_a_release_that_has_ended_does_not_verify(served: tuple[Pipeline, subprocess.Popen[bytes]]) -> None:
    pipeline, process = served
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    assert "gone" in failure(pipeline)


def test_a_missing_output_is_found(served: tuple[Pipeline, subprocess.Popen[bytes]]) -> None:
    output(served[0], ".parquet").unlink()
    assert ".parquet cannot be read" in failure(served[0])


def test_one_changed_byte_in_an_output_is_found(served: tuple[Pipeline, subprocess.Popen[bytes]]) -> None:
    path = output(served[0], ".csv")
    path.write_bytes(path.read_bytes().replace(b"PAR30", b"PAR31", 1))
    assert "is not what the run wrote" in failure(served[0])


def test_a_wrong_value_is_found_even_with_a_matching_hash(served: tuple[Pipeline, subprocess.Popen[bytes]]) -> None:
    pipeline = served[0]
    path = output(pipeline, ".json")
    told = json.loads(path.read_bytes())
    told["kpis"]["PAR90"]["value"] += 0.1
    path.write_text(json.dumps(told))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()

    def forge(run: dict[str, Any]) -> None:
        next(entry for entry in run["outputs"] if entry["path"].endswith(".json"))["sha256"] = digest

    rewrite_last_run(pipeline, forge)
    assert "kpis was published as" in failure(pipeline)


def test_a_format_that_was_not_written_is_found(served: tuple[Pipeline, subprocess.Popen[bytes]]) -> None:
    def forget(run: dict[str, Any]) -> None:
        run["outputs"] = [entry for entry in run["outputs"] if not entry["path"].endswith(".csv")]

    rewrite_last_run(served[0], forget)
    assert "wrote no csv" in failure(served[0])


def test_a_tape_that_changed_since_is_not_compared(served: tuple[Pipeline, subprocess.Popen[bytes]]) -> None:
    write_reference(served[0].deployment.tape)
    assert "changed since" in failure(served[0])


def test_a_failed_last_run_does_not_verify(served: tuple[Pipeline, subprocess.Popen[bytes]]) -> None:
    rewrite_last_run(served[0], lambda run: run.update(status="failed", error="no room"))
    assert "no room" in failure(served[0])


def test_a_run_of_an_earlier_process_with_the_same_pid_does_not_count(
    served: tuple[Pipeline, subprocess.Popen[bytes]],
) -> None:
    rewrite_last_run(served[0], lambda run: run["incarnation"].update(start_time=run["incarnation"]["start_time"] - 1))
    assert "gone" in failure(served[0])


def test_an_unreadable_tape_that_the_run_reports_is_a_warning(pipeline: Pipeline, serve: Serve) -> None:
    pipeline.configure(run_every="50ms")
    serve(pipeline)
    pipeline.deployment.tape.write_bytes(b"")
    eventually(lambda: pipeline.runs()[-1]["status"] == "failed")
    answer = pipeline.verify()
    assert answer["status"] == "WARN"
    assert "cannot be computed" in answer["issues"][0]


def test_damaged_lines_of_the_past_are_no_reason_to_doubt_the_last_run(
    served: tuple[Pipeline, subprocess.Popen[bytes]],
) -> None:
    pipeline = served[0]
    path = pipeline.deployment.paths.runs
    path.write_bytes(b'{"garbage\n' + path.read_bytes())
    assert pipeline.verify() == {"status": "PASS", "issues": []}


def test_a_damaged_line_after_the_last_run_is_passed_over_and_said(
    served: tuple[Pipeline, subprocess.Popen[bytes]],
) -> None:
    pipeline = served[0]
    with pipeline.deployment.paths.runs.open("ab") as stream:
        stream.write(b'{"garbage\n')
    assert pipeline.verify() == {"status": "WARN", "issues": ["1 damaged line of runs.jsonl passed over"]}
