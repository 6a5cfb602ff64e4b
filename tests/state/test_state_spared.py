"""What is not read, hashed, folded or looked for again is as it would be if it were."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.config import Deployment
from engine.monitoring.answers import Answer
from engine.monitoring.facts import Decided, Facts
from engine.monitoring.grounds import GroundsReader
from engine.records.unchanged import SETTLED, ReadOnce
from engine.services.identity import identity_of
from engine.services.protocol import Identity
from engine.services.record import ServiceFiles, ServiceRecord
from engine.services.remains import MARK_VARIABLE
from engine.state import releases, slots
from engine.state.releases import AT_REST_AGAIN, ReleasesReader
from engine.state.slots import ChecklistReader, view_at

# ---- a file


def of_long_ago(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.fixture
def read_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, ReadOnce[bytes], list[Path]]:
    """A file of 1 byte whose last change is long past, a reader of it, and each time that it was really read."""
    from engine.records import unchanged

    reads: list[Path] = []

    def read(path: Path) -> bytes:
        reads.append(path)
        return path.read_bytes()

    monkeypatch.setattr(unchanged, "SETTLED", -1.0)  # a clock that has gone on: no test waits for it
    path = of_long_ago(tmp_path / "file", b"1")
    return path, ReadOnce(path, read), reads


def test_a_file_that_did_not_change_is_read_once(read_often: Any) -> None:
    _, once, reads = read_often
    assert [once.read() for _ in range(3)] == [b"1"] * 3
    assert len(reads) == 1


def test_a_change_that_keeps_the_size_is_seen(read_often: Any) -> None:
    path, once, _ = read_often
    once.read()
    path.write_bytes(b"2")
    os.utime(path, (10, 10))
    assert once.read() == b"2"


def test_a_change_that_keeps_size_and_time_is_seen(read_often: Any) -> None:
    path, once, _ = read_often
    os.utime(path, ns=(5, 5))
    once.read()
    path.write_bytes(b"2")
    os.utime(path, ns=(5, 5))
    assert once.read() == b"2"


def test_a_file_that_was_replaced_is_read_again(read_often: Any, tmp_path: Path) -> None:
    path, once, _ = read_often
    os.utime(path, ns=(5, 5))
    once.read()
    other = of_long_ago(tmp_path / "other", b"2")
    os.utime(other, ns=(5, 5))
    other.rename(path)
    assert once.read() == b"2"


def test_a_file_that_changed_a_moment_ago_is_not_trusted_yet(tmp_path: Path) -> None:
    """A second change within one tick of the kernel's clock would leave its stamp as it is."""
    reads: list[Path] = []
    assert SETTLED > 0.1
    once = ReadOnce(of_long_ago(tmp_path / "file", b"1"), lambda path: reads.append(path) or path.read_bytes())
    once.read()
    once.read()
    assert len(reads) == 2


def test_a_file_that_goes_and_comes_is_seen(read_often: Any) -> None:
    path, once, _ = read_often
    once.read()
    path.unlink()
    with pytest.raises(FileNotFoundError):
        once.read()
    path.write_bytes(b"3")
    assert once.read() == b"3"


# ---- the checklist


def watch(since: datetime) -> Iterator[tuple[float, Facts]]:
    """Hours since the cutover, and the facts then: lines are answered, one gate passes, one is decided no-go."""
    answered = Answer("hour1/1800/kpis", "done", "a.moreno", since + timedelta(hours=1), "all in range", "")
    no_go = Decided("hour-1", "no-go", "a.moreno", since + timedelta(hours=1.2), "")
    go = Decided("hour-8", "go", "a.moreno", since + timedelta(hours=11), "")
    first = Facts(cutover_at=since)
    yield 0.0, first
    yield 1.0, msgspec.structs.replace(first, answers={answered.key: (answered,)})
    yield 1.2, msgspec.structs.replace(first, answers={answered.key: (answered,)}, decided=(no_go,))
    yield 11.0, msgspec.structs.replace(first, answers={answered.key: (answered,)}, decided=(no_go, go))


def test_a_checklist_that_is_kept_is_the_one_that_would_be_folded_now(deployment: Deployment, clock: Any) -> None:
    since = clock.now().wall
    reader, chance, facts = ChecklistReader(deployment), random.Random(4), list(watch(since))
    grounds = GroundsReader(deployment).read()
    steps = (1e-6, 0.002, 1.0, 59.0)
    while (spent := (clock.now().wall - since).total_seconds()) < 32 * 3600:
        known = [fact for hours, fact in facts if hours * 3600 <= spent][-1]
        late = chance.choice(("", "", "9 s", "2 min"))
        now = clock.now().wall
        given = reader.read(now, known, None, cutover_at=since, rolled_back_at=None, late=late)
        assert given == view_at(deployment, now, known, None, grounds, (since, None), late=late), now - since
        # to the very moment of a line, to just before and just after it, and anywhere
        if chance.random() < 0.7:
            clock.wall = since + timedelta(seconds=round(spent / 450 + 0.5) * 450 + chance.choice((-1e-6, 0, 0, 0.5)))
        else:
            clock.advance(chance.choice(steps))


