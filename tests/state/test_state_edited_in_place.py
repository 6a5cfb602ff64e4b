"""What was edited in place, with the size and the time that it had, is read again: the one time nobody can set back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from test_state_report import report

from engine.config import Deployment
from engine.config.edited import stamp
from engine.config.newer import Watched
from engine.monitoring.onlooker import resting
from engine.monitoring.shadow import tape_stamp
from engine.operations.journal import NAME
from engine.records import unchanged
from engine.state.past_files import PastLog
from engine.state.past_operations import PastOperations
from engine.state.patient import PatientReader
from engine.state.releases import ReleasesReader
from engine.state.written import LastRows, NewestReport


def edit_in_place(path: Path, old: bytes, new: bytes) -> None:
    """As ``r+b`` and ``touch -r`` do it: inode, size and time of change stay."""
    before = path.stat()
    assert len(old) == len(new)
    with path.open("r+b") as stream:
        text = stream.read()
        assert old in text
        stream.seek(0)
        stream.write(text.replace(old, new))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # both within one tick of the kernel's clock
        path.chmod(path.stat().st_mode)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file's last change is long past."""
    monkeypatch.setattr(unchanged, "SETTLED", -1.0)


@pytest.fixture
def active(deployment: Deployment) -> Path:
    path = deployment.active_config
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(deployment.paths.release(deployment.old.release), path)
    return path


@pytest.mark.usefixtures("settled")
def test_the_active_configuration(deployment: Deployment, clock: Any, active: Path) -> None:
    reader = ReleasesReader(deployment, clock)
    before = reader.read([])
    edit_in_place(active, b"v1", b"v2")
    after = reader.read([])
    assert "" not in (before.active_hash, after.active_hash)
    assert before.active_hash != after.active_hash


@pytest.mark.usefixtures("settled")
def test_the_validation_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(report())
    reader, problems = NewestReport(path), list[str]()
    first = reader.read(problems)
    assert first is not None and first.status == "FAIL" and reader.read(problems) is first
    edit_in_place(path, b'"FAIL"', b'"PASS"')
    again = reader.read(problems)
    assert again is not None and again.status == "PASS" and problems == []


@pytest.mark.usefixtures("settled")
def test_the_monitoring_log(tmp_path: Path) -> None:
    path = tmp_path / "monitoring.log"
    path.write_bytes(b"02:00 | fine\n")
    reader = LastRows(path)
    assert reader.read([]) == ("02:00 | fine",)
    edit_in_place(path, b"fine", b"lost")
    assert reader.read([]) == ("02:00 | lost",)


def test_a_screens_reader_does_not_wait_for_its_second(deployment: Deployment, clock: Any, active: Path) -> None:
    reader = PatientReader(deployment, clock)
    first = reader.read()
    assert reader.read() is first
    edit_in_place(active, b"v1", b"v2")
    assert reader.read() is not first


def one_journal(deployment: Deployment, at: datetime) -> Path:
    path = deployment.paths.operations / "0001-cutover" / NAME
    path.parent.mkdir(parents=True)
    path.write_text(f'{{"v":1,"kind":"planned","at":"{at.isoformat()}","operation_kind":"cutover"}}\n')
    return path


def test_a_version_that_a_journal_is_of(deployment: Deployment, clock: Any) -> None:
    path, watched = one_journal(deployment, clock.now().wall), Watched(deployment.paths)
    assert watched.look() == ""
    edit_in_place(path, b'"v":1', b'"v":9')
    assert "version 9" in watched.look()


STAMPS: dict[str, Callable[[Deployment, Path], object]] = {
    "a file of the configuration": lambda deployment, _: stamp(deployment),
    "samples at rest": lambda _, path: resting(path),
    "the tape": lambda _, path: tape_stamp(path),
}


@pytest.mark.parametrize("of", STAMPS)
def test_what_is_known_by_its_stamp(deployment: Deployment, of: str) -> None:
    path = deployment.paths.config / "checklist.yml"
    before = STAMPS[of](deployment, path)
    edit_in_place(path, b"team briefed", b"team beriefd")
    assert STAMPS[of](deployment, path) != before


def test_the_log_of_a_replay(tmp_path: Path, clock: Any) -> None:
    path = tmp_path / "monitoring.log"
    path.write_bytes(b"2026-01-30\n02:00 | fine\n")
    past = PastLog(path)
    assert past.at(clock.now().wall)[-1] == "02:00 | fine"
    edit_in_place(path, b"fine", b"lost")
    assert past.at(clock.now().wall)[-1] == "02:00 | lost"


def test_a_journal_of_a_replay(deployment: Deployment, clock: Any) -> None:
    path = one_journal(deployment, clock.now().wall)
    past = PastOperations(deployment.paths.operations)
    assert past._records(path.parent)[0]["operation_kind"] == "cutover"
    edit_in_place(path, b"cutover", b"cutovre")
    assert past._records(path.parent)[0]["operation_kind"] == "cutovre"
