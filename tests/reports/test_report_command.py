"""``abaco-ops report`` and ``archive``: where files go, what is recorded, what is never touched."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from night_on_record import HOUR, Night

from engine.cli import frame
from engine.clock import compact
from engine.errors import OperationFailed, Refused
from engine.monitoring.log import HEADER, MonitoringLog, Row
from engine.records import read_lines
from engine.reports import archive as archiving
from engine.reports.archive import archive
from engine.reports.publish import write_report

Run = Callable[..., int]


@pytest.fixture
def run(night: Night) -> Run:
    def command(*arguments: str) -> int:
        return frame.main([*arguments, "--root", str(night.deployment.root)], lambda root, read_only: 99)

    return command


@pytest.fixture
def watched(night: Night) -> Night:
    night.cut_over()
    for _ in range(2):
        night.hour()
    MonitoringLog(night.paths.monitoring_log).append(Row(night.cutover_at, 0.6, 0.0, 105.0, 25.0, "PASS", ""))
    return night


def last_event(night: Night, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = [event for event in read_lines(night.paths.events) if event["kind"] == kind][-1]["data"]
    return found


def test_a_report_goes_below_logs_and_is_recorded_with_its_hash(watched: Night) -> None:
    done = write_report(watched.deployment, watched.clock, "1h")
    moment = compact(watched.cutover_at + timedelta(seconds=HOUR))
    names = [path.relative_to(watched.deployment.root).as_posix() for path in done.paths]
    assert names == [f"logs/reports/report_1h_{moment}.{form}" for form in ("md", "html")]
    told = last_event(watched, "report.written")
    assert told == {"report": "1h", "path": names[1], "sha256": hashlib.sha256(done.paths[1].read_bytes()).hexdigest()}


def test_the_same_report_again_is_the_same_file_and_another_gets_a_name_of_its_own(watched: Night) -> None:
    first = write_report(watched.deployment, watched.clock, "1h", forms=("md",)).paths[0]
    assert write_report(watched.deployment, watched.clock, "1h", forms=("md",)).paths[0] == first
    first.write_text("signed by hand\n")
    second = write_report(watched.deployment, watched.clock, "1h", forms=("md",)).paths[0]
    assert second.name == f"{first.stem}_2.md"
    assert first.read_text() == "signed by hand\n"


def test_the_command_writes_where_it_is_told(night: Night, run: Run, tmp_path: Path, capsys: Any) -> None:
    assert run("report", "--at", "now", "-o", str(tmp_path / "r.html")) == 0
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert capsys.readouterr().out == f"{tmp_path / 'r.html'}\n"
    assert run("report", "--at", "now", "-o", "-", "--format", "md") == 0
    assert capsys.readouterr().out.startswith("# Now report")
    assert run("report", "--at", "24h") == 2
    assert "24h is counted from a cutover, and none has succeeded" in capsys.readouterr().err


def test_read_only_prints_and_writes_nothing(night: Night, run: Run, capsys: Any) -> None:
    assert run("report", "--at", "now", "-o", "-", "--read-only") == 0
    assert run("report", "--at", "now", "--read-only") == 2
    assert run("archive", "--at", "now", "--read-only") == 2
    assert not (night.paths.logs / "reports").exists() and not (night.paths.logs / "archive").exists()


def test_an_audit_trail_that_cannot_be_written_stops_no_report(watched: Night, monkeypatch: Any) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.reports.publish.append_event", refused)
    done = write_report(watched.deployment, watched.clock, "1h")
    assert all(path.exists() for path in done.paths)
    assert "the audit trail cannot be written" in done.warnings[0]


def test_an_archive_holds_every_record_with_its_hash_and_removes_none(watched: Night) -> None:
    write_report(watched.deployment, watched.clock, "1h")
    files = [path for path in watched.paths.logs.rglob("*.*") if path.is_file() and ".db" not in path.name]
    before = {path: path.read_bytes() for path in files}
    done = archive(watched.deployment, watched.clock, "1h")
    with tarfile.open(done.path) as tar:
        held = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    manifest = json.loads(held.pop("manifest.json"))
    assert {item["path"]: item["sha256"] for item in manifest["files"]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in held.items()
    }
    assert {
        "logs/events.jsonl",
        "logs/monitoring.log",
        ".rollback/operations/0001-cutover/journal.jsonl",
    } <= held.keys()
    assert any(name.startswith("logs/reports/report_1h") for name in held)
    after = {path: path.read_bytes() for path in before}
    assert all(after[path].startswith(data) for path, data in before.items())
    told = last_event(watched, "archive.written")
    assert told["sha256"] == hashlib.sha256(done.path.read_bytes()).hexdigest()


def test_no_link_is_followed_into_an_archive(watched: Night, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (watched.paths.logs / "x.log").symlink_to(tmp_path / "secret")
    done = archive(watched.deployment, watched.clock, "1h")
    with tarfile.open(done.path) as tar:
        assert "logs/x.log" not in tar.getnames()
    assert done.manifest.not_followed == ("logs/x.log",)


def test_an_archive_overwrites_nothing(watched: Night, tmp_path: Path) -> None:
    taken = tmp_path / "kept.tar.gz"
    taken.write_text("kept")
    with pytest.raises(Refused, match="is there already"):
        archive(watched.deployment, watched.clock, "1h", place=taken)
    assert taken.read_text() == "kept"


def test_an_archive_that_cannot_be_read_back_gets_no_name(watched: Night, monkeypatch: Any) -> None:
    whole = archiving._write

    def damaged(deployment: Any, temporary: Path, at: str, made_at: str) -> Any:
        answer = whole(deployment, temporary, at, made_at)
        data = bytearray(temporary.read_bytes())
        data[len(data) // 2] ^= 0xFF
        temporary.write_bytes(data)
        return answer

    monkeypatch.setattr(archiving, "_write", damaged)
    with pytest.raises(OperationFailed):
        archive(watched.deployment, watched.clock, "1h", rotate=True)
    assert list((watched.paths.logs / "archive").iterdir()) == []
    assert watched.paths.monitoring_log.exists(), "what was not archived is not begun anew"


def test_a_line_that_is_being_written_is_left_for_the_next_archive(watched: Night) -> None:
    with watched.paths.runs.open("ab") as stream:
        stream.write(b'{"run_id":"1"}\n{"run_id":')
    done = archive(watched.deployment, watched.clock, "1h")
    with tarfile.open(done.path) as tar:
        assert tar.extractfile("logs/runs.jsonl").read() == b'{"run_id":"1"}\n'  # type: ignore[union-attr]


def test_a_monitoring_log_begun_anew_has_its_header_again_and_the_old_rows_keep_a_name(watched: Night) -> None:
    log = watched.paths.monitoring_log
    rows = log.read_bytes()
    done = archive(watched.deployment, watched.clock, "1h", rotate=True)
    assert done.rotated is not None and done.rotated.read_bytes() == rows and not log.exists()
    MonitoringLog(log).append(Row(watched.cutover_at, 0.6, 0.0, 105.0, 25.0, "PASS", "after"))
    assert log.read_text().startswith(HEADER)


def test_a_directory_gets_the_report_and_none_is_made_up(night: Night, run: Run, tmp_path: Path) -> None:
    assert run("report", "--at", "now", "-o", str(tmp_path), "--format", "md") == 0
    assert [path.name[:11] for path in tmp_path.glob("report*")] == ["report_now_"]
    assert run("report", "--at", "now", "-o", str(tmp_path / "typo" / "r.md")) == 2
    assert run("archive", "--at", "now", "-o", str(tmp_path / "typo" / "a.tar.gz")) == 2
    assert not (tmp_path / "typo").exists()