def test_a_checklist_is_folded_when_time_or_facts_ask_for_it_and_not_each_second(
    deployment: Deployment, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded: list[datetime] = []
    fold = slots._fold
    monkeypatch.setattr(slots, "_fold", lambda *given: folded.append(clock.now().wall) or fold(*given))
    reader, since = ChecklistReader(deployment), clock.now().wall
    clock.advance(10)
    for _ in range(50):
        clock.advance(1)
        reader.read(clock.now().wall, Facts(cutover_at=since), None, cutover_at=since, rolled_back_at=None)
    assert len(folded) == 1


def test_a_clock_that_was_set_back_folds_the_checklist_again(deployment: Deployment, clock: Any) -> None:
    since = clock.now().wall
    reader, facts = ChecklistReader(deployment), Facts(cutover_at=since)
    clock.advance(1801)
    due = reader.read(clock.now().wall, facts, None, cutover_at=since, rolled_back_at=None)
    clock.step_wall(-60)
    before = reader.read(clock.now().wall, facts, None, cutover_at=since, rolled_back_at=None)
    assert [item.state for item in due.items] != [item.state for item in before.items]


# ---- the services


class Counted:
    """Every look at all processes of the machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from engine.services import embedded

        self.looks = 0
        self._find = embedded.find_remains
        monkeypatch.setattr(embedded, "find_remains", self._look)

    def _look(self, belonging: Any) -> Any:
        self.looks += 1
        return self._find(belonging)


def files_of(deployment: Deployment, release: str) -> ServiceFiles:
    files = ServiceFiles(deployment.paths.services / deployment.releases[release].service.name)
    files.directory.mkdir(parents=True, exist_ok=True)
    return files


def states(reader: ReleasesReader) -> list[str]:
    return [view.service_state for view in reader.read([]).views]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    yield started
    started.kill()
    started.wait()


def identity(process: subprocess.Popen[bytes]) -> Identity:
    found = identity_of(process.pid)
    assert found is not None
    return found


def test_services_at_rest_are_not_looked_for_at_each_read(
    deployment: Deployment, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, reader = Counted(monkeypatch), ReleasesReader(deployment, clock)
    for _ in range(5):
        assert states(reader) == ["STOPPED", "STOPPED"]
        clock.advance(1)
    assert counted.looks == 2, "one for each of the two"
    clock.advance(AT_REST_AGAIN)
    reader.read([])
    assert counted.looks == 4


def test_a_service_that_starts_is_seen_at_once(deployment: Deployment, clock: Any, process: Any) -> None:
    reader = ReleasesReader(deployment, clock)
    assert states(reader) == ["STOPPED", "STOPPED"]
    files_of(deployment, "v1").write_record(ServiceRecord("up", "running", None, identity(process)))
    assert states(reader) == ["RUNNING", "STOPPED"]


def test_a_process_that_is_killed_is_seen_within_a_second(deployment: Deployment, clock: Any, process: Any) -> None:
    files_of(deployment, "v1").write_record(ServiceRecord("up", "running", None, identity(process)))
    reader = ReleasesReader(deployment, clock)
    assert states(reader)[0] == "RUNNING"
    process.kill()
    process.wait()
    clock.advance(1)
    assert states(reader)[0] == "FAILED"


def test_a_pid_that_is_used_again_is_not_the_service(deployment: Deployment, clock: Any, process: Any) -> None:
    """The same pid, begun at another time: the process that was recorded is gone."""
    earlier = msgspec.structs.replace(identity(process), start_time=identity(process).start_time - 1)
    files_of(deployment, "v1").write_record(ServiceRecord("up", "running", None, earlier))
    assert states(ReleasesReader(deployment, clock))[0] == "FAILED"


def test_a_record_that_is_replaced_by_one_of_the_same_size_is_seen(
    deployment: Deployment, clock: Any, process: Any
) -> None:
    files = files_of(deployment, "v1")
    files.write_record(ServiceRecord("up", "waiting", None, None, reason="one"))
    reader = ReleasesReader(deployment, clock)
    assert states(reader)[0] == "FAILED"
    first = files.stamp()
    files.write_record(ServiceRecord("up", "waiting", None, None, reason="two"))
    assert files.stamp()[1] == first[1] and files.stamp() != first


def test_a_process_with_the_mark_that_no_record_knows_is_found_after_a_while(
    deployment: Deployment, clock: Any
) -> None:
    reader = ReleasesReader(deployment, clock)
    assert states(reader)[0] == "STOPPED"
    mark = f"{deployment.root}|{deployment.releases['v1'].service.name}"
    stray = subprocess.Popen(
        [sys.executable, "-S", "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, MARK_VARIABLE: mark},
    )
    try:
        assert stray.stdout is not None and stray.stdout.readline()
        clock.advance(AT_REST_AGAIN + 0.1)
        assert states(reader)[0] == "UNSURE"
    finally:
        stray.kill()
        stray.wait()
    clock.advance(releases.SPARED_AT_MOST + 0.1)
    assert states(reader)[0] == "STOPPED", "and what is unsure is asked again soon"
